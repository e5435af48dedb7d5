//! The handshake: Graph sends a token and wants it back, decoded, as plain text. Anybody may ask; it changes nothing, and what
//! comes back is never anything but text.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::refusal::Refusal;

/// Graph's tokens are some hundred characters long.
const LONGEST: usize = 4096;
const NAME: &str = "validationToken";

/// The token of a query, if it has one.
pub fn token(query: Option<&str>) -> Result<Option<String>, Refusal> {
    let query = query.unwrap_or_default();
    // A space comes as `+`, which only a form decoder knows.
    let mut tokens = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == NAME);
    let Some((_, token)) = tokens.next() else {
        return Ok(None);
    };
    if tokens.next().is_some() {
        return Err(Refusal::bad("validationToken comes more than once"));
    }
    let decodes = !token.contains(char::REPLACEMENT_CHARACTER);
    if token.is_empty() || token.len() > LONGEST || !decodes || token.chars().any(char::is_control) {
        return Err(Refusal::bad("validationToken is not a token of Microsoft Graph"));
    }
    Ok(Some(token.into_owned()))
}

/// The answer Graph waits for.
pub fn echo(token: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], token).into_response()
}
