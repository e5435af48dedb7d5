//! `POST /api/v1/connections/{id}/alerts/test`: a test on every channel, at once, and what each of them said.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::alerts::send_test;
use shared::domain::alert::AlertChannel;
use shared::domain::connection::Connection;
use shared::store::StoreError;

use super::lookup;
use crate::AdminState;
use crate::body::NoBody;
use crate::problem::Problem;

/// What became of a test.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TestedAlerts {
    /// Each channel that is set; none: nobody is told of anything.
    channels: Vec<TestedChannel>,
}

/// What one channel said.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TestedChannel {
    /// Which.
    pub channel: AlertChannel,
    /// Whether it took the message.
    pub delivered: bool,
    /// Why not, and what would mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Sends a test on every channel that is set and answers what each of them said.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/alerts/test", params(("id" = String, Path)),
    responses((status = 200, body = TestedAlerts)),
)]
pub async fn test_alerts(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<TestedAlerts>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let channels = test(&state, &connection).await?;
    Ok(Json(TestedAlerts { channels }))
}

/// Sends a test; answers what each channel said.
pub async fn test(state: &AdminState, connection: &Connection) -> Result<Vec<TestedChannel>, StoreError> {
    let settings = state.engine.store.alert_settings(connection.id).await?.value;
    let sent = send_test(&state.engine, &state.alerts, connection, &settings).await;
    let told = sent.into_iter().map(|(channel, result)| TestedChannel {
        channel,
        delivered: result.is_ok(),
        error: result.err().map(|error| error.to_string()),
    });
    Ok(told.collect())
}
