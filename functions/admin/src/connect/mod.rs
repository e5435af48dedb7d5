//! An admin signs in with Microsoft and consents: a link that works once, the way to Microsoft, and the way back.

mod callback;
mod start;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use shared::domain::ids::ConnectionId;
use shared::sso::{random_word, word_hash};
use shared::store::{LoginAttempt, Purpose, StoreError};

use crate::AdminState;

/// Registered with the app.
pub const CALLBACK: &str = "/connect/callback";

/// The pages of this module; whoever has the link may open it.
pub fn routes() -> Router<AdminState> {
    Router::new()
        // Scanners of links ask for the head; the link is for whoever opens it.
        .route("/connect/start", get(start::start).head(StatusCode::OK))
        .route(CALLBACK, get(callback::callback))
}

/// A link with which one admin connects, within ten minutes.
pub async fn link(state: &AdminState, connection: ConnectionId) -> Result<String, StoreError> {
    let word = random_word();
    let attempt = LoginAttempt {
        connection,
        browser: String::new(),
        purpose: Purpose::ConnectLink,
        expires_at: state.door.soon(),
    };
    state
        .door
        .store
        .put_login_attempt(&word_hash(&word), &attempt)
        .await?;
    Ok(state.door.link(&format!("/connect/start?attempt={word}")))
}
