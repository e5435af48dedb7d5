//! `GET /api/v1/connections/{id}/directory/groups`: the picker of groups.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::entra_group::EntraGroup;
use shared::domain::ids::EntraGroupId;
use shared::domain::settings::GroupType;
use shared::ports::DirectoryError;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;

/// Longest name that Entra gives a group.
const MAX_SEARCH: usize = 256;
/// Most groups that Graph puts on a page.
const MAX_PAGE: usize = 999;

/// A group that can be synced.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DirectoryGroupView {
    /// Object id in the directory.
    id: EntraGroupId,
    name: String,
    #[serde(rename = "type")]
    kind: GroupType,
}

impl DirectoryGroupView {
    fn of(group: EntraGroup) -> Option<Self> {
        Some(Self {
            id: group.id,
            name: group.name,
            kind: group.kind?,
        })
    }
}

/// Security and Microsoft 365 groups of the tenant, by name, however many there are.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/directory/groups",
    params(
        ("id" = String, Path),
        ("search" = Option<String>, Query, description = "words that the name begins with", max_length = 256),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Listing<DirectoryGroupView>)),
)]
pub async fn list_directory_groups(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listing<DirectoryGroupView>>, Problem> {
    let search = query.text("search").unwrap_or_default();
    if search.chars().count() > MAX_SEARCH {
        query.wrong("search", "must have at most 256 characters");
    }
    let page = query.page();
    query.finish()?;
    let store = &state.engine.store;
    let connection = lookup::asked(store, &id).await?;
    let secrets = store
        .secrets(connection.id)
        .await?
        .ok_or_else(|| Problem::not_found("secret of the connection"))?;
    let sides = state
        .engine
        .sides
        .sides(&connection, &secrets)
        .map_err(|error| Problem::unavailable("the connection", &error))?;
    let found = sides
        .directory
        .search_groups(&search, page.limit.min(MAX_PAGE), page.cursor.as_deref())
        .await
        .map_err(|error| refused(&error, page.cursor.is_some()))?;
    Ok(Json(Listing {
        items: found
            .groups
            .into_iter()
            .filter_map(DirectoryGroupView::of)
            .collect(),
        next_cursor: found.next,
    }))
}

/// Graph's cursors live for minutes; one that is too old, or none of Graph's, is refused like any answer it did not expect.
fn refused(error: &DirectoryError, has_cursor: bool) -> Problem {
    match error {
        DirectoryError::Unexpected { .. } if has_cursor => Problem::field(
            "/cursor",
            "is not a cursor that this list gave out, or is too old: start again without it",
        ),
        _ => Problem::unavailable("Microsoft Graph", error),
    }
}
