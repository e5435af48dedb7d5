//! `GET /console/connections/{id}`: the page of one connection, with the manual's sections in the manual's order; and the
//! forms of its settings.

use std::collections::BTreeSet;
use std::fmt::Display;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use shared::domain::connection::Connection;
use shared::domain::part::Part;
use shared::domain::settings::ConnectionSettings;
use shared::domain::settings_check::FieldProblem;
use shared::store::{Version, Versioned};
use shared::telemetry::chain;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::names::learn;
use super::overview::Overview;
use super::problem_words::items;
use super::settings_form::{fill_in, mailboxes_text};
use super::setup;
use crate::AdminState;
use crate::api::lookup;
use crate::api::settings_write::{WriteError, save};
use crate::query::Query;
use crate::settings_document;

/// Sections that have forms or switches.
const SECTIONS: [&str; 7] = [
    "basic", "users", "groups", "contacts", "presence", "sso", "safety",
];

/// Where the page says in a section what was done there: there the browser scrolls to, and there a keyboard goes on.
pub fn done_in(id: impl Display, done: &str, section: &str) -> String {
    format!("/console/connections/{id}?done={done}&in={section}#note")
}

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage {
    frame: Frame,
    it: Overview,
    f: Fields,
    mailboxes: String,
    paused: BTreeSet<Part>,
    /// What the browser returns to.
    redirect_uris: [(&'static str, String); 3],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
impl ConnectionPage {
    fn paused(&self, part: &Part) -> bool {
        self.paused.contains(part)
    }

    fn on(&self, part: &Part) -> bool {
        part.is_on(&self.it.settings)
    }

    /// Whether the fields of a part may not be changed now.
    fn fixed(&self, part: &Part) -> bool {
        self.it.is_off() || self.paused(part) || !self.frame.admin()
    }

    fn all_fixed(&self) -> bool {
        self.it.is_off() || !self.frame.admin()
    }
}

/// What a page shows in place of what is stored.
pub struct Typed {
    pub document: Value,
    pub problems: Vec<FieldProblem>,
    /// Of the settings that it was typed over, where the present ones may be later.
    pub version: Option<u64>,
}

pub async fn connection(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let (done, section) = (query.text("done"), query.text("in"));
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let section = section.filter(|section| SECTIONS.contains(&section.as_str()));
        let note = Note::done(Words(language), done.as_deref()).map(|note| note.within(section));
        show(&state, visitor, connection, (None, note), StatusCode::OK).await
    };
    shown(made.await, language)
}

/// The page with a note and, after a refused save, with what was typed.
pub async fn show(
    state: &AdminState,
    visitor: Visitor,
    connection: Connection,
    (typed, note): (Option<Typed>, Option<Note>),
    status: StatusCode,
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let paused = store.paused_parts(connection.id).await?;
    let frame = Frame::of(visitor, &connection, "settings", "connection-title").with_note(note);
    let mut it = Overview::load(state, connection).await?;
    let typed = typed.unwrap_or_else(|| Typed {
        document: settings_document::of(&it.settings),
        problems: Vec::new(),
        version: None,
    });
    // Whoever saves what they typed before somebody else saved is told so.
    it.version = typed.version.map_or(it.version, Version);
    let names = store.group_names(it.connection.id).await?;
    let made = ConnectionPage {
        mailboxes: mailboxes_text(&typed.document),
        f: Fields::new(frame.words, typed.document, typed.problems).with_pickers(it.connection.id, names),
        paused,
        redirect_uris: [
            ("redirect-connect", state.redirect_uri()),
            ("redirect-sso", state.sso_redirect_uri()),
            ("redirect-console", state.door.link(super::CALLBACK)),
        ],
        frame,
        it,
    };
    Ok(page(&made, status))
}

/// `POST /console/connections/{id}/settings/{section}`.
pub async fn save_section(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, section)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    shown(saved(&state, visitor, &form, (&id, &section)).await, language)
}

/// A connection with its settings, and those as a document with what a form says of one section.
pub async fn filled(
    state: &AdminState,
    id: &str,
    section: &str,
    form: &Form,
) -> Result<(Connection, Versioned<ConnectionSettings>, Value), PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let stored = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
    let mut document = settings_document::of(&stored.value);
    if fill_in(section, form, &mut document) {
        Ok((connection, stored, document))
    } else {
        Err(PageError::NotFound)
    }
}

async fn saved(
    state: &AdminState,
    visitor: Visitor,
    form: &Form,
    (id, section): (&str, &str),
) -> Result<Response, PageError> {
    let (connection, old, document) = filled(state, id, section, form).await?;
    let seen = form.text("version").parse().map(Version);
    let outcome = if seen == Ok(old.version) {
        save(state, &connection, &old, document.clone()).await
    } else {
        Err(WriteError::Stale)
    };
    let words = Words(visitor.language);
    let (status, note, problems) = match outcome {
        Ok(_) => {
            // Everything is saved; a name that is lacking is learnt another time.
            if let Err(error) = learn(state, &connection, &document).await {
                tracing::warn!(connection.id = %connection.id, error = %chain(&error), "names of groups were not kept");
            }
            let next = if is_first_step(form) {
                format!("/console/connections/{id}/setup?done=saved#note")
            } else {
                done_in(id, "saved", section)
            };
            return Ok(see_other(&next));
        }
        Err(WriteError::Store(error)) => return Err(error.into()),
        Err(WriteError::Invalid(problems)) => {
            let mut note = Note::bad(words.text("not-saved-problems"));
            note.items = items(words, &problems);
            (StatusCode::UNPROCESSABLE_ENTITY, note, problems)
        }
        Err(WriteError::ReadOnly(_)) => (
            StatusCode::CONFLICT,
            Note::bad(words.text("not-saved-read-only")),
            Vec::new(),
        ),
        Err(_) => (
            StatusCode::PRECONDITION_FAILED,
            Note::bad(words.text("not-saved-stale")),
            Vec::new(),
        ),
    };
    let typed = Typed {
        document,
        problems,
        version: None,
    };
    show_again(
        state,
        visitor,
        (connection, form),
        (Some(typed), Some(note)),
        status,
    )
    .await
}

/// Whether the page of the first steps sent the form.
fn is_first_step(form: &Form) -> bool {
    form.text("next") == "setup"
}

/// The page that sent a form, with what was typed there.
pub async fn show_again(
    state: &AdminState,
    visitor: Visitor,
    (connection, form): (Connection, &Form),
    shown: (Option<Typed>, Option<Note>),
    status: StatusCode,
) -> Result<Response, PageError> {
    if is_first_step(form) {
        setup::show(state, visitor, connection, shown, status).await
    } else {
        show(state, visitor, connection, shown, status).await
    }
}
