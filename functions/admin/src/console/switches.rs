//! Pause, resume, disable, enable, disconnect, delete: each asks first on a page of its own, in the words of the manual.
//! Whoever cancels there has changed nothing.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::domain::connection::ConnectionStatus;
use shared::domain::part::Part;
use shared::domain::teardown::Ticked;
use shared::telemetry::chain;
use web::{Words, see_other};

use super::connection;
use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use crate::AdminState;
use crate::api::connection_enable;
use crate::api::lookup;
use crate::api::take_up::start_the_first_time;
use crate::use_cases::{self, LifecycleError};

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

/// `POST /console/connections/{id}/pause/{part}`.
pub async fn pause(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let part = Part::named(&part).ok_or(PageError::NotFound)?;
        let own = lookup::connection(&state.engine.store, &id).await?.value.id;
        let done = use_cases::pause(&state.engine, own, part, form.ticked("delete_synced")).await;
        let done = done.map(|_| format!("paused#{}", part.key()));
        answer(&state, visitor, &id, done).await
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/resume/{part}`.
pub async fn resume(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let part = Part::named(&part).ok_or(PageError::NotFound)?;
        let store = &state.engine.store;
        let own = lookup::connection(store, &id).await?.value.id;
        let done = match use_cases::resume(&state.engine, own, part).await {
            Ok(resumed) => {
                let settings = store.settings(own).await?.ok_or(PageError::NotFound)?;
                start_the_first_time(&state, &resumed.value, &settings.value).await?;
                Ok(format!("resumed#{}", part.key()))
            }
            Err(error) => Err(error),
        };
        answer(&state, visitor, &id, done).await
    };
    shown(made.await, language)
}

fn ticked(form: &Form) -> Ticked {
    Ticked {
        extensions: form.ticked(EXTENSIONS.0),
        extension_groups: form.ticked(GROUPS.0),
    }
}

/// `POST /console/connections/{id}/disable`.
pub async fn disable(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let own = lookup::connection(&state.engine.store, &id).await?.value.id;
        let done = use_cases::disable(&state.engine, own, ticked(&form)).await;
        answer(&state, visitor, &id, done.map(|_| "disabled".to_owned())).await
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/enable`.
pub async fn enable(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        match connection_enable::enable(&state, &connection).await {
            Ok(_) => Ok(see_other(&format!("/console/connections/{id}?done=enabled"))),
            Err(problem) => {
                let note = Note::bad(problem.detail().to_owned());
                connection::show(
                    &state,
                    visitor,
                    connection,
                    (None, Some(note)),
                    StatusCode::CONFLICT,
                )
                .await
            }
        }
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/disconnect`.
pub async fn disconnect(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let own = lookup::connection(&state.engine.store, &id).await?.value.id;
        let done = use_cases::disconnect(&state.engine, own, ticked(&form)).await;
        answer(&state, visitor, &id, done.map(|_| "disconnecting".to_owned())).await
    };
    shown(made.await, language)
}

/// `POST /console/connections/{id}/delete`.
pub async fn delete(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        if connection.status != ConnectionStatus::Disconnected {
            let note = Note::bad(Words(language).text("not-disconnected"));
            return connection::show(
                &state,
                visitor,
                connection,
                (None, Some(note)),
                StatusCode::CONFLICT,
            )
            .await;
        }
        state.engine.store.delete_connection(connection.id).await?;
        Ok(see_other("/console"))
    };
    shown(made.await, language)
}

async fn answer(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    done: Result<String, LifecycleError>,
) -> Result<Response, PageError> {
    let error = match done {
        Ok(done) => return Ok(see_other(&format!("/console/connections/{id}?done={done}"))),
        Err(LifecycleError::Store(error)) => return Err(error.into()),
        Err(LifecycleError::NoSuchConnection) => return Err(PageError::NotFound),
        Err(error) => error,
    };
    tracing::info!(error = %chain(&error), "a switch of a connection was not turned");
    let words = Words(visitor.language);
    let mut note = Note::bad(words.text(match &error {
        LifecycleError::RemovalsUnderWay => "not-switched-removals",
        LifecycleError::BeingDisconnected | LifecycleError::Disconnected => "not-switched-disconnected",
        _ => "not-switched",
    }));
    if let LifecycleError::Settings(problems) = &error {
        note.items = problems
            .iter()
            .map(|p| format!("{}: {}", p.pointer, p.detail))
            .collect();
    }
    let connection = lookup::connection(&state.engine.store, id).await?.value;
    connection::show(
        state,
        visitor,
        connection,
        (None, Some(note)),
        StatusCode::CONFLICT,
    )
    .await
}
