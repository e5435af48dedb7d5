//! `POST /api/v1/connections/{id}/authorize`: a link with which an admin signs in and consents.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::connection::ConnectionStatus;

use super::lookup;
use crate::AdminState;
use crate::body::NoBody;
use crate::connect;
use crate::problem::{Kind, Problem};

/// A link for one sign-in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuthorizeLink {
    /// Works once, for ten minutes, in one browser.
    authorize_url: String,
}

/// Asks for a link with which an admin signs in with Microsoft and consents to the app's permissions.
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/authorize", params(("id" = String, Path)),
    responses((status = 200, body = AuthorizeLink)),
)]
pub async fn authorize_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    _: NoBody,
) -> Result<Json<AuthorizeLink>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    if connection.status == ConnectionStatus::Disconnected {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    let authorize_url = connect::link(&state, connection.id).await?;
    Ok(Json(AuthorizeLink { authorize_url }))
}
