//! `/console/connect`: tenant and PBX are connected. Both sides are signed in to with what was typed; what is wrong is said
//! beside its field, and nothing is stored unless both let us in.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::settings_check::FieldProblem;
use web::see_other;

use super::error::shown;
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use crate::AdminState;
use crate::api::connection_create::create;
use crate::api::connection_input::NewConnection;
use crate::body::read;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    frame: Frame,
    f: Fields,
    redirect_uris: [(&'static str, String); 3],
}

fn show(
    state: &AdminState,
    visitor: Visitor,
    (typed, problems): (Value, Vec<FieldProblem>),
    (note, status): (Option<Note>, StatusCode),
) -> Response {
    let frame = Frame::new(visitor, "connect", "connect-page-title").with_note(note);
    let made = ConnectPage {
        f: Fields::new(frame.words, typed, problems),
        redirect_uris: [
            ("redirect-connect", state.redirect_uri()),
            ("redirect-sso", state.sso_redirect_uri()),
            ("redirect-console", state.door.link(super::CALLBACK)),
        ],
        frame,
    };
    page(&made, status)
}

pub async fn ask(State(state): State<AdminState>, Extension(visitor): Extension<Visitor>) -> Response {
    show(&state, visitor, (json!({}), Vec::new()), (None, StatusCode::OK))
}

pub async fn connect(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Response {
    let language = visitor.language;
    let typed = document(&form);
    let made = match read::<NewConnection>(typed.clone(), "") {
        Ok(body) => create(&state, body).await.map_err(Problem::from),
        Err(problem) => Err(Problem::validation(vec![problem])),
    };
    let answer = match made {
        Ok(connection) => see_other(&format!("/console/connections/{}/setup", connection.id)),
        Err(problem) => {
            let note = note_of(web::Words(language), &problem);
            let again = (typed, problem.errors().to_vec());
            show(&state, visitor, again, (Some(note), problem.status()))
        }
    };
    shown(Ok(answer), language)
}

/// The body that the API takes.
fn document(form: &Form) -> Value {
    let mut pbx = json!({
        "base_url": form.text("/pbx/base_url"),
        "client_id": form.text("/pbx/client_id"),
        "client_secret": form.exact("/pbx/client_secret"),
    });
    let authority = form.exact("/pbx/ca_pem").trim();
    if !authority.is_empty() {
        pbx["ca_pem"] = json!(authority.replace("\r\n", "\n"));
    }
    let access_id = form.text("/pbx/linkus_sdk/access_id");
    let access_key = form.exact("/pbx/linkus_sdk/access_key");
    // One alone is refused beside the field of the other.
    if !access_id.is_empty() || !access_key.is_empty() {
        pbx["linkus_sdk"] = json!({ "access_id": access_id, "access_key": access_key });
    }
    json!({
        "name": form.text("/name"),
        "tenant_id": form.text("/tenant_id"),
        "client_id": form.text("/client_id"),
        "client_secret": form.exact("/client_secret"),
        "pbx": pbx,
    })
}
