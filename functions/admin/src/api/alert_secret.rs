//! `POST /api/v1/connections/{id}/alerts/webhook-secret`: another secret for what is posted. The one before signs for a day
//! beside it, so that no message is lost while the receiver learns it.

use axum::Json;
use axum::extract::{Path, State};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use shared::alerts::new_secret;
use shared::domain::ids::ConnectionId;
use shared::store::StoreError;

use super::lookup;
use crate::AdminState;
use crate::body::NoBody;
use crate::problem::Problem;

/// A secret, shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlertSecret {
    /// It signs what is posted to the webhook from now on.
    webhook_secret: String,
}

/// Makes another secret for the webhook and shows it, this once. The one before signs beside it for a day.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/alerts/webhook-secret", params(("id" = String, Path)),
    responses((status = 200, body = AlertSecret)),
)]
pub async fn renew_alert_secret(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<AlertSecret>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let secret = renew(&state, connection.id).await?;
    Ok(Json(AlertSecret {
        webhook_secret: secret.expose_secret().to_owned(),
    }))
}

/// Puts another secret in the place of the present one.
pub async fn renew(state: &AdminState, connection: ConnectionId) -> Result<SecretString, StoreError> {
    let secret = new_secret();
    let now = state.engine.clock.now();
    state
        .engine
        .store
        .replace_alert_secret(connection, &secret, now)
        .await?;
    Ok(secret)
}
