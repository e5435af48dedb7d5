//! `$top`, page tokens and next links of lists. A token belongs to one tenant and one list, lives for a
//! while, and remembers that the first page was an advanced query: the header is not part of the link.

use jiff::SignedDuration;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::ApiError;
use super::call::Call;
use super::context::Context;

const DEFAULT_PAGE: usize = 100;
const MAXIMUM_PAGE: usize = 999;

/// What must not stand bare in a query value; the rest stays readable, as in the service's own links.
const QUERY_VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'>')
    .add(b'=');

#[derive(Serialize, Deserialize)]
pub struct PageToken<T> {
    list: String,
    at: i64,
    advanced: bool,
    position: T,
}

impl<T: Serialize + DeserializeOwned> PageToken<T> {
    /// The position a `$skiptoken` stands for; `None` on a first page.
    pub fn read(context: &Context, call: &Call, list: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = call.option("$skiptoken") else {
            return Ok(None);
        };
        let opened: Option<Self> = context.sealer.open(context.tenant_id(), text);
        let token = opened
            .filter(|token| token.list == list)
            .ok_or_else(|| ApiError::directory_bad_request("The specified page token value is incorrect."))?;
        let age = SignedDuration::from_secs(context.now.as_second() - token.at);
        if age > SignedDuration::from_secs(context.behaviour.page_token_seconds) {
            return Err(ApiError::new(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired and can no longer be included in your request.",
            ));
        }
        if token.advanced && !call.eventual() {
            return Err(needs_advanced());
        }
        Ok(Some(token.position))
    }
}

pub fn needs_advanced() -> ApiError {
    ApiError::unsupported(
        "Property filter, order or cast needs the header 'ConsistencyLevel: eventual' and '$count=true'.",
    )
}

pub fn top(call: &Call) -> Result<usize, ApiError> {
    let Some(text) = call.option("$top") else {
        return Ok(DEFAULT_PAGE);
    };
    match text.parse::<usize>() {
        Ok(size) if (1..=MAXIMUM_PAGE).contains(&size) => Ok(size),
        _ => {
            let message =
                format!("Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive.");
            Err(ApiError::directory_bad_request(message))
        }
    }
}

/// The same request with a new token. The path stays as the client wrote it.
pub fn next_link(context: &Context, call: &Call, list: &str, position: impl Serialize) -> String {
    let token = PageToken {
        list: list.to_owned(),
        at: context.now.as_second(),
        advanced: call.eventual(),
        position,
    };
    let mut options: Vec<(&str, String)> = call
        .query
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    options.push(("$skiptoken", context.sealer.seal(context.tenant_id(), &token)));
    let path = call.path.strip_prefix("/v1.0").unwrap_or(&call.path);
    link(context, path, &options)
}

/// An absolute address on the Graph host.
pub fn link(context: &Context, path: &str, options: &[(&str, String)]) -> String {
    let query: Vec<String> = options
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY_VALUE)))
        .collect();
    format!("{}{path}?{}", context.link_base(), query.join("&"))
}
