//! `GET /console/connections/{id}/runs/{run}`: one run with its progress, what it did or would do and why, and the verdicts
//! on it. The part that moves can be had alone.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::connection::Connection;
use shared::domain::operation_record::OperationRecord;
use shared::domain::sync_run::{Counts, RunState, SyncRun};
use shared::telemetry::chain;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::frame::{Frame, Note, code, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::api::{lookup, operations_of_run};
use crate::query::{PageRequest, Query};
use crate::use_cases::{self, VerdictError};

/// Operations of one page.
const A_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    id: String,
    run: SyncRun,
    rows: Vec<OperationRecord>,
    next: Option<String>,
    zone: Zone,
    /// User sync was never switched on: a preview may lead to it.
    first_time: bool,
}

/// The part of the page that changes while the run works.
#[derive(Template)]
#[template(path = "run_progress.html")]
struct ProgressPart {
    frame: Frame,
    id: String,
    run: SyncRun,
    zone: Zone,
}

macro_rules! looks {
    ($($page:ident),*) => { $(
        impl $page {
            fn class(&self) -> String {
                code(&self.run.state)
            }

            fn is_moving(&self) -> bool {
                is_moving(&self.run)
            }

            fn percent(&self) -> u64 {
                let progress = self.run.progress;
                (progress.done * 100).checked_div(progress.total).unwrap_or(0).min(100)
            }

            /// Each count with the key of its words; zeros left out.
            fn counted(&self) -> Vec<(&'static str, u64)> {
                counted(&self.run.counts())
            }
        }
    )* };
}

looks!(RunPage, ProgressPart);

impl RunPage {
    fn is_held(&self) -> bool {
        self.run.state == RunState::Held
    }

    /// Values before and after, field by field.
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn changes(&self, row: &OperationRecord) -> Vec<(String, String, String)> {
        changes(row)
    }
}

pub(super) fn is_moving(run: &SyncRun) -> bool {
    !run.state.is_final() && run.state != RunState::Held
}

fn counted(counts: &Counts) -> Vec<(&'static str, u64)> {
    let all = [
        ("count-create", counts.create),
        ("count-update", counts.update),
        ("count-bind", counts.bind),
        ("count-delete", counts.delete),
        ("count-release", counts.release),
        ("count-unchanged", counts.unchanged),
        ("count-skipped", counts.skipped),
        ("count-failed", counts.failed),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Values before and after, field by field.
pub(super) fn changes(row: &OperationRecord) -> Vec<(String, String, String)> {
    let before = row.before.clone().unwrap_or_default();
    let after = row.after.clone().unwrap_or_default();
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort();
    fields.dedup();
    let value = |values: &std::collections::BTreeMap<String, String>, field: &String| {
        values.get(field).cloned().unwrap_or_default()
    };
    fields
        .into_iter()
        .map(|field| (field.clone(), value(&before, field), value(&after, field)))
        .collect()
}

pub async fn run(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, run)): Path<(String, String)>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let cursor = query.text("cursor");
    shown(
        show(&state, visitor, (&id, &run), cursor, (None, StatusCode::OK)).await,
        language,
    )
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    (id, run): (&str, &str),
    cursor: Option<String>,
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let (connection, run) = found(state, id, run).await?;
    let wanted = PageRequest {
        limit: A_PAGE,
        cursor,
    };
    let (rows, next) = operations_of_run::page(store, &run, &wanted).await?;
    let settings = store
        .settings(connection.id)
        .await?
        .ok_or(PageError::NotFound)?
        .value;
    let never_on = !settings.users.enabled && store.paused_parts(connection.id).await?.is_empty();
    let mut frame = Frame::of(visitor, &connection, "runs", "run-title").with_note(note);
    frame.refresh = is_moving(&run);
    let made = RunPage {
        frame,
        id: id.to_owned(),
        first_time: never_on && run.request.dry_run && run.state == RunState::Succeeded,
        zone: Zone::of(&settings),
        run,
        rows,
        next,
    };
    Ok(page(&made, status))
}

async fn found(state: &AdminState, id: &str, run: &str) -> Result<(Connection, SyncRun), PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let run = lookup::run(store, id, run).await?;
    Ok((connection, run))
}

/// `GET /console/connections/{id}/runs/{run}/progress`.
pub async fn progress(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, run)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let (connection, run) = found(&state, &id, &run).await?;
        let settings = state.engine.store.settings(connection.id).await?;
        let zone = settings.map_or_else(Zone::utc, |settings| Zone::of(&settings.value));
        let part = ProgressPart {
            frame: Frame::of(visitor, &connection, "runs", "run-title"),
            id: id.clone(),
            run,
            zone,
        };
        Ok(page(&part, StatusCode::OK))
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/runs/{run}/{verdict}`: approve, reject or cancel.
pub async fn verdict(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, run, verdict)): Path<(String, String, String)>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let (connection, stored) = found(&state, &id, &run).await?;
        let engine = &state.engine;
        let given = match verdict.as_str() {
            "approve" => use_cases::approve(engine, connection.id, stored.id).await,
            "reject" => use_cases::reject(engine, connection.id, stored.id).await,
            "cancel" => use_cases::cancel(engine, connection.id, stored.id).await,
            _ => return Err(PageError::NotFound),
        };
        let error = match given {
            Ok(()) => return Ok(see_other(&format!("/console/connections/{id}/runs/{run}"))),
            Err(VerdictError::Store(error)) => return Err(error.into()),
            Err(error) => error,
        };
        tracing::info!(error = %chain(&error), "a verdict on a run was not taken");
        let note = Note::bad(Words(language).text(refused_because(&error)));
        show(
            &state,
            visitor,
            (&id, &run),
            None,
            (Some(note), StatusCode::CONFLICT),
        )
        .await
    };
    shown(made.await, language)
}

fn refused_because(error: &VerdictError) -> &'static str {
    match error {
        VerdictError::Changed { .. } => "verdict-changed",
        VerdictError::AlreadyOver | VerdictError::NotHeld | VerdictError::NoSuchRun => "verdict-over",
        VerdictError::AnotherWaits => "verdict-another",
        VerdictError::NotRunning => "not-started-off",
        _ => "verdict-not-read",
    }
}
