//! `GET /healthz`: whether the table can be reached.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::AdminState;
use crate::problem::Problem;

/// The connector works.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the connector can work.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health), (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn healthz(State(state): State<AdminState>) -> Result<Json<Health>, Problem> {
    state.engine.store.connections(1, None).await?;
    Ok(Json(Health { status: "ok" }))
}
