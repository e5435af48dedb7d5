//! `DELETE /api/v1/connections/{id}`: only what is disconnected, so that nothing on a PBX loses its keeper unseen.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::domain::connection::ConnectionStatus;

use super::lookup;
use crate::AdminState;
use crate::problem::{Kind, Problem};

/// Forgets a disconnected connection.
#[utoipa::path(
    delete, path = "/api/v1/connections/{id}", params(("id" = String, Path)),
    responses((status = 204, description = "Forgotten")),
)]
pub async fn delete_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    if connection.status != ConnectionStatus::Disconnected {
        return Err(Problem::new(
            Kind::Conflict,
            "disconnect the connection before you delete it",
        ));
    }
    store.delete_connection(connection.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
