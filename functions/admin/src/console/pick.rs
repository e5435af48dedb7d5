//! `POST /console/connections/{id}/pick/{section}`: a search for groups or shared mailboxes from a form of the settings. It
//! needs no script: what was typed into the form goes with the search and comes back with what was ticked. Nothing is saved.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use shared::domain::connection::Connection;
use web::Words;

use super::connection::{self, Typed};
use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::names::learn;
use super::offers::{Choice, Offer, groups_named, offer};
use super::picked::{Wanted, chosen, put};
use crate::AdminState;

/// Fields of the search itself; everything else is carried along.
const OWN: [&str; 6] = ["csrf", "pick", "q", "do", "cursor", "chosen"];
/// How names of fields begin that hold a phonebook.
const BOOK: &str = "book/";

#[derive(Template)]
#[template(path = "pick.html")]
struct PickPage {
    frame: Frame,
    action: String,
    pointer: String,
    /// What the search is for, in words.
    label: String,
    search: String,
    /// What was typed into the form.
    carried: Vec<(String, String)>,
    chosen: Vec<Choice>,
    offer: Offer,
    mailboxes: bool,
}

pub async fn pick(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, section)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    shown(answer(&state, visitor, &form, (&id, &section)).await, language)
}

async fn answer(
    state: &AdminState,
    visitor: Visitor,
    form: &Form,
    (id, section): (&str, &str),
) -> Result<Response, PageError> {
    let pointer = form.text("pick");
    let wanted = Wanted::of(section, pointer).ok_or(PageError::NotFound)?;
    let (connection, _, mut document) = connection::filled(state, id, section, form).await?;
    match form.text("do") {
        "take" => {
            put(wanted, pointer, form, &mut document);
            learn(state, &connection, &document).await?;
            let note = Note::good(Words(visitor.language).text("pick-taken"));
            back(state, visitor, (connection, form), (document, Some(note))).await
        }
        "back" => back(state, visitor, (connection, form), (document, None)).await,
        _ => {
            let at = (section, pointer, wanted);
            search(state, visitor, (&connection, form), (at, &document)).await
        }
    }
}

/// The form again, as it was typed.
async fn back(
    state: &AdminState,
    visitor: Visitor,
    (connection, form): (Connection, &Form),
    (document, note): (Value, Option<Note>),
) -> Result<Response, PageError> {
    let typed = Typed {
        document,
        problems: Vec::new(),
        version: form.text("version").parse().ok(),
    };
    let shown = (Some(typed), note);
    connection::show_again(state, visitor, (connection, form), shown, StatusCode::OK).await
}

async fn search(
    state: &AdminState,
    visitor: Visitor,
    (connection, form): (&Connection, &Form),
    ((section, pointer, wanted), document): ((&str, &str, Wanted), &Value),
) -> Result<Response, PageError> {
    let words = Words(visitor.language);
    let ticked = chosen(wanted, pointer, form, document);
    let cursor = (form.text("do") == "more").then(|| form.text("cursor"));
    let mut offer = offer(state, connection, wanted, (form.text("q"), cursor)).await?;
    offer.found.retain(|found| !ticked.contains(&found.value));
    let mut chosen = groups_named(state, connection, wanted, &ticked).await?;
    for choice in chosen.iter_mut().chain(&mut offer.found) {
        choice.remember(form, document);
    }
    let label = pointer.trim_start_matches('/').replace(['/', '_'], "-");
    let mut frame = Frame::of(visitor, connection, "settings", "pick-title");
    if let Some(problem) = &offer.problem {
        frame.note = Some(Note::bad(problem.say(words)));
    }
    let made = PickPage {
        action: format!("/console/connections/{}/pick/{section}", connection.id),
        pointer: pointer.to_owned(),
        label: words.text(&format!("f-{label}")),
        search: form.text("q").to_owned(),
        carried: form
            .pairs()
            .filter(|(name, _)| !OWN.contains(name) && !name.starts_with(BOOK))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        mailboxes: wanted == Wanted::Mailboxes,
        frame,
        chosen,
        offer,
    };
    Ok(page(&made, StatusCode::OK))
}
