//! `POST /api/v1/connections/{id}/enable`: the master switch on. What Microsoft says of the app's permissions now is the
//! connection's status; a side that cannot be asked keeps nobody from enabling.

use axum::Json;
use axum::extract::{Path, State};
use shared::domain::connection::{AttentionCause, Connection, ConnectionStatus};
use shared::domain::settings::ConnectionSettings;

use super::connection_input::awaiting_consent;
use super::connection_update::needed;
use super::lifecycle::answer;
use super::lookup;
use super::more_permissions::ask_for_more;
use super::take_up::start_the_first_time;
use crate::AdminState;
use crate::body::NoBody;
use crate::probe::{self, ProbeError};
use crate::problem::Problem;
use crate::use_cases::{self, LifecycleError};
use crate::view::connection::ConnectionView;

/// Enables a disabled connection with the settings and bindings it has.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/enable", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionView)),
)]
pub async fn enable_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<ConnectionView>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let enabled = enable(&state, &connection).await?;
    answer(&state, enabled).await
}

/// The use case with the question to Microsoft before it.
pub async fn enable(
    state: &AdminState,
    connection: &Connection,
) -> Result<shared::store::Versioned<Connection>, Problem> {
    let status = present_status(state, connection).await?;
    let enabled = use_cases::enable(&state.engine, connection.id, status).await?;
    let store = &state.engine.store;
    if let Some(settings) = store.settings(connection.id).await? {
        if connection.status == ConnectionStatus::Disabled {
            let nothing = ConnectionSettings::default();
            ask_for_more(state, &enabled.value, (&nothing, &settings.value)).await?;
        }
        start_the_first_time(state, &enabled.value, &settings.value).await?;
    }
    let present = store.connection(connection.id).await?;
    Ok(present.ok_or(LifecycleError::NoSuchConnection)?)
}

async fn present_status(state: &AdminState, connection: &Connection) -> Result<ConnectionStatus, Problem> {
    let Some(secrets) = state.engine.store.secrets(connection.id).await? else {
        // A disconnected one: the use case says so.
        return Ok(ConnectionStatus::Connected);
    };
    let sides = match state.engine.sides.sides(connection, &secrets) {
        Ok(sides) => sides,
        Err(error) => return Ok(needs_attention(error.to_string(), AttentionCause::Other)),
    };
    let needed = needed(state, connection.id).await?;
    Ok(match probe::entra(sides.directory.as_ref(), &needed).await {
        Ok(missing) => awaiting_consent(&missing),
        Err(ProbeError::Field(problem)) => needs_attention(problem.detail, AttentionCause::Entra),
        // The next run finds out.
        Err(ProbeError::NotAsked(_)) => ConnectionStatus::Connected,
    })
}

fn needs_attention(reason: String, cause: AttentionCause) -> ConnectionStatus {
    ConnectionStatus::NeedsAttention { reason, cause }
}
