//! `GET /console/connections/{id}/health`: how the connection follows its tenant, how long its secret lasts, what its PBX can.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::error::shown;
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::overview::Overview;
use crate::AdminState;
use crate::api::lookup;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    it: Overview,
}

pub async fn health(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let health = HealthPage {
            frame: Frame::of(visitor, &connection, "health", "health-title"),
            it: Overview::load(&state, connection).await?,
        };
        Ok(page(&health, StatusCode::OK))
    };
    shown(made.await, language)
}
