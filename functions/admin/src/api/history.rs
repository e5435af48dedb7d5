//! `GET /api/v1/connections/{id}/history`: what happened to objects, over all runs.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use shared::domain::operation_record::OperationRecord;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;

/// Longest object id looked for.
const MAX_OBJECT: usize = 256;

/// What happened, to one object or to all, between two instants.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/history",
    params(
        ("id" = String, Path),
        (
            "object" = Option<String>, Query, description = "id in the directory or on the PBX",
            min_length = 1, max_length = 256,
        ),
        ("from" = Option<String>, Query, format = DateTime, description = "from then on; without it from the start"),
        ("to" = Option<String>, Query, format = DateTime, description = "until then; without it until now"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Listing<OperationRecord>)),
)]
pub async fn list_history(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listing<OperationRecord>>, Problem> {
    let page = query.page();
    let object = query.text("object");
    if object
        .as_ref()
        .is_some_and(|object| object.is_empty() || object.len() > MAX_OBJECT)
    {
        query.wrong("object", "must be an id of 1 to 256 characters");
    }
    let from = query.instant("from").unwrap_or(Timestamp::UNIX_EPOCH);
    let to = query.instant("to").unwrap_or_else(|| state.engine.clock.now());
    if from > to {
        query.wrong("from", "must not be later than to");
    }
    query.finish()?;
    let store = &state.engine.store;
    let id = lookup::connection(store, &id).await?.value.id;
    let cursor = page.cursor.as_deref();
    let found = match object {
        Some(object) => store.history(id, &object, from, to, page.limit, cursor).await?,
        None => store.history_all(id, from, to, page.limit, cursor).await?,
    };
    Ok(Json(Listing {
        items: found.items,
        next_cursor: found.next_cursor,
    }))
}
