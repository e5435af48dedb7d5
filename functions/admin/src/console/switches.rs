//! Pause, resume, disable, enable, disconnect, delete: each asks first on a page of its own, in the words of the manual.
//! Whoever cancels there has changed nothing.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::connection::Connection;
use shared::domain::part::Part;
use shared::domain::teardown::Ticked;
use web::{Words, see_other};

use super::connection::{self, done_in};
use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use crate::AdminState;
use crate::api::connection_resume::resume as resume_part;
use crate::api::{connection_delete, connection_enable, lookup};
use crate::problem::Problem;
use crate::use_cases;

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    /// Key of what it means.
    text: String,
    action: String,
    back: String,
    /// Field name of each box, with the key of its words.
    boxes: Vec<(&'static str, &'static str)>,
}

const EXTENSIONS: (&str, &str) = ("delete_extensions", "box-extensions");
const GROUPS: (&str, &str) = ("delete_extension_groups", "box-groups");
const CONTACTS: (&str, &str) = ("delete_synced", "box-contacts");

fn boxes_of(part: Part) -> Vec<(&'static str, &'static str)> {
    match part {
        Part::Users => vec![("delete_synced", EXTENSIONS.1)],
        Part::Groups => vec![("delete_synced", GROUPS.1)],
        Part::Contacts => vec![CONTACTS],
        Part::Presence | Part::Sso => Vec::new(),
    }
}

async fn ask(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (what, boxes): (String, Vec<(&'static str, &'static str)>),
) -> Result<Response, PageError> {
    let connection = lookup::connection(&state.engine.store, id).await?.value;
    let title = format!("confirm-{what}-title");
    let confirm = ConfirmPage {
        action: visitor.path.clone(),
        back: format!("/console/connections/{id}"),
        frame: Frame::of(visitor, &connection, "settings", &title),
        text: format!("confirm-{what}-text"),
        boxes,
    };
    Ok(page(&confirm, StatusCode::OK))
}

/// `GET /console/connections/{id}/pause/{part}`.
pub async fn ask_pause(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let part = Part::named(&part).ok_or(PageError::NotFound)?;
        ask(
            &state,
            visitor,
            &id,
            (format!("pause-{}", part.key()), boxes_of(part)),
        )
        .await
    };
    shown(made.await, language)
}

macro_rules! questions {
    ($($name:ident => $what:literal, $boxes:expr;)*) => { $(
        pub async fn $name(
            State(state): State<AdminState>,
            Extension(visitor): Extension<Visitor>,
            Path(id): Path<String>,
        ) -> Response {
            let language = visitor.language;
            shown(ask(&state, visitor, &id, ($what.to_owned(), $boxes)).await, language)
        }
    )* };
}

questions! {
    ask_disable => "disable", vec![EXTENSIONS, GROUPS];
    ask_disconnect => "disconnect", vec![EXTENSIONS, GROUPS];
    ask_delete => "delete", Vec::new();
}

/// What an admin does to a connection.
enum Turn {
    Pause(Part, bool),
    Resume(Part),
    Disable(Ticked),
    Enable,
    Disconnect(Ticked),
    Delete,
}

impl Turn {
    /// Does it; the address at which the page says so.
    async fn take(self, state: &AdminState, connection: &Connection) -> Result<String, Problem> {
        let (engine, id) = (&state.engine, connection.id);
        let done = |what: &str| format!("/console/connections/{id}?done={what}");
        match self {
            Self::Pause(part, delete) => {
                use_cases::pause(engine, id, part, delete).await?;
                Ok(done_in(id, "paused", part.key()))
            }
            Self::Resume(part) => {
                resume_part(state, id, part).await?;
                Ok(done_in(id, "resumed", part.key()))
            }
            Self::Disable(ticked) => {
                use_cases::disable(engine, id, ticked).await?;
                Ok(done("disabled"))
            }
            Self::Enable => {
                connection_enable::enable(state, connection).await?;
                Ok(done("enabled"))
            }
            Self::Disconnect(ticked) => {
                use_cases::disconnect(engine, id, ticked).await?;
                Ok(done("disconnecting"))
            }
            Self::Delete => {
                connection_delete::delete(state, connection).await?;
                Ok("/console".to_owned())
            }
        }
    }
}

/// Takes a turn and leads back to the page, which says what came of it.
async fn turn(state: &AdminState, visitor: Visitor, id: &str, wanted: Option<Turn>) -> Response {
    let language = visitor.language;
    let made = async {
        let wanted = wanted.ok_or(PageError::NotFound)?;
        let connection = lookup::connection(&state.engine.store, id).await?.value;
        let problem = match wanted.take(state, &connection).await {
            Ok(said_at) => return Ok(see_other(&said_at)),
            Err(problem) => problem,
        };
        let note = note_of(Words(language), &problem);
        // It may have changed before the turn was refused.
        let connection = lookup::connection(&state.engine.store, id).await?.value;
        connection::show(state, visitor, connection, (None, Some(note)), problem.status()).await
    };
    shown(made.await, language)
}

fn ticked(form: &Form) -> Ticked {
    Ticked {
        extensions: form.ticked(EXTENSIONS.0),
        extension_groups: form.ticked(GROUPS.0),
    }
}

/// `POST /console/connections/{id}/pause/{part}`.
pub async fn pause(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    let wanted = Part::named(&part).map(|part| Turn::Pause(part, form.ticked("delete_synced")));
    turn(&state, visitor, &id, wanted).await
}

/// `POST /console/connections/{id}/resume/{part}`.
pub async fn resume(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    turn(&state, visitor, &id, Part::named(&part).map(Turn::Resume)).await
}

macro_rules! turns {
    ($($name:ident($form:ident) => $turn:expr;)*) => { $(
        pub async fn $name(
            State(state): State<AdminState>,
            Extension(visitor): Extension<Visitor>,
            Extension($form): Extension<Form>,
            Path(id): Path<String>,
        ) -> Response {
            turn(&state, visitor, &id, Some($turn)).await
        }
    )* };
}

turns! {
    disable(form) => Turn::Disable(ticked(&form));
    enable(_form) => Turn::Enable;
    disconnect(form) => Turn::Disconnect(ticked(&form));
    delete(_form) => Turn::Delete;
}
