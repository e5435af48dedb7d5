//! `POST /api/v1/connections/{id}/certificate`: a key and a certificate that an admin has, in the place of what is in use.

use axum::Json;
use axum::extract::{Path, State};
use shared::app_certificate::facts;
use shared::domain::connection::AppCredential;

use super::app_credential::{replace, replaceable};
use super::certificate_input::CertificateInput;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::view::connection::ConnectionView;

/// Has a certificate of yours prove the app from now on.
///
/// The app registration must list it already. A wrong one changes nothing.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/certificate", params(("id" = String, Path)),
    request_body = CertificateInput, responses((status = 200, body = ConnectionView)),
)]
pub async fn upload_certificate(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CertificateInput>,
) -> Result<Json<ConnectionView>, Problem> {
    let connection = replaceable(&state, &id).await?;
    let pair = body
        .pair("", state.engine.clock.now())
        .map_err(|problem| Problem::validation(vec![problem]))?;
    let ends_at = facts(&pair.certificate_pem)?.ends_at;
    let credential = AppCredential::Certificate(pair);
    Ok(Json(
        replace(&state, connection, credential, Some(ends_at)).await?,
    ))
}
