//! `/console/connections/{id}/phonebooks`: phonebooks that contact sync keeps, and which of them somebody still has to make
//! visible in the PBX portal. What is said about it here is kept; the PBX does not tell.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::connection::Connection;
use shared::domain::contact_binding::PhonebookStage;
use shared::domain::mailbox::MailboxRole;
use shared::domain::phonebook::PhonebookId;
use shared::telemetry::chain;
use web::see_other;

use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;
use crate::use_cases::{KeptPhonebook, VisibilityError, kept_phonebooks, phonebook_sizes, say_shown};

/// Phonebooks of one page.
const A_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "phonebooks.html")]
struct PhonebooksPage {
    frame: Frame,
    id: String,
    /// Where the portal is.
    portal: String,
    /// How many are left to do.
    waiting: usize,
    books: Vec<KeptPhonebook>,
    /// How many contacts are in each; `None`: the PBX did not say.
    sizes: Option<BTreeMap<PhonebookId, u64>>,
    /// It was asked, in vain.
    not_counted: bool,
    /// Where the next page begins.
    next: Option<usize>,
    zone: Zone,
}

impl PhonebooksPage {
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn is_personal(&self, book: &KeptPhonebook) -> bool {
        book.binding.role == MailboxRole::Personal
    }

    fn size(&self, book: &KeptPhonebook) -> Option<u64> {
        self.sizes.as_ref()?.get(&book.id).copied()
    }
}

pub async fn phonebooks(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let from = query.text("from").and_then(|from| from.parse().ok()).unwrap_or(0);
    shown(show(&state, visitor, &id, from).await, language)
}

async fn show(state: &AdminState, visitor: Visitor, id: &str, from: usize) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
    let kept = kept_phonebooks(store, connection.id).await?;
    let end = from.saturating_add(A_PAGE);
    // Of a connection that is off the PBX is asked nothing.
    let asked = !kept.is_empty() && connection.status.may_run();
    let sizes = if asked {
        sizes(state, &connection).await
    } else {
        None
    };
    let made = PhonebooksPage {
        id: id.to_owned(),
        portal: connection.pbx.base_url.clone(),
        waiting: kept.iter().filter(|book| book.shown_at.is_none()).count(),
        next: (kept.len() > end).then_some(end),
        books: kept.into_iter().skip(from).take(A_PAGE).collect(),
        not_counted: asked && sizes.is_none(),
        sizes,
        zone: Zone::of(&settings.value),
        frame: Frame::of(visitor, &connection, "people", "phonebooks-title"),
    };
    Ok(page(&made, StatusCode::OK))
}

/// Asked of the PBX, which alone knows; the page is shown without.
async fn sizes(state: &AdminState, connection: &Connection) -> Option<BTreeMap<PhonebookId, u64>> {
    let sizes = phonebook_sizes(&state.engine, connection.id).await;
    sizes
        .inspect_err(|error| {
            tracing::warn!(connection.id = %connection.id, error = %chain(error), "phonebooks are shown without their sizes");
        })
        .ok()
}

/// `POST /console/connections/{id}/phonebooks`: one was made visible, or was not after all.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let own = lookup::connection(&state.engine.store, &id).await?.value.id;
        let book = form.text("book").parse().map_err(|_| PageError::NotFound)?;
        let visible = match form.text("visible") {
            "yes" => true,
            "no" => false,
            _ => return Err(PageError::NotFound),
        };
        match say_shown(&state.engine, own, PhonebookId(book), visible).await {
            Ok(_) => Ok(see_other(&format!("/console/connections/{id}/phonebooks"))),
            Err(VisibilityError::NotKept) => Err(PageError::NotFound),
            Err(VisibilityError::Store(error)) => Err(error.into()),
        }
    };
    shown(made.await, language)
}
