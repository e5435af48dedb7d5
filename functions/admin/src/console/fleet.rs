//! `GET /console`: all connections that the visitor may see, with their health at a glance.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::error::{PageError, shown};
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::overview::Overview;
use crate::AdminState;
use crate::api::connection_list::reached;
use crate::query::Query;

/// Connections of one page.
const A_PAGE: usize = 50;
/// Connections read side by side.
const READS_AT_ONCE: usize = 10;

#[derive(Template)]
#[template(path = "fleet.html")]
struct FleetPage {
    frame: Frame,
    connections: Vec<Overview>,
    next: Option<String>,
}

pub async fn fleet(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    shown(show(&state, visitor, query.text("cursor")).await, language)
}

async fn show(state: &AdminState, visitor: Visitor, cursor: Option<String>) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let found = reached(store, visitor.caller.reach, A_PAGE, cursor.as_deref()).await?;
    let connections = stream::iter(found.items)
        .map(|connection| Overview::load(state, connection))
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await?;
    let fleet = FleetPage {
        frame: Frame::new(visitor, "fleet", "fleet-title"),
        connections,
        next: found.next_cursor,
    };
    Ok(page(&fleet, StatusCode::OK))
}
