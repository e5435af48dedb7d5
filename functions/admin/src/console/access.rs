//! `/console/connections/{id}/access`: who may use the console with their Microsoft account.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::console_access::{AccessEntry, ConsoleAccess, Who};
use shared::domain::settings_check::FieldProblem;
use shared::store::Version;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use super::way_in::door_of;
use crate::AdminState;
use crate::api::console_access_write::problems;
use crate::api::lookup;
use crate::body::read;
use crate::problem::Problem;
use crate::query::Query;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    frame: Frame,
    id: String,
    entries: Vec<AccessEntry>,
    version: Version,
    /// Where those who are listed sign in.
    door: String,
    f: Fields,
}

/// An entry as somebody typed it, and what is wrong with it.
struct Typed {
    document: Value,
    problems: Vec<FieldProblem>,
}

impl Typed {
    /// Nothing yet.
    fn nothing() -> Self {
        Self {
            document: json!({ "access": { "kind": "person", "role": "viewer" } }),
            problems: Vec::new(),
        }
    }

    fn of(form: &Form) -> Self {
        let text = |field: &str| form.text(&format!("/access/{field}")).to_owned();
        Self {
            document: json!({ "access": {
                "kind": text("kind"),
                "value": text("value"),
                "role": text("role"),
                "everywhere": form.ticked("/access/everywhere"),
            } }),
            problems: Vec::new(),
        }
    }

    fn with(self, problems: Vec<FieldProblem>) -> Self {
        Self { problems, ..self }
    }
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
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let note = Note::done(Words(language), query.text("done").as_deref());
    let answer = (note, StatusCode::OK);
    shown(
        show(&state, visitor, &id, Typed::nothing(), answer).await,
        language,
    )
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    typed: Typed,
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let access = store.console_access(connection.id).await?;
    let frame = Frame::of(visitor, &connection, "access", "access-title").with_note(note);
    let made = AccessPage {
        f: Fields::new(frame.words, typed.document, typed.problems),
        frame,
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
    shown(changed(&state, visitor, &form, &id).await, language)
}

async fn changed(state: &AdminState, visitor: Visitor, form: &Form, id: &str) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let words = Words(visitor.language);
    let connection = lookup::connection(store, id).await?.value;
    let present = store.console_access(connection.id).await?;
    let removed = form.text("remove").parse::<usize>().ok();
    let (wanted, done) = match removed {
        Some(index) => (Ok(without(&present.value, index)), "access-removed"),
        None => (with_entry(form, &present.value), "let-in"),
    };
    let typed = if removed.is_some() {
        Typed::nothing()
    } else {
        Typed::of(form)
    };
    let judged = wanted.and_then(|wanted| {
        let problems = problems(&wanted, &present.value, visitor.caller.reach);
        let problems: Vec<FieldProblem> = problems.into_iter().map(beside_its_field).collect();
        if problems.is_empty() {
            Ok(wanted)
        } else {
            Err(problems)
        }
    });
    let wanted = match judged {
        Ok(wanted) => wanted,
        Err(problems) => {
            let problem = Problem::validation(problems.clone());
            let answer = (Some(note_of(words, &problem)), problem.status());
            return show(state, visitor, id, typed.with(problems), answer).await;
        }
    };
    let seen = form.text("version").parse().map(Version);
    let saved = seen == Ok(present.version)
        && store
            .put_console_access(connection.id, &wanted, present.version)
            .await?
            .is_ok();
    if saved {
        let path = format!("/console/connections/{id}/access?done={done}");
        return Ok(see_other(&path));
    }
    let note = Note::bad(words.text("not-saved-stale"));
    let answer = (Some(note), StatusCode::PRECONDITION_FAILED);
    show(state, visitor, id, typed, answer).await
}

/// The list without the entry of this index.
fn without(present: &ConsoleAccess, index: usize) -> ConsoleAccess {
    let mut access = present.clone();
    if index < access.entries.len() {
        access.entries.remove(index);
    }
    access
}

/// The list with the entry that was typed.
fn with_entry(form: &Form, present: &ConsoleAccess) -> Result<ConsoleAccess, Vec<FieldProblem>> {
    let kind = form.text("/access/kind").replace('-', "_");
    let entry: Value = json!({
        "who": { kind: form.text("/access/value") },
        "role": form.text("/access/role"),
        "everywhere": form.ticked("/access/everywhere"),
    });
    let entry = read::<AccessEntry>(entry, "").map_err(|problem| vec![beside_its_field(problem)])?;
    let mut access = present.clone();
    access.entries.push(entry);
    Ok(access)
}

/// The problem of an entry with the pointer of the field that it was typed into.
fn beside_its_field(problem: FieldProblem) -> FieldProblem {
    let field = match problem.pointer.rsplit('/').next() {
        Some("role") => "role",
        Some("everywhere") => "everywhere",
        _ => "value",
    };
    FieldProblem::new(format!("/access/{field}"), problem.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001";

    #[test]
    fn an_entry_is_read_or_its_problem_stands_beside_the_field_it_was_typed_into() {
        let none = ConsoleAccess::default();
        let read = |text: &str| with_entry(&Form::parse(text.as_bytes()), &none);
        let group =
            format!("/access/kind=group&/access/value=+{GROUP}+&/access/role=admin&/access/everywhere=on");
        let access = read(&group).unwrap();
        assert!(matches!(access.entries.as_slice(), [one] if one.everywhere));
        for (typed, field, detail) in [
            (
                "/access/kind=person&/access/value=ann@contoso.example&/access/role=admin",
                "/access/value",
                "an object id (a GUID) expected",
            ),
            (
                "/access/kind=group&/access/role=admin",
                "/access/value",
                "an object id (a GUID) expected",
            ),
            (
                "/access/kind=app-role&/access/value=x&/access/role=king",
                "/access/role",
                "has a wrong value, expected one of viewer, operator, admin",
            ),
        ] {
            let problems = read(typed).unwrap_err();
            let found: Vec<(&str, &str)> = problems
                .iter()
                .map(|problem| (problem.pointer.as_str(), problem.detail.as_str()))
                .collect();
            assert_eq!(found, [(field, detail)], "{typed}");
        }
    }
}
