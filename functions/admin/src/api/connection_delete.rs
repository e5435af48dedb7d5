//! `DELETE /api/v1/connections/{id}`: only what is disconnected, so that nothing on a PBX loses its keeper unseen.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::domain::connection::{Connection, ConnectionStatus};

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
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    delete(&state, &connection).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets it, unless something on its PBX may still be bound.
pub async fn delete(state: &AdminState, connection: &Connection) -> Result<(), Problem> {
    if connection.status != ConnectionStatus::Disconnected {
        return Err(Problem::new(
            Kind::Conflict,
            "disconnect the connection before you delete it",
        ));
    }
    Ok(state.engine.store.delete_connection(connection.id).await?)
}
