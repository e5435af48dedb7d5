//! `GET /api/v1/connections/{id}/bindings`.

use axum::Json;
use axum::extract::{Path, State};
use shared::domain::ids::ConnectionId;
use shared::store::{Page, Store, StoreError};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::{PageRequest, Query};
use crate::view::Listing;
use crate::view::binding::{BindingKind, BindingView};

/// What is only intended is not shown: it may not exist.
fn listing<T>(page: Page<T>, view: impl Fn(&T) -> Option<BindingView>) -> Listing<BindingView> {
    Listing {
        items: page.items.iter().filter_map(view).collect(),
        next_cursor: page.next_cursor,
    }
}

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
        ("id" = String, Path),
        (
            "kind" = Option<String>, Query, description = "user, group, contact or mailbox",
            pattern = "^(user|group|contact|mailbox)$",
        ),
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
    let listing = match kind {
        None => all(store, connection.id, &page).await?,
        Some(kind) => of_kind(store, connection.id, kind, &page).await?,
    };
    Ok(Json(listing))
}

/// One kind after the other; a cursor has the place of its kind before it.
async fn all(
    store: &Store,
    connection: ConnectionId,
    page: &PageRequest,
) -> Result<Listing<BindingView>, Problem> {
    let (first, mut cursor) = match page.cursor.as_deref() {
        None => (0, None),
        Some(cursor) => place(cursor).ok_or(StoreError::BadCursor)?,
    };
    let mut items = Vec::new();
    for (place, (_, kind)) in KINDS.iter().enumerate().skip(first) {
        let room = page.limit.saturating_sub(items.len());
        let rest = PageRequest {
            limit: room.max(1),
            cursor: cursor.take(),
        };
        let found = of_kind(store, connection, *kind, &rest).await?;
        if room == 0 && !found.items.is_empty() {
            return Ok(Listing {
                items,
                next_cursor: Some(format!("{place}:")),
            });
        }
        items.extend(found.items);
        if let Some(next) = found.next_cursor {
            return Ok(Listing {
                items,
                next_cursor: Some(format!("{place}:{next}")),
            });
        }
    }
    Ok(Listing {
        items,
        next_cursor: None,
    })
}

/// The place of a kind, and where in it to go on; `None` for a cursor that this list cannot have given out.
fn place(cursor: &str) -> Option<(usize, Option<String>)> {
    let (place, rest) = cursor.split_once(':')?;
    let place = place.parse().ok().filter(|place| *place < KINDS.len())?;
    Some((place, (!rest.is_empty()).then(|| rest.to_owned())))
}

async fn of_kind(
    store: &Store,
    connection: ConnectionId,
    kind: BindingKind,
    page: &PageRequest,
) -> Result<Listing<BindingView>, Problem> {
    let (limit, cursor) = (page.limit, page.cursor.as_deref());
    Ok(match kind {
        BindingKind::User => listing(
            store.bindings_page(connection, limit, cursor).await?,
            BindingView::of,
        ),
        BindingKind::Group => listing(
            store.group_bindings_page(connection, limit, cursor).await?,
            BindingView::of_group,
        ),
        BindingKind::Contact => listing(
            store.contact_bindings_page(connection, limit, cursor).await?,
            BindingView::of_contact,
        ),
        BindingKind::Mailbox => listing(
            store.phonebook_bindings_page(connection, limit, cursor).await?,
            BindingView::of_mailbox,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_was_never_given_out_does_not_start_the_list_again() {
        assert_eq!(place("2:"), Some((2, None)));
        assert_eq!(place("0:next"), Some((0, Some("next".to_owned()))));
        for wrong in ["", "next", ":next", "4:", "-1:", "x:next"] {
            assert_eq!(place(wrong), None, "{wrong:?}");
        }
    }
}
