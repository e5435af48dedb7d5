//! `GET /login`: a browser that wants in is sent to Microsoft. An application may ask for its user only under an address
//! that the connection's admin wrote down, to the letter.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::domain::ids::ConnectionId;
use shared::store::Purpose;
use web::{Begin, DoorError, Language, pairs};

use crate::SsoState;
use crate::admit::{OpenConnection, Wish, open_connection};
use crate::callback::CALLBACK;

/// Who somebody is, and nothing else.
const SCOPE: &str = "openid profile";
/// An application's own state is given back; longer ones are no state.
const LONGEST_STATE: usize = 2048;

pub async fn login(State(state): State<SsoState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    match begin(&state, &headers, &query).await {
        Ok(response) => response,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn begin(state: &SsoState, headers: &HeaderMap, query: &str) -> Result<Response, DoorError> {
    let pairs = pairs(query).map_err(|_| DoorError::Bad)?;
    let id = pairs
        .get("connection")
        .and_then(|id| ConnectionId::parse(id).ok());
    let id = id.ok_or(DoorError::Bad)?;
    let wish = if pairs.contains_key("redirect_uri") {
        Wish::Linkus
    } else {
        Wish::Me
    };
    let open = open_connection(&state.door.store, id, wish).await?;
    let open = open.ok_or(DoorError::NotAllowed)?;
    let begin = Begin {
        purpose: purpose(&pairs, &open)?,
        connection: &open.connection,
        callback: CALLBACK,
        scope: SCOPE,
        prompt: None,
    };
    state.door.begin(headers, begin).await
}

fn purpose(pairs: &BTreeMap<String, String>, open: &OpenConnection) -> Result<Purpose, DoorError> {
    let Some(redirect_uri) = pairs.get("redirect_uri") else {
        return Ok(Purpose::Me);
    };
    let code = pairs.get("response_type").is_none_or(|wanted| wanted == "code");
    let s256 = pairs
        .get("code_challenge_method")
        .is_some_and(|method| method == "S256");
    let challenge = pairs.get("code_challenge").filter(|text| is_challenge(text));
    let known = open.settings.sso.redirect_uris.contains(redirect_uri);
    let state = pairs.get("state");
    if !known || !code || !s256 || state.is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(DoorError::Bad);
    }
    Ok(Purpose::Linkus {
        redirect_uri: redirect_uri.clone(),
        state: state.cloned(),
        challenge: challenge.ok_or(DoorError::Bad)?.clone(),
    })
}

/// A SHA-256, in base64url.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
