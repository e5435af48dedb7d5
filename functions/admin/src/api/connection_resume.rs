//! `POST /api/v1/connections/{id}/resume`: a part on again, with the bindings and settings it had.

use axum::Json;
use axum::extract::{Path, State};
use shared::domain::connection::Connection;
use shared::domain::ids::ConnectionId;
use shared::domain::part::Part;
use shared::store::Versioned;

use super::lifecycle::{ResumePart, answer};
use super::lookup;
use super::more_permissions::ask_for_more;
use super::take_up::start_the_first_time;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases::{self, LifecycleError};
use crate::view::connection::ConnectionView;

/// Resumes a part.
///
/// It starts no run, unless no synced part was ever on before; what changed meanwhile comes with the next one.
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
    let resumed = resume(&state, id, body.part).await?;
    answer(&state, resumed).await
}

/// The use case; what the part needs beyond the others shows in the status at once.
pub async fn resume(
    state: &AdminState,
    id: ConnectionId,
    part: Part,
) -> Result<Versioned<Connection>, LifecycleError> {
    let store = &state.engine.store;
    let before = store.settings(id).await?;
    let before = before.ok_or(LifecycleError::NoSuchConnection)?.value;
    let resumed = use_cases::resume(&state.engine, id, part).await?;
    let after = store.settings(id).await?;
    let after = after.ok_or(LifecycleError::NoSuchConnection)?.value;
    ask_for_more(state, &resumed.value, (&before, &after)).await?;
    start_the_first_time(state, &resumed.value, &after).await?;
    let present = store.connection(id).await?;
    present.ok_or(LifecycleError::NoSuchConnection)
}
