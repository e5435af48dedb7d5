//! `POST /api/v1/connections/{id}/resume`: a part on again, with the bindings and settings it had.

use axum::Json;
use axum::extract::{Path, State};

use super::lifecycle::{ResumePart, answer};
use super::lookup;
use super::take_up::start_the_first_time;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases;
use crate::view::connection::ConnectionView;

/// Resumes a part.
///
/// It starts no run, unless no part was ever on before; what changed meanwhile comes with the next one.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/resume", params(("id" = String, Path)),
    request_body = ResumePart, responses((status = 200, body = ConnectionView)),
)]
pub async fn resume_part(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ResumePart>,
) -> Result<Json<ConnectionView>, Problem> {
    let id = lookup::connection(&state.engine.store, &id).await?.value.id;
    let resumed = use_cases::resume(&state.engine, id, body.part).await?;
    if let Some(settings) = state.engine.store.settings(id).await? {
        start_the_first_time(&state, &resumed.value, &settings.value).await?;
    }
    answer(&state, resumed).await
}
