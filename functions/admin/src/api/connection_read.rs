//! `GET /api/v1/connections/{id}`.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::view::connection::ConnectionView;

/// One connection.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionView)),
)]
pub async fn read_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    Ok(Json(ConnectionView::load(&state, connection).await?))
}
