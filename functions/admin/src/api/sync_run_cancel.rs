//! `POST /api/v1/connections/{id}/sync-runs/{run}/cancel`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::lookup;
use super::verdict::Accepted;
use crate::AdminState;
use crate::body::NoBody;
use crate::problem::Problem;
use crate::use_cases;
use crate::view::sync_run::SyncRunAccepted;

/// Stops a run at the next safe point.
///
/// What is done stays done.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/sync-runs/{run}/cancel",
    params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 202, body = SyncRunAccepted)),
)]
pub async fn cancel_sync_run(
    State(state): State<AdminState>,
    Path((id, run)): Path<(String, String)>,
    _: NoBody,
) -> Result<Accepted, Problem> {
    let run = lookup::run(&state.engine.store, &id, &run).await?;
    use_cases::cancel(&state.engine, run.connection, run.id).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRunAccepted { id: run.id })))
}
