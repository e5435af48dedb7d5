//! `GET /api/v1/connections`.

use axum::extract::State;
use axum::{Extension, Json};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::domain::connection::Connection;
use shared::store::{Page, Store, StoreError};

use crate::AdminState;
use crate::caller::{Caller, Reach};
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;
use crate::view::connection::ConnectionView;

/// Work states read side by side: a page of a thousand must not wait for two thousand round trips in a row.
const READS_AT_ONCE: usize = 16;

/// Every connection that the caller may speak of.
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
    let store = &state.engine.store;
    let found = reached(store, caller.reach, page.limit, page.cursor.as_deref()).await?;
    let items = stream::iter(found.items)
        .map(|connection| ConnectionView::load(&state, connection))
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Json(Listing {
        items,
        next_cursor: found.next_cursor,
    }))
}

/// Connections of which somebody may speak. Of one alone it is that one, wherever it stands among all, and nothing tells
/// that there are others.
pub async fn reached(
    store: &Store,
    reach: Reach,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Connection>, StoreError> {
    match (reach, cursor) {
        (Reach::Everything, _) => store.connections(limit, cursor).await,
        // No cursor was ever given out for it.
        (Reach::One(_), Some(_)) => Err(StoreError::BadCursor),
        (Reach::One(own), None) => {
            let own = store.connection(own).await?;
            Ok(Page {
                items: own.into_iter().map(|stored| stored.value).collect(),
                next_cursor: None,
            })
        }
    }
}
