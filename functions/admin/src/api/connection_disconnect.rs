//! `POST /api/v1/connections/{id}/disconnect`: the end of a connection. It is disabled at once, and disconnected when a
//! run has deleted or let go what was bound.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::lifecycle::{SwitchOff, answer};
use super::lookup;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases;
use crate::view::connection::ConnectionView;

/// Disconnects a connection.
///
/// What is not deleted is let go: it stays on the PBX and is never touched again.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/disconnect", params(("id" = String, Path)),
    request_body = SwitchOff, responses((status = 202, body = ConnectionView)),
)]
pub async fn disconnect_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<SwitchOff>,
) -> Result<(StatusCode, Json<ConnectionView>), Problem> {
    let id = lookup::connection(&state.engine.store, &id).await?.value.id;
    let disconnecting = use_cases::disconnect(&state.engine, id, body.into()).await?;
    Ok((StatusCode::ACCEPTED, answer(&state, disconnecting).await?))
}
