//! `GET /console/connections/{id}/people/{user}`: why one person has the extension they have, or none, and what happened to it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use shared::domain::operation_record::OperationRecord;
use shared::telemetry::chain;
use web::Words;

use super::error::{PageError, shown};
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::person_presence::PresencePart;
use super::run::changes;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;
use crate::use_cases::{ExplainError, Explanation, explain};

/// The latest records of a person that are shown.
const RECORDS: usize = 50;
/// Longest name that Entra gives a user.
const MAX_USER: usize = 256;

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    id: String,
    person: Option<Explanation>,
    records: Vec<OperationRecord>,
    /// Of whoever has an extension.
    presence: Option<PresencePart>,
    zone: Zone,
}

impl PersonPage {
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn changes(&self, row: &OperationRecord) -> Vec<(String, String, String)> {
        changes(row)
    }
}

pub async fn person(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, user)): Path<(String, String)>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let note = Note::done(Words(language), query.text("done").as_deref());
    shown(
        show(&state, visitor, (&id, &user), (note, StatusCode::OK)).await,
        language,
    )
}

/// The page with a note.
pub async fn show(
    state: &AdminState,
    visitor: Visitor,
    (id, user): (&str, &str),
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    if user.len() > MAX_USER {
        return Err(PageError::NotFound);
    }
    let settings = store
        .settings(connection.id)
        .await?
        .ok_or(PageError::NotFound)?
        .value;
    let mut frame = Frame::of(visitor, &connection, "people", "person-title").with_note(note);
    let person = match explain(&state.engine, connection.id, user.trim()).await {
        Ok(person) => person,
        Err(ExplainError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "a person could not be explained");
            frame.note = Some(Note::bad(frame.t("person-not-read")));
            None
        }
    };
    let object = person
        .as_ref()
        .map_or_else(|| user.to_owned(), |person| person.user.id.to_string());
    let now = state.engine.clock.now();
    let mut records = store
        .history(connection.id, &object, Timestamp::UNIX_EPOCH, now, RECORDS, None)
        .await?
        .items;
    records.sort_by_key(|record| std::cmp::Reverse(record.at));
    if person.is_none() && records.is_empty() && frame.note.is_none() {
        frame.note = Some(Note::bad(frame.t("person-unknown")));
    }
    let binding = person.as_ref().and_then(|person| person.binding.as_ref());
    let presence = match binding {
        Some(binding) => {
            let of = (&connection, &settings.presence);
            Some(PresencePart::of(state, of, (binding, frame.words)).await?)
        }
        None => None,
    };
    let made = PersonPage {
        presence,
        frame,
        id: id.to_owned(),
        person,
        records,
        zone: Zone::of(&settings),
    };
    Ok(page(&made, status))
}
