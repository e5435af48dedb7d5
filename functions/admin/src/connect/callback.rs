//! `GET /connect/callback`: an admin comes back from Microsoft. Whose tenant they are of is read off the id_token, whether
//! consent was given off the permissions themselves.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use shared::domain::connection::{AttentionCause, AuthorisedAccount, Connection, ConnectionStatus};
use shared::domain::ids::ConnectionId;
use shared::domain::permissions::{application, delegated};
use shared::domain::settings::ConnectionSettings;
use shared::metrics::SIGN_INS;
use shared::ports::{Clock, Directory, DirectoryError};
use shared::sso::{SignedIn, SsoError, TokenProblem};
use shared::store::{Purpose, StoreError, Versioned};
use shared::telemetry::chain;
use web::{CameBack, DoorError, Language, Link, Notice, Words};

use super::CALLBACK;
use crate::AdminState;
use crate::api::take_up::take_up;

/// A consent takes a moment to reach all of Microsoft's servers; a function that a browser waits for has half a minute.
const LOOKS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(6),
];

/// What became of a sign-in.
enum End {
    Connected,
    Missing(Vec<String>),
    NotChecked,
    Refused(String),
}

pub async fn callback(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&headers, None);
    match come_back(&state, &headers, &query.unwrap_or_default()).await {
        Ok((end, connection)) => end.page(language, connection),
        Err(error) => failed(&error, language),
    }
}

async fn come_back(
    state: &AdminState,
    headers: &HeaderMap,
    query: &str,
) -> Result<(End, ConnectionId), DoorError> {
    let came = state.door.come_back(headers, query).await?;
    if came.purpose != Purpose::Connect {
        return Err(DoorError::Expired);
    }
    let signed_in = state.door.identify(&came, CALLBACK).await?;
    let id = came.connection.value.id;
    tracing::info!(
        target: SIGN_INS.target,
        { signed_in = 1, connection.id = %id, entra_user.id = %signed_in.identity.user },
        "an admin signed in to connect"
    );
    keep_grant(state, &came, &signed_in).await?;
    let end = look(state, &came).await;
    note(state, came.connection, (&came.settings, &signed_in, &end)).await?;
    Ok((end, id))
}

/// A refresh token is kept only where contacts are read in the account's name.
async fn keep_grant(state: &AdminState, came: &CameBack, signed_in: &SignedIn) -> Result<(), StoreError> {
    let wanted = !delegated(&came.settings).is_empty();
    let token = signed_in.refresh_token.as_ref().filter(|_| wanted);
    state
        .door
        .store
        .save_delegated_grant(came.connection.value.id, token)
        .await
}

async fn look(state: &AdminState, came: &CameBack) -> End {
    let connection = &came.connection.value;
    let sides = match state.engine.sides.sides(connection, &came.secrets) {
        Ok(sides) => sides,
        Err(error) => return End::Refused(error.to_string()),
    };
    let needed = application(&came.settings);
    let found = missing(sides.directory.as_ref(), &needed, state.engine.clock.as_ref()).await;
    match found {
        Ok(missing) if missing.is_empty() => End::Connected,
        Ok(missing) => End::Missing(missing.into_iter().map(str::to_owned).collect()),
        Err(DirectoryError::SignInRefused { sentence, .. }) => End::Refused(sentence),
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "permissions could not be checked after a sign-in");
            End::NotChecked
        }
    }
}

async fn missing(
    directory: &dyn Directory,
    needed: &[&'static str],
    clock: &dyn Clock,
) -> Result<Vec<&'static str>, DirectoryError> {
    let mut missing = directory.missing_permissions(needed).await?;
    for wait in LOOKS {
        if missing.is_empty() {
            break;
        }
        clock.sleep(wait).await;
        missing = directory.missing_permissions(&missing).await?;
    }
    Ok(missing)
}

