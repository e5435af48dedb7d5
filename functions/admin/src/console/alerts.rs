//! `/console/connections/{id}/alerts`: what is wrong now, who is told of it, and a test of that.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::domain::alert_settings::{AlertLanguage, AlertSettings};
use shared::domain::connection::Connection;
use shared::domain::settings_check::FieldProblem;
use shared::store::Version;
use web::{Language, Words};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use super::zone::Zone;
use crate::AdminState;
use crate::api::alerts_open::{OpenAlerts, load};
use crate::api::alerts_read::seen_by;
use crate::api::alerts_test::{TestedChannel, test};
use crate::api::alerts_write::{WriteError, save};
use crate::api::{alert_secret, lookup};
use crate::body::read;
use crate::problem::Problem;
use crate::settings_document;

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    frame: Frame,
    id: String,
    zone: Zone,
    f: Fields,
    version: Version,
    now: OpenAlerts,
    made: Made,
    has_webhook: bool,
}

/// What a form just brought about, to be shown once.
#[derive(Default)]
struct Made {
    secret: Option<SecretString>,
    tested: Option<Vec<TestedChannel>>,
    /// What was typed and not saved, and what is wrong with it.
    typed: Option<(Value, Vec<FieldProblem>)>,
    note: Option<Note>,
}

impl AlertsPage {
    /// The secret that was made just now.
    fn secret(&self) -> Option<&str> {
        self.made.secret.as_ref().map(ExposeSecret::expose_secret)
    }
}

pub async fn alerts(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        show(&state, visitor, &connection, (Made::default(), StatusCode::OK)).await
    };
    shown(made.await, language)
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    connection: &Connection,
    (mut made, status): (Made, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let stored = store.alert_settings(connection.id).await?;
    let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
    let seen = seen_by(visitor.caller.role, stored.value.clone());
    let (document, problems) = match made.typed.take() {
        Some(typed) => typed,
        None => (settings_document::of(&seen), Vec::new()),
    };
    let language = match visitor.language {
        Language::English => AlertLanguage::English,
        Language::Chinese => AlertLanguage::Chinese,
    };
    let frame = Frame::of(visitor, connection, "alerts", "alerts-title").with_note(made.note.take());
    let shown = AlertsPage {
        f: Fields::new(frame.words, document, problems),
        frame,
        id: connection.id.to_string(),
        zone: Zone::of(&settings.value),
        version: stored.version,
        now: load(state, connection.id, Some(language)).await?,
        made,
        has_webhook: stored.value.webhook.is_some(),
    };
    Ok(page(&shown, status))
}

/// `POST /console/connections/{id}/alerts`: who is told.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let connection = lookup::connection(&state.engine.store, &id).await?.value;
        let typed = document(&form);
        let answer = match take(&state, &connection, &form, typed.clone()).await {
            Ok(secret) => (saved(language, secret), StatusCode::OK),
            Err(WriteError::Store(error)) => return Err(error.into()),
            Err(error) => refused(language, typed, error),
        };
        show(&state, visitor, &connection, answer).await
    };
    shown(made.await, language)
}

async fn take(
    state: &AdminState,
    connection: &Connection,
    form: &Form,
    typed: Value,
) -> Result<Option<SecretString>, WriteError> {
    let settings = read::<AlertSettings>(typed, "");
    let settings = settings.map_err(|problem| WriteError::Invalid(vec![problem]))?;
    let seen: u64 = form.text("version").parse().map_err(|_| WriteError::Stale)?;
    let (_, secret) = save(state, connection, &settings, Version(seen)).await?;
    Ok(secret)
}

/// The document that a form stands for: an empty address switches its channel off.
fn document(form: &Form) -> Value {
    let mut document = json!({ "language": form.text("/language") });
    let failed = form.text("/failed_runs");
    document["failed_runs"] = failed.parse::<u32>().map_or_else(|_| json!(failed), |n| json!(n));
    let url = form.text("/webhook/url");
    if !url.is_empty() {
        document["webhook"] = json!({ "url": url });
    }
    let to = form.lines("/email/to");
    if !to.is_empty() {
        document["email"] = json!({ "to": to });
    }
    document
}

fn saved(language: Language, secret: Option<SecretString>) -> Made {
    Made {
        secret,
        note: Some(Note::good(Words(language).text("alerts-saved"))),
        ..Made::default()
    }
}

fn refused(language: Language, typed: Value, error: WriteError) -> (Made, StatusCode) {
    let problem = Problem::from(error);
    let made = Made {
        note: Some(note_of(Words(language), &problem)),
        typed: Some((typed, problem.errors().to_vec())),
        ..Made::default()
    };
    (made, problem.status())
}

/// `POST /console/connections/{id}/alerts/test`: a test on every channel, now.
pub async fn try_out(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    shown(acted(&state, visitor, &id, Act::Test).await, language)
}

/// `POST /console/connections/{id}/alerts/secret`: another secret for the webhook, shown once.
pub async fn renew(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    shown(acted(&state, visitor, &id, Act::Renew).await, language)
}

/// What a button of the page does, beside saving.
enum Act {
    Test,
    Renew,
}

async fn acted(state: &AdminState, visitor: Visitor, id: &str, act: Act) -> Result<Response, PageError> {
    let connection = lookup::connection(&state.engine.store, id).await?.value;
    let mut made = Made::default();
    match act {
        Act::Test => made.tested = Some(test(state, &connection).await?),
        Act::Renew => made.secret = Some(alert_secret::renew(state, connection.id).await?),
    }
    show(state, visitor, &connection, (made, StatusCode::OK)).await
}
