//! `GET /api/v1/connections/{id}/sync-runs/{run}/operations`: what a run did, would do, waits to do, and left alone.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use shared::domain::operation_record::OperationRecord;

use super::{lookup, operations_csv, operations_of_run};
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// The operations of a run: records first, then what was left alone, then what waits for a verdict.
///
/// With `format=csv` all of them at once, `limit` and `cursor` aside.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/sync-runs/{run}/operations",
    params(
        ("id" = String, Path), ("run" = String, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv", pattern = "^(json|csv)$"),
    ),
    responses((
        status = 200,
        content((Listing<OperationRecord> = "application/json"), (String = "text/csv; charset=utf-8; header=present")),
    )),
)]
pub async fn list_operations(
    State(state): State<AdminState>,
    Path((id, run)): Path<(String, String)>,
    mut query: Query,
) -> Result<Response, Problem> {
    let page = query.page();
    let format = query.word("format", &[("json", Format::Json), ("csv", Format::Csv)]);
    query.finish()?;
    let store = &state.engine.store;
    let run = lookup::run(store, &id, &run).await?;
    if format == Some(Format::Csv) {
        let all = operations_of_run::all(store, &run).await?;
        return csv_answer(&run.id.to_string(), &all);
    }
    let (items, next_cursor) = operations_of_run::page(store, &run, &page).await?;
    Ok(Json(Listing { items, next_cursor }).into_response())
}

fn csv_answer(run: &str, records: &[OperationRecord]) -> Result<Response, Problem> {
    let text = operations_csv::write(records).map_err(|error| Problem::internal(&error))?;
    let name = format!("attachment; filename=\"sync-run-{run}.csv\"");
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}
