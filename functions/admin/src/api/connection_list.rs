//! `GET /api/v1/connections`.

use axum::extract::State;
use axum::{Extension, Json};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::AdminState;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;
use crate::view::connection::ConnectionView;

/// Work states read side by side: a page of a thousand must not wait for two thousand round trips in a row.
const READS_AT_ONCE: usize = 16;

/// Every connection.
#[utoipa::path(
    get, path = "/api/v1/connections",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listing<ConnectionView>)),
)]
pub async fn list_connections(
    State(state): State<AdminState>,
    Extension(caller): Extension<Caller>,
    mut query: Query,
) -> Result<Json<Listing<ConnectionView>>, Problem> {
    let page = query.page();
    query.finish()?;
    let found = state
        .engine
        .store
        .connections(page.limit, page.cursor.as_deref())
        .await?;
    let reached = found
        .items
        .into_iter()
        .filter(|connection| caller.reach.covers(connection.id));
    let items = stream::iter(reached)
        .map(|connection| ConnectionView::load(&state, connection))
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Json(Listing {
        items,
        next_cursor: found.next_cursor,
    }))
}
