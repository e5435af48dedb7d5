//! `GET /api/v1/connections/{id}/alerts`: who is told when something is wrong.

use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use axum::{Extension, Json};
use shared::domain::alert_settings::AlertSettings;
use shared::domain::role::Role;

use super::lookup;
use super::settings_read::entity_tag;
use crate::AdminState;
use crate::caller::Caller;
use crate::problem::Problem;

/// Settings with the version they have.
type VersionedAlerts = ([(HeaderName, String); 1], Json<AlertSettings>);

/// Who is told of alerts, on which channels and in which language; `ETag` is for `If-Match`.
///
/// The address of a webhook often lets in whoever knows it, so who is no admin sees its host alone.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/alerts", params(("id" = String, Path)),
    responses((status = 200, body = AlertSettings, headers(("ETag" = String)))),
)]
pub async fn read_alerts(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
) -> Result<VersionedAlerts, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let stored = store.alert_settings(connection.id).await?;
    let settings = seen_by(caller.role, stored.value);
    let tag = entity_tag(stored.version);
    Ok(([(header::ETAG, tag)], Json(settings)))
}

/// The settings as somebody of this role may see them.
pub fn seen_by(role: Role, mut settings: AlertSettings) -> AlertSettings {
    if let Some(webhook) = settings.webhook.as_mut().filter(|_| role < Role::Admin) {
        webhook.url = webhook.origin();
    }
    settings
}
