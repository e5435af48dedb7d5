//! `GET /api/v1/connections/{id}/certificate.pem`: the public part as a file, for the app registration.

use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use shared::domain::connection::AppCredential;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;

/// An answer that a browser stores.
type File = ([(HeaderName, &'static str); 2], String);

/// Downloads the certificate that waits, else the one in use, to be uploaded to the app registration.
///
/// It is public. The private key is never given out.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/certificate.pem", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-pem-file")),
)]
pub async fn download_certificate(
    State(state): State<AdminState>,
    Path(id): Path<String>,
) -> Result<File, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    if let Some(waiting) = store.waiting_certificate(connection.id).await? {
        return Ok(file(waiting.certificate_pem));
    }
    match store.secrets(connection.id).await?.map(|secrets| secrets.app) {
        Some(AppCredential::Certificate(own)) => Ok(file(own.certificate_pem)),
        _ => Err(Problem::not_found("certificate")),
    }
}

fn file(pem: String) -> File {
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"connector-certificate.pem\"",
        ),
    ];
    (headers, pem)
}
