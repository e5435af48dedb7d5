//! `GET /api/v1/connections/{id}/alerts/open`: what is wrong now, and what of it could not be told yet.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Serialize;
use shared::alerts::sentence;
use shared::domain::alert::{Alert, AlertChange, AlertChannel};
use shared::domain::alert_settings::AlertLanguage;
use shared::store::StoreError;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;

/// What is wrong, and what waits.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct OpenAlerts {
    /// What is wrong.
    pub open: Vec<OpenAlertView>,
    /// What could not be told yet, by message and channel.
    pub waiting: Vec<WaitingAlert>,
}

/// One alert.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OpenAlertView {
    /// Since when it is so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// In the language of the alerts.
    pub sentence: String,
    #[serde(flatten)]
    pub alert: Alert,
}

/// One message that has not arrived on one channel.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WaitingAlert {
    /// Which channel.
    pub channel: AlertChannel,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Tries that failed.
    pub failed: u32,
    /// When it is tried next.
    #[schema(value_type = String, format = DateTime)]
    pub next_at: Timestamp,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is wrong with the connection now, and what of it could not be told yet.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/alerts/open", params(("id" = String, Path)),
    responses((status = 200, body = OpenAlerts)),
)]
pub async fn list_open_alerts(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Json<OpenAlerts>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    Ok(Json(load(&state, connection.id, None).await?))
}

/// Reads what is wrong and what waits. `language`: of the sentences; `None`: the one that alerts are told in.
pub async fn load(
    state: &AdminState,
    connection: shared::domain::ids::ConnectionId,
    language: Option<AlertLanguage>,
) -> Result<OpenAlerts, StoreError> {
    let store = &state.engine.store;
    let Some(stored) = store.alerts(connection).await? else {
        return Ok(OpenAlerts::default());
    };
    let language = match language {
        Some(language) => language,
        None => store.alert_settings(connection).await?.value.language,
    };
    let open = stored.value.open.into_values().map(|known| OpenAlertView {
        since: known.since,
        sentence: sentence(&known.alert, AlertChange::Raised, language),
        alert: known.alert,
    });
    let waiting = stored.value.outbox.into_iter().flat_map(|message| {
        message
            .waiting
            .into_iter()
            .map(move |(channel, tries)| WaitingAlert {
                channel,
                since: message.at,
                failed: tries.failed,
                next_at: tries.next_at,
                error: tries.problem,
            })
    });
    Ok(OpenAlerts {
        open: open.collect(),
        waiting: waiting.collect(),
    })
}
