//! `POST /api/v1/connections/{id}/certificate/activate`: the certificate that waits takes the place of what is in use, if
//! Microsoft takes it.

use axum::Json;
use axum::extract::{Path, State};
use shared::app_certificate::facts;
use shared::domain::connection::AppCredential;

use super::app_credential::{replace, replaceable};
use crate::AdminState;
use crate::body::NoBody;
use crate::problem::{Kind, Problem};
use crate::view::connection::ConnectionView;

/// Has the certificate that was made here prove the app from now on.
///
/// Refused, with nothing changed, while the app registration does not list it.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/certificate/activate", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionView)),
)]
pub async fn activate_certificate(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<ConnectionView>, Problem> {
    let connection = replaceable(&state, &id).await?;
    let id = connection.value.id;
    let store = &state.engine.store;
    let waiting = store
        .waiting_certificate(id)
        .await?
        .ok_or_else(|| Problem::new(Kind::NotFound, "no certificate waits: make one first"))?;
    let ends_at = facts(&waiting.certificate_pem)?.ends_at;
    let credential = AppCredential::Certificate(waiting);
    let view = replace(&state, connection, credential, Some(ends_at)).await?;
    store.drop_waiting_certificate(id).await?;
    Ok(Json(view))
}
