//! `GET /api/v1/connections/{id}/bindings`.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::view::Listing;
use crate::view::binding::{BindingKind, BindingView};

const KINDS: [(&str, BindingKind); 4] = [
    ("user", BindingKind::User),
    ("group", BindingKind::Group),
    ("contact", BindingKind::Contact),
    ("mailbox", BindingKind::Mailbox),
];

/// Which object of the directory is served by which object of the PBX.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/bindings",
    params(
        ("id" = String, Path), ("kind" = Option<String>, Query, description = "user, group, contact or mailbox"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Listing<BindingView>)),
)]
pub async fn list_bindings(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listing<BindingView>>, Problem> {
    let page = query.page();
    let kind = query.word("kind", &KINDS);
    query.finish()?;
    let store = &state.engine.store;
    let connection = lookup::connection(store, &id).await?.value;
    // People are the only kind that this version binds.
    if kind.is_some_and(|kind| kind != BindingKind::User) {
        return Ok(Json(Listing {
            items: Vec::new(),
            next_cursor: None,
        }));
    }
    let found = store
        .bindings_page(connection.id, page.limit, page.cursor.as_deref())
        .await?;
    Ok(Json(Listing {
        items: found.items.iter().filter_map(BindingView::of).collect(),
        next_cursor: found.next_cursor,
    }))
}
