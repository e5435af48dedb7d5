//! `PUT /api/v1/connections/{id}/alerts`: a whole document over the one that the caller has read.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use shared::alerts::{WebhookAddress, new_secret};
use shared::domain::alert_settings::AlertSettings;
use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::settings_check::FieldProblem;
use shared::store::{StoreError, Version};

use super::lookup;
use super::settings_read::entity_tag;
use super::settings_write::precondition;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::{Kind, Problem};

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("some values must be mended")]
    Invalid(Vec<FieldProblem>),
    #[error("the connection is disconnected: nothing of it can go wrong any more")]
    Disconnected,
    #[error("the settings have another version")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Invalid(problems) => Self::validation(problems),
            WriteError::Disconnected => Self::new(Kind::ReadOnly, error.to_string()),
            WriteError::Stale => Self::new(
                Kind::Stale,
                "the settings were saved since you read them: read them again",
            ),
            WriteError::Store(error) => error.into(),
        }
    }
}

/// What was saved.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SavedAlerts {
    #[serde(flatten)]
    settings: AlertSettings,
    /// What signs that which is posted to the webhook: shown with the first one that is set, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
}

/// Replaces who is told of alerts. What is left out gets its default.
///
/// The answer to the first document with a webhook has the secret that signs what is posted to it.
#[utoipa::path(
    put, path = "/api/v1/connections/{id}/alerts",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag of the settings that were read")),
    request_body = AlertSettings,
    responses((status = 200, body = SavedAlerts, headers(("ETag" = String)))),
)]
pub async fn write_alerts(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(settings): JsonBody<AlertSettings>,
) -> Result<([(HeaderName, String); 1], Json<SavedAlerts>), Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let read = store.alert_settings(connection.id).await?;
    precondition(&headers, read.version)?;
    let (version, secret) = save(&state, &connection, &settings, read.version).await?;
    let saved = SavedAlerts {
        settings,
        webhook_secret: secret.map(|secret| secret.expose_secret().to_owned()),
    };
    Ok(([(header::ETAG, entity_tag(version))], Json(saved)))
}

/// Judges settings and puts them in the place of those that were read; answers the secret that was made for them, if any.
pub async fn save(
    state: &AdminState,
    connection: &Connection,
    settings: &AlertSettings,
    read_as: Version,
) -> Result<(Version, Option<SecretString>), WriteError> {
    if connection.status == ConnectionStatus::Disconnected {
        return Err(WriteError::Disconnected);
    }
    let mut problems = settings.problems();
    if let Some(webhook) = &settings.webhook
        && let Err(detail) = WebhookAddress::parse(&webhook.url, state.alerts.policy)
    {
        problems.push(FieldProblem::new("/webhook/url", detail));
    }
    if !problems.is_empty() {
        return Err(WriteError::Invalid(problems));
    }
    let store = &state.engine.store;
    let now = state.engine.clock.now();
    let saved = store.put_alert_settings(connection.id, settings, read_as).await?;
    let version = saved.map_err(|_stale| WriteError::Stale)?;
    let needs_secret = settings.webhook.is_some() && store.alert_secrets(connection.id).await?.is_none();
    let secret = needs_secret.then(new_secret);
    if let Some(secret) = &secret {
        store.replace_alert_secret(connection.id, secret, now).await?;
    }
    store.alerts_soon(connection.id, now).await?;
    Ok((version, secret))
}
