//! `/console/connections/{id}/access`: who may use the console with their Microsoft account.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::console_access::{AccessEntry, ConsoleAccess, Who};
use shared::store::Version;
use web::see_other;

use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::way_in::door_of;
use crate::AdminState;
use crate::api::console_access_write::problems;
use crate::api::lookup;
use crate::body::read;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    frame: Frame,
    id: String,
    entries: Vec<AccessEntry>,
    version: Version,
    /// Where those who are listed sign in.
    door: String,
}

impl AccessPage {
    /// Kind and value of whom an entry lets in.
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn whom(&self, entry: &AccessEntry) -> (&'static str, String) {
        match &entry.who {
            Who::Person(id) => ("person", id.to_string()),
            Who::Group(id) => ("group", id.to_string()),
            Who::AppRole(value) => ("app-role", value.clone()),
        }
    }
}

pub async fn access(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    shown(show(&state, visitor, &id, (None, StatusCode::OK)).await, language)
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let access = store.console_access(connection.id).await?;
    let made = AccessPage {
        frame: Frame::of(visitor, &connection, "access", "access-title").with_note(note),
        id: id.to_owned(),
        entries: access.value.entries,
        version: access.version,
        door: state.door.link(&door_of(connection.id)),
    };
    Ok(page(&made, status))
}

/// `POST /console/connections/{id}/access`: one entry more, or one less.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let words = web::Words(language);
    let made = async {
        let store = &state.engine.store;
        let connection = lookup::connection(store, &id).await?.value;
        let present = store.console_access(connection.id).await?;
        let wanted = match changed(&form, &present.value) {
            Ok(wanted) => wanted,
            Err(detail) => {
                let note = Some(Note::bad(words.said(&detail).text));
                return show(&state, visitor, &id, (note, StatusCode::UNPROCESSABLE_ENTITY)).await;
            }
        };
        let wrong = problems(&wanted, &present.value, visitor.caller.reach);
        if let Some(problem) = wrong.first() {
            let note = Some(Note::bad(words.said(&problem.detail).text));
            return show(&state, visitor, &id, (note, StatusCode::UNPROCESSABLE_ENTITY)).await;
        }
        let seen = form.text("version").parse().map(Version);
        let saved = seen == Ok(present.version)
            && store
                .put_console_access(connection.id, &wanted, present.version)
                .await?
                .is_ok();
        if saved {
            return Ok::<_, PageError>(see_other(&format!("/console/connections/{id}/access")));
        }
        let note = Some(Note::bad(words.text("not-saved-stale")));
        show(&state, visitor, &id, (note, StatusCode::PRECONDITION_FAILED)).await
    };
    shown(made.await, language)
}

/// The list with one entry more, or without the one of this index.
fn changed(form: &Form, present: &ConsoleAccess) -> Result<ConsoleAccess, String> {
    let mut access = present.clone();
    if let Ok(index) = form.text("remove").parse::<usize>() {
        if index < access.entries.len() {
            access.entries.remove(index);
        }
        return Ok(access);
    }
    let kind = form.text("kind").replace('-', "_");
    let entry: Value = json!({
        "who": { kind: form.text("value") },
        "role": form.text("role"),
        "everywhere": form.ticked("everywhere"),
    });
    let entry = read::<AccessEntry>(entry, "")
        .map_err(|problem| format!("{}: {}", problem.pointer, problem.detail))?;
    access.entries.push(entry);
    Ok(access)
}
