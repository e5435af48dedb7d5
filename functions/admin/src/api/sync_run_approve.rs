//! `POST /api/v1/connections/{id}/sync-runs/{run}/approve`.

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

/// Applies the held removals of a run, exactly those.
///
/// 409 when the set of removals would be another one now; the new set is held then.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/sync-runs/{run}/approve",
    params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 202, body = SyncRunAccepted)),
)]
pub async fn approve_sync_run(
    State(state): State<AdminState>,
    Path((id, run)): Path<(String, String)>,
    _: NoBody,
) -> Result<Accepted, Problem> {
    let run = lookup::run(&state.engine.store, &id, &run).await?;
    use_cases::approve(&state.engine, run.connection, run.id).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRunAccepted { id: run.id })))
}
