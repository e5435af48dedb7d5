//! `GET /console`: what somebody sees who is signed in.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use web::{DoorError, Language, Page, Words, pairs, see_other};

use super::SIGN_IN;
use super::member::caller;
use crate::AdminState;
use crate::access;
use crate::view::connection::Status;

/// The most that one page lists.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    language: Language,
    words: Words,
    name: String,
    role: &'static str,
    connections: Vec<(String, String)>,
    csrf: String,
}

impl HomePage {
    #[expect(clippy::unused_self, reason = "the layout asks each page")]
    fn style(&self) -> &'static str {
        Page::style()
    }
}

pub async fn home(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = pairs(&query.unwrap_or_default()).unwrap_or_default();
    let language = Language::of(&headers, pairs.get("lang").map(String::as_str));
    match show(&state, &headers, language).await {
        Ok(response) => response,
        Err(error) => error.page(language).into_response(),
    }
}

async fn show(state: &AdminState, headers: &HeaderMap, language: Language) -> Result<Response, DoorError> {
    let Some((caller, live)) = caller(state, headers).await? else {
        return Ok(see_other(&format!("{SIGN_IN}?return_to=/console")));
    };
    let page = state.door.store.connections(MOST, None).await?;
    let connections = page
        .items
        .into_iter()
        .filter(|connection| caller.reach.covers(connection.id))
        .map(|connection| {
            let (status, _) = Status::of(&connection.status);
            (connection.name, status.word().to_owned())
        });
    let page = HomePage {
        language,
        words: Words(language),
        name: caller.name,
        role: access::name(caller.role),
        connections: connections.collect(),
        csrf: live.csrf_token(),
    };
    Ok(Page::of(&page, StatusCode::OK).into_response())
}
