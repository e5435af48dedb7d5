//! `/console/connections/{id}/client-secret`: a new client secret, tested before it takes the old one's place.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::settings_check::FieldProblem;
use web::see_other;

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use crate::AdminState;
use crate::api::client_secret::{NewClientSecret, replace_secret};
use crate::api::lookup;
use crate::body::read;

#[derive(Template)]
#[template(path = "secret.html")]
struct SecretPage {
    frame: Frame,
    id: String,
    f: Fields,
}

pub async fn ask(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = show(
        &state,
        visitor,
        &id,
        (json!({}), Vec::new()),
        (None, StatusCode::OK),
    )
    .await;
    shown(made, language)
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (typed, problems): (Value, Vec<FieldProblem>),
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let connection = lookup::connection(&state.engine.store, id).await?.value;
    let frame = Frame::of(visitor, &connection, "settings", "secret-title").with_note(note);
    let made = SecretPage {
        f: Fields::new(frame.words, typed, problems),
        frame,
        id: id.to_owned(),
    };
    Ok(page(&made, status))
}

pub async fn save(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let mut typed = json!({ "client_secret": form.exact("/client_secret") });
    let day = form.text("/expires_at");
    if !day.is_empty() {
        typed["expires_at"] = json!(format!("{day}T00:00:00Z"));
    }
    let made = async {
        let body = read::<NewClientSecret>(typed, "");
        let replaced = match body {
            Ok(body) => replace_secret(&state, &id, body).await.map(|_| ()),
            Err(problem) => Err(crate::problem::Problem::validation(vec![problem])),
        };
        let Err(problem) = replaced else {
            return Ok(see_other(&format!("/console/connections/{id}?done=secret")));
        };
        let note = note_of(web::Words(language), &problem);
        let shown_again = (json!({ "expires_at": day }), problem.errors().to_vec());
        show(&state, visitor, &id, shown_again, (Some(note), problem.status())).await
    };
    shown(made.await, language)
}
