//! `GET /console/connections/{id}/people`: who has which extension; found by name, number, address or object id.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::binding::{Binding, Stage};
use shared::domain::ids::{ConnectionId, EntraUserId};
use shared::store::{Found, Store, StoreError};
use web::see_other;

use super::error::{PageError, shown};
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;

/// People of one page.
const A_PAGE: usize = 100;
/// Found people shown; a search that finds more wants more letters.
const MOST_FOUND: usize = 100;
/// Longest text looked for.
const MAX_SEARCH: usize = 256;

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    id: String,
    search: String,
    people: Vec<Binding>,
    more: bool,
    next: Option<String>,
    zone: Zone,
}

impl PeoplePage {
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn state(&self, binding: &Binding) -> &'static str {
        match binding.stage {
            Stage::Intended { .. } => "intended",
            Stage::Bound(_) => "bound",
            Stage::Leaving { .. } => "leaving",
        }
    }
}

pub async fn people(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let search = query.text("q").unwrap_or_default().trim().to_owned();
    let cursor = query.text("cursor");
    let made = async {
        let store = &state.engine.store;
        let connection = lookup::connection(store, &id).await?.value;
        if let Some(person) = names_one(&search) {
            return Ok(see_other(&format!("/console/connections/{id}/people/{person}")));
        }
        let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
        let (people, more, next) = if search.is_empty() {
            let found = store
                .bindings_page(connection.id, A_PAGE, cursor.as_deref())
                .await?;
            (found.items, false, found.next_cursor)
        } else {
            let found = find(store, connection.id, &search).await?;
            (found.bindings, found.more, None)
        };
        let made = PeoplePage {
            frame: Frame::of(visitor, &connection, "people", "people-title"),
            id: id.clone(),
            search,
            people,
            more,
            next,
            zone: Zone::of(&settings.value),
        };
        Ok(page(&made, StatusCode::OK))
    };
    shown(made.await, language)
}

/// An object id or an address names one person, with an extension or without; the path of their page.
fn names_one(search: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '_');
    let is_address = search.contains('@') && search.len() <= MAX_SEARCH && search.chars().all(plain);
    (is_address || EntraUserId::parse(search).is_ok()).then(|| search.to_owned())
}

/// A number by its beginning; where none begins so, and for any other text, a part of a number or name.
async fn find(store: &Store, id: ConnectionId, search: &str) -> Result<Found, StoreError> {
    if search.bytes().all(|byte| byte.is_ascii_digit()) {
        let found = store.bindings_numbered(id, search, MOST_FOUND).await?;
        if !found.bindings.is_empty() {
            return Ok(found);
        }
    }
    store.bindings_with(id, search, MOST_FOUND).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_an_object_id_leads_to_one_person() {
        for one in ["ann@contoso.example", "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001"] {
            assert_eq!(names_one(one).as_deref(), Some(one));
        }
        for many in ["ann", "2001", "", "a@b/../x", "a@b?c", "<a@b>"] {
            assert_eq!(names_one(many), None, "{many}");
        }
    }
}
