//! `GET /me`: a person's own page, behind Microsoft sign-in, with what they may decide; `POST /me/sign-out`: its end.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::domain::ids::ConnectionId;
use shared::store::{Holder, StoreError};
use web::{CookieKind, DoorError, Language, Link, Live, Notice, Page, Words, pairs, see_other};

use crate::SsoState;
use crate::admit::{Wish, open_connection};
use crate::form::proven;
use crate::presence_form::PresenceForm;

/// So many connections are looked at for the only one that is open.
const FEW: usize = 20;

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    language: Language,
    words: Words,
    name: String,
    extension: String,
    server: String,
    /// Whether a decision was stored a moment ago.
    saved: bool,
    presence: Option<PresenceForm>,
    csrf: String,
}

impl MePage {
    #[expect(clippy::unused_self, reason = "the layout asks each page")]
    fn style(&self) -> &'static str {
        Page::style()
    }
}

pub async fn me(State(state): State<SsoState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = pairs(&query.unwrap_or_default()).unwrap_or_default();
    let language = Language::of(&headers, pairs.get("lang").map(String::as_str));
    let connection = pairs
        .get("connection")
        .and_then(|id| ConnectionId::parse(id).ok());
    let shown = match state.door.sessions.current(CookieKind::Me, &headers).await {
        Ok(Some(live)) => {
            let saved = pairs.get("saved").is_some_and(|what| what == "presence");
            show(&state, &live, (language, saved)).await
        }
        Ok(None) => invite(&state, connection, language).await,
        Err(error) => Err(error.into()),
    };
    shown.unwrap_or_else(|error| error.page(language).into_response())
}

async fn show(
    state: &SsoState,
    live: &Live,
    (language, saved): (Language, bool),
) -> Result<Response, DoorError> {
    let store = &state.door.store;
    let Holder::Person { connection, user } = live.session.holder else {
        return Err(DoorError::NotAllowed);
    };
    let open = open_connection(store, connection, Wish::Me).await?;
    let open = open.ok_or(DoorError::NotAllowed)?;
    let binding = open.admit(store, user).await?.ok_or(DoorError::NotAllowed)?;
    let choice = store.presence_choice(connection, user).await?;
    let words = Words(language);
    let page = MePage {
        language,
        words,
        saved,
        presence: PresenceForm::of(&open.settings.presence, choice.as_ref(), words),
        name: binding.name,
        extension: binding.number.to_string(),
        server: open.connection.pbx.base_url,
        csrf: live.csrf_token(),
    };
    Ok(Page::of(&page, StatusCode::OK).into_response())
}

/// Without a session: on to Microsoft, if it is clear through which connection.
async fn invite(
    state: &SsoState,
    named: Option<ConnectionId>,
    language: Language,
) -> Result<Response, DoorError> {
    let connection = match named {
        Some(id) => Some(id),
        None => only_open_one(state).await?,
    };
    if let Some(id) = connection {
        return Ok(see_other(&format!("/login?connection={id}")));
    }
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("me-choose-title"),
        paragraphs: vec![words.text("me-choose")],
        items: Vec::new(),
        links: Vec::new(),
    };
    Ok(notice.page(StatusCode::OK).into_response())
}

async fn only_open_one(state: &SsoState) -> Result<Option<ConnectionId>, StoreError> {
    let store = &state.door.store;
    let page = store.connections(FEW, None).await?;
    let mut open = Vec::new();
    for connection in page.items {
        if open_connection(store, connection.id, Wish::Me).await?.is_some() {
            open.push(connection.id);
        }
    }
    Ok(match open.as_slice() {
        [one] if page.next_cursor.is_none() => Some(*one),
        _ => None,
    })
}

pub async fn sign_out(State(state): State<SsoState>, headers: HeaderMap, body: Bytes) -> Response {
    let language = Language::of(&headers, None);
    match end(&state, &headers, &body, language).await {
        Ok(response) => response,
        Err(error) => error.page(language).into_response(),
    }
}

async fn end(
    state: &SsoState,
    headers: &HeaderMap,
    body: &[u8],
    language: Language,
) -> Result<Response, DoorError> {
    let sessions = &state.door.sessions;
    let live = sessions.current(CookieKind::Me, headers).await?;
    proven(state, headers, body, live.as_ref())?;
    let cookie = sessions.end(CookieKind::Me, headers).await?;
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("me-signed-out-title"),
        paragraphs: vec![words.text("me-signed-out")],
        items: Vec::new(),
        links: microsoft_sign_out(state, live.as_ref(), words).await,
    };
    let mut response = notice.page(StatusCode::OK).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Only offered: the session with Microsoft is the person's, for more than this page.
async fn microsoft_sign_out(state: &SsoState, live: Option<&Live>, words: Words) -> Vec<Link> {
    let Some(Holder::Person { connection, .. }) = live.map(|live| &live.session.holder) else {
        return Vec::new();
    };
    let Ok(Some(connection)) = state.door.store.connection(*connection).await else {
        return Vec::new();
    };
    let provider = state.door.providers.of(connection.value.tenant);
    match provider.logout_url(&state.door.link("/me")).await {
        Ok(Some(url)) => vec![Link {
            href: url.into(),
            text: words.text("me-signed-out-microsoft"),
        }],
        _ => Vec::new(),
    }
}
