//! `POST /api/v1/connections/{id}/sync-runs`: asks for a run. One run waits per connection; a further request gets its id.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use shared::domain::ids::EntraUserId;
use shared::domain::sync_run::{RunMode, RunRequest, Trigger};

use super::lookup;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::{Kind, Problem};
use crate::use_cases::{RequestError, request_run};
use crate::view::sync_run::SyncRunAccepted;

/// What a run is to do.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSyncRun {
    /// Everything, or what changed since the last run.
    #[serde(default = "full")]
    mode: RunMode,
    /// Decide and report, write nothing.
    #[serde(default)]
    dry_run: bool,
    /// Object id of the one person to look at.
    #[serde(default)]
    user: Option<EntraUserId>,
}

fn full() -> RunMode {
    RunMode::Full
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NoSuchConnection => Self::not_found("connection"),
            RequestError::NotRunning { .. } => Self::new(
                Kind::Conflict,
                "the connection is not connected: its status says what to do before a run can start",
            ),
            RequestError::AnotherWaits => Self::new(
                Kind::Conflict,
                "a run of another kind (dry run, one person) waits: let it finish or cancel it",
            ),
            RequestError::Store(error) => error.into(),
        }
    }
}

/// Starts a sync run, or answers with the one that waits already.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/sync-runs", params(("id" = String, Path)),
    request_body = StartSyncRun, responses((status = 202, body = SyncRunAccepted)),
)]
pub async fn start_sync_run(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<StartSyncRun>,
) -> Result<(StatusCode, Json<SyncRunAccepted>), Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode: body.mode,
        dry_run: body.dry_run,
        user: body.user,
    };
    let id = request_run(&state.engine, connection.id, request).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRunAccepted { id })))
}
