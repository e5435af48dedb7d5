//! `POST /console/sign-out`: the end of a session, for every copy of its cookie, and back to the door one came through.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use shared::store::Holder;
use web::{CookieKind, DoorError, Language, comes_from_another_site, pairs, see_other};

use super::SIGN_IN;
use super::way_in::door_of;
use crate::AdminState;

pub async fn sign_out(State(state): State<AdminState>, headers: HeaderMap, body: Bytes) -> Response {
    match end(&state, &headers, &body).await {
        Ok(response) => response,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn end(state: &AdminState, headers: &HeaderMap, body: &[u8]) -> Result<Response, DoorError> {
    let sessions = &state.door.sessions;
    let form = std::str::from_utf8(body).map_err(|_| DoorError::Bad)?;
    let form = pairs(form).map_err(|_| DoorError::Bad)?;
    let live = sessions.current(CookieKind::Console, headers).await?;
    let ours = live
        .as_ref()
        .is_none_or(|live| form.get("csrf").is_some_and(|sent| live.is_csrf_token(sent)));
    if !ours || comes_from_another_site(headers, state.door.origin.as_str()) {
        tracing::warn!(
            security.event = "csrf",
            "a sign-out that no page of ours sent was refused"
        );
        return Err(DoorError::NotAllowed);
    }
    let cookie = sessions.end(CookieKind::Console, headers).await?;
    let door = match live.map(|live| live.session.holder) {
        Some(Holder::Member { connection, .. }) => door_of(connection),
        _ => SIGN_IN.to_owned(),
    };
    let mut response = see_other(&door);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
