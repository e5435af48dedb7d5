//! `GET /console/connections/{id}/groups` and `/contacts`: what of the directory is served by what on the PBX, beside people.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::store::Page;

use super::error::{PageError, shown};
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;
use crate::view::binding::{BindingKind, BindingView};

/// Objects of one page.
const A_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "bound.html")]
struct BoundPage {
    frame: Frame,
    id: String,
    kind: BindingKind,
    /// The kind as keys of words spell it.
    here: &'static str,
    rows: Vec<BindingView>,
    next: Option<String>,
    zone: Zone,
}

impl BoundPage {
    /// An object as the query of its history.
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn named(&self, row: &BindingView) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("object", &row.entra_id)
            .finish()
    }
}

pub async fn groups(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let cursor = query.text("cursor");
    shown(
        show(&state, visitor, &id, (BindingKind::Group, cursor)).await,
        language,
    )
}

pub async fn contacts(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let cursor = query.text("cursor");
    shown(
        show(&state, visitor, &id, (BindingKind::Contact, cursor)).await,
        language,
    )
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (kind, cursor): (BindingKind, Option<String>),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
    let cursor = cursor.as_deref();
    let (here, (rows, next)) = if kind == BindingKind::Group {
        let found = store.group_bindings_page(connection.id, A_PAGE, cursor).await?;
        ("group", views(&found, BindingView::of_group))
    } else {
        let found = store.contact_bindings_page(connection.id, A_PAGE, cursor).await?;
        ("contact", views(&found, BindingView::of_contact))
    };
    let made = BoundPage {
        frame: Frame::of(visitor, &connection, "people", &format!("bound-{here}-title")),
        id: id.to_owned(),
        kind,
        here,
        rows,
        next,
        zone: Zone::of(&settings.value),
    };
    Ok(page(&made, StatusCode::OK))
}

/// What is only intended is not shown: it may not exist.
fn views<T>(found: &Page<T>, view: impl Fn(&T) -> Option<BindingView>) -> (Vec<BindingView>, Option<String>) {
    let rows = found.items.iter().filter_map(view).collect();
    (rows, found.next_cursor.clone())
}
