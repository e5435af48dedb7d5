//! `POST /api/v1/connections/{id}/certificate/new`: a key pair made here. It proves nothing before the app registration has
//! its certificate, so it waits; what is in use stays in use.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use shared::app_certificate::generate;

use super::app_credential::replaceable;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::view::certificate::CertificateView;

/// Two years, as Microsoft makes a secret last at most unless told otherwise.
const USUAL_DAYS: u16 = 730;
/// Nobody should rely on one key for longer than three years.
const MOST_DAYS: u16 = 1_095;

/// How the certificate shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// How long it is valid: 1 to 1095 days.
    #[serde(default = "usual_days")]
    #[schema(minimum = 1, maximum = 1095)]
    valid_days: u16,
}

fn usual_days() -> u16 {
    USUAL_DAYS
}

/// Makes a key pair with a certificate for the app registration.
///
/// Upload `certificate_pem` there, then call `certificate/activate`. The private key never leaves the connector. Another
/// one that waited is forgotten.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/certificate/new", params(("id" = String, Path)),
    request_body = NewCertificate, responses((status = 201, body = CertificateView)),
)]
pub async fn make_certificate(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewCertificate>,
) -> Result<(StatusCode, Json<CertificateView>), Problem> {
    let connection = replaceable(&state, &id).await?.value;
    if !(1..=MOST_DAYS).contains(&body.valid_days) {
        return Err(Problem::field("/valid_days", "write 1 to 1095"));
    }
    let name = format!("Entra to Yeastar connector {}", connection.id);
    let made = generate(&name, state.engine.clock.now(), body.valid_days);
    let made = made.map_err(|error| Problem::internal(&error))?;
    state
        .engine
        .store
        .put_waiting_certificate(connection.id, &made)
        .await?;
    Ok((StatusCode::CREATED, Json(CertificateView::of(&made)?)))
}
