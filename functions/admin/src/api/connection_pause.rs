//! `POST /api/v1/connections/{id}/pause`: a part off, its bindings and settings kept.

use axum::Json;
use axum::extract::{Path, State};

use super::lifecycle::{PausePart, answer};
use super::lookup;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases;
use crate::view::connection::ConnectionView;

/// Pauses a part.
///
/// With `delete_synced` a run deletes what was synced from the PBX; it is held like any other that deletes much.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/pause", params(("id" = String, Path)),
    request_body = PausePart, responses((status = 200, body = ConnectionView)),
)]
pub async fn pause_part(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PausePart>,
) -> Result<Json<ConnectionView>, Problem> {
    let id = lookup::connection(&state.engine.store, &id).await?.value.id;
    let paused = use_cases::pause(&state.engine, id, body.part, body.delete_synced).await?;
    answer(&state, paused).await
}
