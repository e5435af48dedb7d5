//! `GET /api/v1/connections/{id}/sync-runs/{run}`.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::view::sync_run::SyncRunView;

/// One run.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/sync-runs/{run}", params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 200, body = SyncRunView)),
)]
pub async fn read_sync_run(
    State(state): State<AdminState>,
    Path((id, run)): Path<(String, String)>,
) -> Result<Json<SyncRunView>, Problem> {
    let run = lookup::run(&state.engine.store, &id, &run).await?;
    Ok(Json(SyncRunView::of(&run)))
}
