//! `GET /api/v1/connections/{id}/settings`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use shared::domain::settings::ConnectionSettings;
use shared::store::Version;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;

/// Settings with the version they have.
pub type VersionedSettings = ([(HeaderName, String); 1], Json<ConnectionSettings>);

/// What an admin decided about a connection; the header `ETag` is for `If-Match` of the next save.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/settings", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionSettings, headers(("ETag" = String)))),
)]
pub async fn read_settings(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<VersionedSettings, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let settings = store
        .settings(connection.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    Ok(answer(settings.version, settings.value))
}

/// Settings under their entity tag.
pub fn answer(version: Version, settings: ConnectionSettings) -> VersionedSettings {
    ([(header::ETAG, entity_tag(version))], Json(settings))
}

/// The entity tag of a version.
pub fn entity_tag(version: Version) -> String {
    format!("\"{}\"", version.0)
}
