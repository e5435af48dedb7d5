//! `GET /console/connections/{id}/setup`: the first steps of a fresh connection, each with what is left to do.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use shared::domain::connection::Connection;
use shared::domain::sync_run::SyncRun;
use shared::store::Version;
use web::{Words, go_on};

use super::connection::Typed;
use super::error::{PageError, shown};
use super::fields::Fields;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::overview::Overview;
use crate::AdminState;
use crate::api::lookup;
use crate::connect;
use crate::query::Query;
use crate::settings_document;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    it: Overview,
    f: Fields,
    /// The last look at what the first run would do.
    preview: Option<SyncRun>,
}

pub async fn setup(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let note = Note::done(Words(language), query.text("done").as_deref());
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        show(&state, visitor, connection, (None, note), StatusCode::OK).await
    };
    shown(made.await, language)
}

/// The page with what somebody typed in place of what is stored, and what is wrong with it.
pub async fn show(
    state: &AdminState,
    visitor: Visitor,
    connection: Connection,
    (typed, note): (Option<Typed>, Option<Note>),
    status: StatusCode,
) -> Result<Response, PageError> {
    let names = state.engine.store.group_names(connection.id).await?;
    let frame = Frame::of(visitor, &connection, "settings", "setup-title").with_note(note);
    let mut it = Overview::load(state, connection).await?;
    let version = typed.as_ref().and_then(|typed| typed.version);
    it.version = version.map_or(it.version, Version);
    let (document, problems) = match typed {
        Some(typed) => (typed.document, typed.problems),
        None => (settings_document::of(&it.settings), Vec::new()),
    };
    let preview = it.last_run.clone().filter(|run| run.request.dry_run);
    let made = SetupPage {
        f: Fields::new(frame.words, document, problems).with_pickers(it.connection.id, names),
        frame,
        it,
        preview,
    };
    Ok(page(&made, status))
}

/// `POST /console/connections/{id}/authorize`: on to Microsoft, to sign in and consent. The link is opened by the page that
/// is answered, not by this.
pub async fn authorize(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let link = connect::link(&state, connection.id).await?;
        Ok::<_, PageError>(go_on(language, &link).into_response())
    };
    shown(made.await, language)
}
