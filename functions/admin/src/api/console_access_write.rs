//! `PUT /api/v1/connections/{id}/console-access`: a whole list over the one that the caller has read.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use shared::domain::console_access::ConsoleAccess;
use shared::domain::settings_check::FieldProblem;

use super::console_access_read::{VersionedAccess, answer};
use super::lookup;
use super::settings_write::precondition;
use crate::AdminState;
use crate::body::JsonBody;
use crate::caller::{Caller, Reach};
use crate::problem::{Kind, Problem};

/// Replaces the list of who may use the console.
///
/// Whoever may speak of one connection alone gives nobody more than that.
#[utoipa::path(
    put, path = "/api/v1/connections/{id}/console-access",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag of the list that was read")),
    request_body = ConsoleAccess,
    responses((status = 200, body = ConsoleAccess, headers(("ETag" = String)))),
)]
pub async fn write_console_access(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    JsonBody(access): JsonBody<ConsoleAccess>,
) -> Result<VersionedAccess, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let read = store.console_access(connection.id).await?;
    precondition(&headers, read.version)?;
    let problems = problems(&access, &read.value, caller.reach);
    if !problems.is_empty() {
        return Err(Problem::validation(problems));
    }
    let written = store
        .put_console_access(connection.id, &access, read.version)
        .await?;
    let version = written
        .map_err(|_stale| Problem::new(Kind::Stale, "the list was saved since you read it: read it again"))?;
    Ok(answer(version, access))
}

/// What is wrong with a list, and who may not say so.
pub fn problems(access: &ConsoleAccess, present: &ConsoleAccess, reach: Reach) -> Vec<FieldProblem> {
    let mut problems: Vec<FieldProblem> = access
        .problems()
        .into_iter()
        .map(|(pointer, detail)| FieldProblem::new(pointer, detail))
        .collect();
    if reach != Reach::Everything {
        let beyond = access.entries.iter().enumerate();
        let beyond = beyond.filter(|(_, entry)| entry.everywhere && !present.entries.contains(entry));
        problems.extend(beyond.map(|(index, _)| {
            let pointer = format!("/entries/{index}/everywhere");
            FieldProblem::new(
                pointer,
                "only somebody who may speak of every connection may give this",
            )
        }));
    }
    problems
}
