//! `GET /console/sign-in`: the way in; by Microsoft account where somebody was allowed, by API token the first time.

use std::collections::BTreeMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::domain::ids::ConnectionId;
use shared::metrics::SIGN_INS;
use shared::store::{Holder, Purpose, StoreError};
use web::{
    Begin, CookieKind, DoorError, Language, Page, Words, comes_from_another_site, pairs, safe_path, see_other,
};

use super::way_in::WayIn;
use super::{CALLBACK, SIGN_IN};
use crate::AdminState;
use crate::access::{known_token, plausible_token};
use crate::token::TokenHash;

/// So many connections are looked at for the only one whose people may sign in: anybody can make us look. Of more
/// connections one has to be named.
const FEW: usize = 50;
/// Who somebody is, and nothing else.
const SCOPE: &str = "openid profile";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    language: Language,
    words: Words,
    way: WayIn,
    microsoft: Option<String>,
    /// Whether a connection has to be named first.
    which: bool,
    wrong: bool,
}

/// Through which connection somebody may sign in with Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    One(ConnectionId),
    /// Several come into question, and none is named.
    Several,
    Nobody,
}

impl SignInPage {
    #[expect(clippy::unused_self, reason = "the layout asks each page")]
    fn style(&self) -> &'static str {
        Page::style()
    }
}

/// Where somebody wants to go who has to sign in first.
pub async fn page(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let made = async {
        let asked = pairs(&query.unwrap_or_default()).map_err(|_| DoorError::Bad)?;
        show(&state, &headers, &asked, false).await
    };
    match made.await {
        Ok(page) => page,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn show(
    state: &AdminState,
    headers: &HeaderMap,
    asked: &BTreeMap<String, String>,
    wrong: bool,
) -> Result<Response, DoorError> {
    let language = Language::of(headers, asked.get("lang").map(String::as_str));
    let way = WayIn::of(asked);
    let through = match way.connection() {
        Some(id) => Through::One(id),
        None => only_one_with_members(state).await?,
    };
    let page = SignInPage {
        language,
        words: Words(language),
        microsoft: match through {
            Through::One(id) => Some(way.through(id)),
            Through::Several | Through::Nobody => None,
        },
        which: through == Through::Several,
        way,
        wrong,
    };
    let status = if wrong {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::OK
    };
    Ok(Page::of(&page, status).into_response())
}

/// Nobody is told which connections there are before they are known.
async fn only_one_with_members(state: &AdminState) -> Result<Through, StoreError> {
    let found = state.door.store.connections_with_access(FEW).await?;
    Ok(match found.items.as_slice() {
        _ if found.next_cursor.is_some() => Through::Several,
        [] => Through::Nobody,
        [one] => Through::One(*one),
        _ => Through::Several,
    })
}

/// `POST /console/sign-in`: with an API token, for the first time.
pub async fn with_token(State(state): State<AdminState>, headers: HeaderMap, body: Bytes) -> Response {
    match enter(&state, &headers, &body).await {
        Ok(response) => response,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn enter(state: &AdminState, headers: &HeaderMap, body: &[u8]) -> Result<Response, DoorError> {
    if comes_from_another_site(headers, state.door.origin.as_str()) {
        tracing::warn!(
            security.event = "csrf",
            "a sign-in that no page of ours sent was refused"
        );
        return Err(DoorError::NotAllowed);
    }
    let form = std::str::from_utf8(body).map_err(|_| DoorError::Bad)?;
    let form = pairs(form).map_err(|_| DoorError::Bad)?;
    let token = form.get("token").map(|token| token.trim()).unwrap_or_default();
    let hash = TokenHash::of(token);
    let known = if plausible_token(token) {
        known_token(state, &hash).await?
    } else {
        None
    };
    let Some(role) = known else {
        tracing::warn!(
            target: SIGN_INS.target,
            { refused = 1, security.event = "wrong_token" },
            "somebody tried to sign in to the console with a wrong token"
        );
        return show(state, headers, &form, true).await;
    };
    let holder = Holder::TokenBearer {
        token: hash.hex(),
        role,
    };
    let cookie = state
        .door
        .sessions
        .begin(CookieKind::Console, headers, holder)
        .await?;
    let mut response = see_other(landing(form.get("return_to").map(String::as_str)));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Where somebody goes on who has signed in: a page of the console, and not its door, which would send the form of a sign-in
/// on to another origin.
pub fn landing(wanted: Option<&str>) -> &str {
    let path = safe_path(wanted);
    let is_page = ["/console/", "/console?"]
        .iter()
        .any(|start| path.starts_with(start));
    if is_page && !path.starts_with(SIGN_IN) && !path.contains("..") {
        path
    } else {
        "/console"
    }
}

/// `GET /console/sign-in/microsoft`.
pub async fn microsoft(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match begin(&state, &headers, &query.unwrap_or_default()).await {
        Ok(response) => response,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn begin(state: &AdminState, headers: &HeaderMap, query: &str) -> Result<Response, DoorError> {
    let pairs = pairs(query).map_err(|_| DoorError::Bad)?;
    let id = pairs
        .get("connection")
        .and_then(|id| ConnectionId::parse(id).ok());
    let id = id.ok_or(DoorError::Bad)?;
    let connection = state
        .door
        .store
        .connection(id)
        .await?
        .ok_or(DoorError::NotAllowed)?;
    let return_to = safe_path(pairs.get("return_to").map(String::as_str)).to_owned();
    let begin = Begin {
        connection: &connection.value,
        purpose: Purpose::Console { return_to },
        callback: CALLBACK,
        scope: SCOPE,
        prompt: None,
    };
    state.door.begin(headers, begin).await
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 38
    #[test]
    fn a_sign_in_ends_on_a_page_of_the_console() {
        for page in [
            "/console/connections/0190d2a0-0000-7000-8000-000000000001",
            "/console?lang=en",
        ] {
            assert_eq!(landing(Some(page)), page);
        }
        for other in [
            "/",
            "/console",
            "/me",
            "/login?connection=0190d2a0-0000-7000-8000-000000000001",
            "/connect/start?attempt=a",
            "/console/sign-in/microsoft?connection=0190d2a0-0000-7000-8000-000000000001",
            "/console/../me",
            "//evil.example",
        ] {
            assert_eq!(landing(Some(other)), "/console", "{other}");
        }
        assert_eq!(landing(None), "/console");
    }
}
