//! `GET /console/connections/{id}/health`: how the connection follows its tenant, how long its secret lasts, what its PBX can
//! and whether we are signed in there, how old the last look at presence is. Nothing of a token is shown.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use shared::domain::connection::{AppCredential, Connection};
use shared::ports::{PbxTokenStore as _, PbxTokens};
use shared::telemetry::chain;

use super::error::{PageError, shown};
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::overview::Overview;
use crate::AdminState;
use crate::api::lookup;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    it: Overview,
    /// Whether a certificate proves the app, rather than a secret.
    certificate: bool,
    /// When the app registration was asked for the end of the secret.
    asked_at: Option<Timestamp>,
    session: Session,
}

/// Whether we are signed in to the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    Never,
    /// Until then, unless renewed.
    Open(Timestamp),
    /// The next call renews it; until then it can.
    Renewable(Timestamp),
    /// The next call signs in anew.
    Ended,
    /// The table or its key gave nothing usable.
    Unreadable,
}

impl Session {
    fn of(tokens: Option<&PbxTokens>, now: Timestamp) -> Self {
        match tokens {
            None => Self::Never,
            Some(tokens) if tokens.access_ends > now => Self::Open(tokens.access_ends),
            Some(tokens) if tokens.refresh_ends > now => Self::Renewable(tokens.refresh_ends),
            Some(_) => Self::Ended,
        }
    }
}

pub async fn health(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    shown(show(&state, visitor, &id).await, language)
}

async fn show(state: &AdminState, visitor: Visitor, id: &str) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let secrets = store.secrets(connection.id).await?;
    let care = store.secret_care(connection.id).await?;
    let health = HealthPage {
        frame: Frame::of(visitor, &connection, "health", "health-title"),
        certificate: secrets.is_some_and(|secrets| matches!(secrets.app, AppCredential::Certificate(_))),
        asked_at: care.and_then(|care| care.value.asked_at),
        session: session(state, &connection).await,
        it: Overview::load(state, connection).await?,
    };
    Ok(page(&health, StatusCode::OK))
}

async fn session(state: &AdminState, connection: &Connection) -> Session {
    let tokens = state.engine.store.pbx_token_store(connection.id);
    match tokens.load().await {
        Ok(tokens) => Session::of(tokens.as_ref(), state.engine.clock.now()),
        Err(error) => {
            tracing::error!(connection.id = %connection.id, error = %chain(&error), "the PBX tokens could not be read for a page");
            Session::Unreadable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ports::CredentialsDigest;

    #[test]
    fn a_session_of_the_pbx_is_told_by_its_two_ends() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let tokens = PbxTokens {
            access_token: "a".into(),
            refresh_token: "r".into(),
            access_ends: at("2026-03-01T12:30:00Z"),
            refresh_ends: at("2026-03-02T12:00:00Z"),
            of: CredentialsDigest::of(&[]),
        };
        for (now, session) in [
            ("2026-03-01T12:00:00Z", Session::Open(tokens.access_ends)),
            ("2026-03-01T12:30:00Z", Session::Renewable(tokens.refresh_ends)),
            ("2026-03-02T12:00:00Z", Session::Ended),
        ] {
            assert_eq!(Session::of(Some(&tokens), at(now)), session, "{now}");
        }
        assert_eq!(Session::of(None, at("2026-03-01T12:00:00Z")), Session::Never);
    }
}
