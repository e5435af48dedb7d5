//! `GET /console/connections/{id}/runs`: the runs of a connection, the latest first; and the buttons that start one.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::ids::EntraUserId;
use shared::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use web::{Words, see_other};

use super::connection;
use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, Note, code, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;
use crate::use_cases::{RequestError, request_run};

/// Runs of one page.
const A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    runs: Vec<SyncRun>,
    next: Option<String>,
    zone: Zone,
}

impl RunsPage {
    /// The class of a state.
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn class(&self, run: &SyncRun) -> String {
        code(&run.state)
    }
}

pub async fn runs(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let cursor = query.text("cursor");
    let made = async {
        let store = &state.engine.store;
        let connection = lookup::connection(store, &id).await?.value;
        let found = store.runs(connection.id, A_PAGE, cursor.as_deref()).await?;
        let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
        let runs = RunsPage {
            frame: Frame::of(visitor, &connection, "runs", "runs-title"),
            runs: found.items,
            next: found.next_cursor,
            zone: Zone::of(&settings.value),
        };
        Ok(page(&runs, StatusCode::OK))
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/runs`: update now, a preview, or one person.
pub async fn start(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let user = match form.text("user") {
            "" => None,
            user => Some(EntraUserId::parse(user).map_err(|_| PageError::NotFound)?),
        };
        let request = RunRequest {
            trigger: Trigger::Manual,
            mode: if form.text("mode") == "delta" {
                RunMode::Delta
            } else {
                RunMode::Full
            },
            dry_run: form.ticked("dry_run"),
            user,
        };
        let words = Words(language);
        let why = match request_run(&state.engine, connection.id, request).await {
            Ok(run) => return Ok(see_other(&format!("/console/connections/{id}/runs/{run}"))),
            Err(RequestError::Store(error)) => return Err(error.into()),
            Err(RequestError::NoSuchConnection) => return Err(PageError::NotFound),
            Err(RequestError::NotRunning { .. }) => words.text("not-started-off"),
            Err(RequestError::AnotherWaits) => words.text("not-started-another"),
        };
        connection::show(
            &state,
            visitor,
            connection,
            (None, Some(Note::bad(why))),
            StatusCode::CONFLICT,
        )
        .await
    };
    shown(made.await, language)
}
