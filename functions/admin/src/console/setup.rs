//! `GET /console/connections/{id}/setup`: the first steps of a fresh connection, each with what is left to do.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use shared::domain::sync_run::SyncRun;
use web::see_other;

use super::error::{PageError, shown};
use super::fields::Fields;
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::overview::Overview;
use crate::AdminState;
use crate::api::lookup;
use crate::connect;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    it: Overview,
    f: Fields,
    /// The last look at what the first run would do.
    preview: Option<SyncRun>,
}

pub async fn setup(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let frame = Frame::of(visitor, &connection, "settings", "setup-title");
        let it = Overview::load(&state, connection).await?;
        let document: Value = serde_json::to_value(&it.settings).unwrap_or_default();
        let preview = it.last_run.clone().filter(|run| run.request.dry_run);
        let made = SetupPage {
            f: Fields::new(frame.words, document, Vec::new()),
            frame,
            it,
            preview,
        };
        Ok(page(&made, StatusCode::OK))
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/authorize`: on to Microsoft, to sign in and consent.
pub async fn authorize(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let link = connect::link(&state, connection.id).await?;
        Ok::<_, PageError>(see_other(&link))
    };
    shown(made.await, language)
}
