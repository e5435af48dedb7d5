//! `POST /api/v1/connections/{id}/client-secret`: a new client secret, tested before it takes the old one's place.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use shared::domain::connection::AppCredential;

use super::app_credential::{replace, replaceable};
use super::connection_input::{SecretText, instant, secret_problem};
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::view::connection::ConnectionView;

/// A new client secret.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClientSecret {
    /// The value of the secret.
    client_secret: SecretText,
    /// When it ends, so that somebody is reminded in time. Left out: the app registration is asked, where we may read it.
    #[serde(default)]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Replaces the client secret of the app registration.
///
/// A wrong one changes nothing. This is also the way back from a certificate to a secret.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/client-secret", params(("id" = String, Path)),
    request_body = NewClientSecret, responses((status = 200, body = ConnectionView)),
)]
pub async fn replace_client_secret(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewClientSecret>,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(replace_secret(&state, &id, body).await?))
}

/// Tests the new secret and puts it in the old one's place.
pub async fn replace_secret(
    state: &AdminState,
    id: &str,
    body: NewClientSecret,
) -> Result<ConnectionView, Problem> {
    let connection = replaceable(state, id).await?;
    let ends_at = checked(&body)?;
    let credential = AppCredential::Secret(body.client_secret.0);
    replace(state, connection, credential, ends_at).await
}

fn checked(body: &NewClientSecret) -> Result<Option<Timestamp>, Problem> {
    if let Some(problem) = secret_problem("/client_secret", &body.client_secret) {
        return Err(Problem::validation(vec![problem]));
    }
    let end = body.expires_at.as_deref();
    end.map(|end| instant("/expires_at", end))
        .transpose()
        .map_err(|problem| Problem::validation(vec![problem]))
}
