//! `GET /api/v1/connections/{id}/sync-runs`.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;
use crate::view::sync_run::SyncRunView;

/// The runs of a connection, the latest first.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/sync-runs",
    params(
        ("id" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Listing<SyncRunView>)),
)]
pub async fn list_sync_runs(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listing<SyncRunView>>, Problem> {
    let page = query.page();
    query.finish()?;
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    let found = store
        .runs(connection.id, page.limit, page.cursor.as_deref())
        .await?;
    Ok(Json(Listing {
        items: found.items.iter().map(SyncRunView::of).collect(),
        next_cursor: found.next_cursor,
    }))
}
