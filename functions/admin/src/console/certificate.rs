//! `/console/connections/{id}/certificate`: the certificate that proves the app in place of a client secret: made here or
//! brought along, given to the app registration, then put to use. The private key is never shown.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::settings_check::FieldProblem;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use super::zone::Zone;
use crate::AdminState;
use crate::api::certificate_activate::activate_certificate;
use crate::api::certificate_make::make_certificate;
use crate::api::certificate_upload::upload_certificate;
use crate::api::lookup;
use crate::body::{JsonBody, NoBody, read};
use crate::problem::Problem;
use crate::view::certificate::CertificatesView;

/// As long as Microsoft lets a secret last unless told otherwise.
const USUAL_DAYS: u16 = 730;

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage {
    frame: Frame,
    id: String,
    certificates: CertificatesView,
    f: Fields,
    zone: Zone,
}

/// Where to go on, or what to say.
enum Done {
    Leave(&'static str),
    Stay(&'static str),
}

pub async fn certificate(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let shown_first = ((untouched(), Vec::new()), None, StatusCode::OK);
    shown(show(&state, visitor, &id, shown_first).await, language)
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (typed, note, status): ((Value, Vec<FieldProblem>), Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let settings = store.settings(connection.id).await?.ok_or(PageError::NotFound)?;
    let secrets = store.secrets(connection.id).await?.ok_or(PageError::NotFound)?;
    let waiting = store.waiting_certificate(connection.id).await?;
    let certificates = CertificatesView::of(&secrets.app, waiting.as_ref());
    let frame = Frame::of(visitor, &connection, "settings", "certificate-title").with_note(note);
    let made = CertificatePage {
        id: id.to_owned(),
        certificates: certificates.map_err(Problem::from)?,
        f: Fields::new(frame.words, typed.0, typed.1),
        frame,
        zone: Zone::of(&settings.value),
    };
    Ok(page(&made, status))
}

/// `POST /console/connections/{id}/certificate`: make one, bring one, or put the one that waits to use.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let words = Words(language);
        let again = match act(&state, &id, &form).await {
            Ok(Done::Leave(done)) => {
                return Ok(see_other(&format!("/console/connections/{id}?done={done}")));
            }
            Ok(Done::Stay(key)) => {
                let note = Note::good(words.text(key));
                ((untouched(), Vec::new()), Some(note), StatusCode::OK)
            }
            Err(problem) => {
                let note = Some(note_of(words, &problem));
                let typed = (typed(&form), problem.errors().to_vec());
                (typed, note, problem.status())
            }
        };
        show(&state, visitor, &id, again).await
    };
    shown(made.await, language)
}

async fn act(state: &AdminState, id: &str, form: &Form) -> Result<Done, Problem> {
    let (on, at) = (State(state.clone()), Path(id.to_owned()));
    match form.text("do") {
        "make" => {
            let days = form.text("/valid_days");
            let days = days
                .parse::<u16>()
                .map_or_else(|_| json!(days), |days| json!(days));
            let body = body(json!({ "valid_days": days }))?;
            drop(make_certificate(on, at, body).await?);
            Ok(Done::Stay("certificate-made"))
        }
        "activate" => {
            drop(activate_certificate(on, at, NoBody).await?);
            Ok(Done::Leave("certificate"))
        }
        "upload" => {
            let pem = |name: &str| form.exact(name).replace("\r\n", "\n");
            let body = body(json!({
                "private_key_pem": pem("/private_key_pem"),
                "certificate_pem": pem("/certificate_pem"),
            }))?;
            drop(upload_certificate(on, at, body).await?);
            Ok(Done::Leave("certificate"))
        }
        _ => Err(Problem::not_found("such an action")),
    }
}

/// The form as it is met first.
fn untouched() -> Value {
    json!({ "valid_days": USUAL_DAYS })
}

/// What was typed, without the key, which is never sent back.
fn typed(form: &Form) -> Value {
    let mut typed = untouched();
    if form.text("do") == "make" {
        typed["valid_days"] = json!(form.text("/valid_days"));
    } else {
        typed["certificate_pem"] = json!(form.exact("/certificate_pem"));
    }
    typed
}

fn body<T: serde::de::DeserializeOwned>(typed: Value) -> Result<JsonBody<T>, Problem> {
    read(typed, "")
        .map(JsonBody)
        .map_err(|problem| Problem::validation(vec![problem]))
}
