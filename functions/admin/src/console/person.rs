//! `GET /console/connections/{id}/people/{user}`: why one person has the extension they have, or none, and what happened to it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use shared::domain::operation_record::OperationRecord;
use shared::telemetry::chain;

use super::error::{PageError, shown};
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::run::changes;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
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
) -> Response {
    let language = visitor.language;
    shown(show(&state, visitor, &id, &user).await, language)
}

async fn show(state: &AdminState, visitor: Visitor, id: &str, user: &str) -> Result<Response, PageError> {
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
    let mut frame = Frame::of(visitor, &connection, "people", "person-title");
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
    let made = PersonPage {
        frame,
        id: id.to_owned(),
        person,
        records,
        zone: Zone::of(&settings),
    };
    Ok(page(&made, StatusCode::OK))
}