/// Writes down who connected, and how it stands. A switched-off connection stays switched off.
async fn note(
    state: &AdminState,
    mut connection: Versioned<Connection>,
    (settings, signed_in, end): (&ConnectionSettings, &SignedIn, &End),
) -> Result<(), DoorError> {
    let identity = &signed_in.identity;
    connection.value.authorised_account = Some(AuthorisedAccount {
        user: identity.user,
        name: identity.name.clone(),
        sign_in_name: identity.sign_in_name.clone(),
        directory_roles: identity.directory_roles.clone(),
        at: state.door.clock.now(),
    });
    let is_off = matches!(
        connection.value.status,
        ConnectionStatus::Disabled | ConnectionStatus::Disconnected
    );
    if let Some(status) = end.status().filter(|_| !is_off) {
        connection.value.status = status;
    }
    state.door.store.save_connection(&connection).await?;
    take_up(state, &connection.value, settings).await?;
    Ok(())
}

impl End {
    fn status(&self) -> Option<ConnectionStatus> {
        match self {
            Self::Connected => Some(ConnectionStatus::Connected),
            Self::Missing(missing) => Some(ConnectionStatus::NeedsAttention {
                reason: format!(
                    "the app registration lacks {}: grant admin consent for it in the Entra portal, or sign in again with an account that may consent",
                    missing.join(", ")
                ),
                cause: AttentionCause::Entra,
            }),
            Self::Refused(sentence) => Some(ConnectionStatus::NeedsAttention {
                reason: format!("Microsoft refused the app: {sentence}"),
                cause: AttentionCause::Entra,
            }),
            Self::NotChecked => None,
        }
    }

    /// What came of it, and the way on to the connection.
    fn page(&self, language: Language, connection: ConnectionId) -> Response {
        let words = Words(language);
        let (status, title, paragraphs, items) = match self {
            Self::Connected => (
                StatusCode::OK,
                "connect-done-title",
                vec![words.text("connect-done")],
                Vec::new(),
            ),
            Self::Missing(missing) => (
                StatusCode::OK,
                "connect-missing-title",
                vec![words.text("connect-missing"), words.text("connect-missing-mend")],
                missing.clone(),
            ),
            Self::NotChecked => (
                StatusCode::OK,
                "connect-missing-title",
                vec![words.text("connect-not-checked")],
                Vec::new(),
            ),
            Self::Refused(sentence) => (
                StatusCode::BAD_GATEWAY,
                "sign-in-failed-title",
                vec![words.with("connect-refused", &[("why", &words.said(sentence).text)])],
                Vec::new(),
            ),
        };
        let notice = Notice {
            language,
            title: words.text(title),
            paragraphs,
            items,
            links: vec![Link {
                href: format!("/console/connections/{connection}"),
                text: words.text("connect-to-connection"),
            }],
        };
        notice.page(status).into_response()
    }
}

/// An admin is told more than a person who wants in: they can act on it.
fn failed(error: &DoorError, language: Language) -> Response {
    let words = Words(language);
    let sentence = match error {
        DoorError::Declined {
            number: Some(90_094), ..
        } => words.text("connect-needs-admin"),
        DoorError::Declined { error, .. } if error == "consent_required" => words.text("connect-needs-admin"),
        DoorError::Declined { error, .. } if error == "access_denied" => words.text("connect-declined"),
        DoorError::Sso(SsoError::Token(TokenProblem::Tenant | TokenProblem::Issuer)) => {
            words.text("connect-other-tenant")
        }
        DoorError::Sso(SsoError::Refused { sentence, .. }) => {
            words.with("connect-refused", &[("why", &words.said(sentence).text)])
        }
        other => return other.page(language).into_response(),
    };
    tracing::warn!(target: SIGN_INS.target, { failed = 1, error = %chain(error) }, "an admin's sign-in did not connect");
    let notice = Notice {
        language,
        title: words.text("sign-in-failed-title"),
        paragraphs: vec![sentence],
        items: Vec::new(),
        links: Vec::new(),
    };
    notice.page(StatusCode::FORBIDDEN).into_response()
}
