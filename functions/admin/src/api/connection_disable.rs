//! `POST /api/v1/connections/{id}/disable`: the master switch off. Nothing runs, nobody signs in, everything is kept.

use axum::Json;
use axum::extract::{Path, State};

use super::lifecycle::{SwitchOff, answer};
use super::lookup;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases;
use crate::view::connection::ConnectionView;

/// Disables a connection.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/disable", params(("id" = String, Path)),
    request_body = SwitchOff, responses((status = 200, body = ConnectionView)),
)]
pub async fn disable_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<SwitchOff>,
) -> Result<Json<ConnectionView>, Problem> {
    let id = lookup::connection(&state.engine.store, &id).await?.value.id;
    let disabled = use_cases::disable(&state.engine, id, body.into()).await?;
    answer(&state, disabled).await
}
