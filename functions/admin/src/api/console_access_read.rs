//! `GET /api/v1/connections/{id}/console-access`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use shared::domain::console_access::ConsoleAccess;
use shared::store::Version;

use super::lookup;
use super::settings_read::entity_tag;
use crate::AdminState;
use crate::problem::Problem;

/// The list with the version it has.
pub type VersionedAccess = ([(HeaderName, String); 1], Json<ConsoleAccess>);

/// Who may use the console with a Microsoft account of this connection's tenant; `ETag` is for `If-Match`.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/console-access", params(("id" = String, Path)),
    responses((status = 200, body = ConsoleAccess, headers(("ETag" = String)))),
)]
pub async fn read_console_access(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<VersionedAccess, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let access = store.console_access(connection.id).await?;
    Ok(answer(access.version, access.value))
}

/// The list under its entity tag.
pub fn answer(version: Version, access: ConsoleAccess) -> VersionedAccess {
    ([(header::ETAG, entity_tag(version))], Json(access))
}
