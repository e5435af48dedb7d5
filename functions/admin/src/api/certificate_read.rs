//! `GET /api/v1/connections/{id}/certificate`: the certificate in use, and the one that waits.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::view::certificate::CertificatesView;

/// Which certificate proves the app, if one does, and which one waits to.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/certificate", params(("id" = String, Path)),
    responses((status = 200, body = CertificatesView)),
)]
pub async fn read_certificate(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<Json<CertificatesView>, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let secrets = store
        .secrets(connection.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let waiting = store.waiting_certificate(connection.id).await?;
    Ok(Json(CertificatesView::of(&secrets.app, waiting.as_ref())?))
}
