//! `POST /api/v1/connections/{id}/client-secret`: a new client secret, tested before it takes the old one's place.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use shared::domain::connection::{AppCredential, Connection, ConnectionSecrets, ConnectionStatus};
use shared::ports::SideError;
use shared::store::Versioned;

use super::connection_input::{SecretText, awaiting_consent, secret_problem};
use super::take_up::take_up;
use super::{connection_update, lookup};
use crate::AdminState;
use crate::body::JsonBody;
use crate::probe;
use crate::problem::{Kind, Problem};
use crate::view::connection::ConnectionView;

/// A new client secret.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClientSecret {
    /// The value of the secret.
    client_secret: SecretText,
    /// When it ends, so that somebody is reminded in time.
    #[serde(default)]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Replaces the client secret of the app registration.
///
/// A wrong one changes nothing.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/client-secret", params(("id" = String, Path)),
    request_body = NewClientSecret, responses((status = 200, body = ConnectionView)),
)]
pub async fn replace_client_secret(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewClientSecret>,
) -> Result<Json<ConnectionView>, Problem> {
    let store = &state.engine.store;
    let mut connection = lookup::connection(store, &id).await?;
    if connection.value.status == ConnectionStatus::Disconnected {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    let expires_at = checked(&body)?;
    let old = store
        .secrets(connection.value.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let secrets = ConnectionSecrets {
        app: AppCredential::Secret(body.client_secret.0),
        ..old.clone()
    };
    let missing = test(&state, &connection.value, &secrets).await?;
    let stood_still = matches!(connection.value.status, ConnectionStatus::NeedsAttention { .. });
    update(&mut connection, &missing, expires_at);
    connection_update::replace(store, &connection, &old, &secrets).await?;
    go_on(&state, &connection.value, stood_still).await?;
    Ok(Json(ConnectionView::load(&state, connection.value).await?))
}

fn checked(body: &NewClientSecret) -> Result<Option<Timestamp>, Problem> {
    if let Some(problem) = secret_problem("/client_secret", &body.client_secret) {
        return Err(Problem::validation(vec![problem]));
    }
    body.expires_at
        .as_deref()
        .map(str::parse::<Timestamp>)
        .transpose()
        .map_err(|_| {
            Problem::field(
                "/expires_at",
                "write an instant as RFC 3339, for example 2026-01-31T00:00:00Z",
            )
        })
}

async fn test(
    state: &AdminState,
    connection: &Connection,
    secrets: &ConnectionSecrets,
) -> Result<Vec<String>, Problem> {
    let sides = state
        .engine
        .sides
        .sides_under_test(connection, secrets)
        .map_err(|SideError { field, detail }| Problem::field(field, detail))?;
    let needed = connection_update::needed(state, connection.id).await?;
    probe::entra(sides.directory.as_ref(), &needed)
        .await
        .map_err(connection_update::refusal)
}

/// What stood still for want of a secret goes on by itself, at once.
async fn go_on(state: &AdminState, connection: &Connection, stood_still: bool) -> Result<(), Problem> {
    let store = &state.engine.store;
    let Some(settings) = store.settings(connection.id).await? else {
        return Ok(());
    };
    if !connection.status.may_run() {
        return Ok(());
    }
    take_up(state, connection, &settings.value).await?;
    if stood_still && settings.value.any_part_enabled() {
        store.set_due(connection.id, state.engine.clock.now()).await?;
    }
    Ok(())
}

/// A connection that stood still may go on; the next run finds out whether anything else is wrong.
fn update(connection: &mut Versioned<Connection>, missing: &[String], expires_at: Option<Timestamp>) {
    let connection = &mut connection.value;
    connection.secret_expires_at = expires_at;
    if connection.status != ConnectionStatus::Disabled {
        connection.status = awaiting_consent(missing);
    }
}
