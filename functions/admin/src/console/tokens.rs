//! `/console/tokens`: the API tokens of the installation. A token is seen once, when it is made.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::domain::role::Role;
use shared::domain::settings_check::FieldProblem;
use shared::store::ApiToken;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use super::zone::Zone;
use crate::AdminState;
use crate::body::read;
use crate::problem::Problem;
use crate::query::Query;
use crate::token::create_token;

/// Longest name of a token.
const MAX_NAME: usize = 100;
/// Field with its name.
const NAME: &str = "/token/name";
/// Field with its role.
const ROLE: &str = "/token/role";

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<(String, ApiToken)>,
    /// The token that was made just now.
    fresh: Option<String>,
    f: Fields,
    zone: Zone,
}

/// What a page shows beside the tokens there are.
struct Shown {
    fresh: Option<String>,
    /// What was typed, and what is wrong with it.
    typed: Value,
    problems: Vec<FieldProblem>,
    note: Option<Note>,
}

impl Shown {
    fn with_note(note: Option<Note>) -> Self {
        Self {
            fresh: None,
            typed: json!({ "token": { "role": "viewer" } }),
            problems: Vec::new(),
            note,
        }
    }
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    shown: Shown,
    status: StatusCode,
) -> Result<Response, PageError> {
    let frame = Frame::new(visitor, "tokens", "tokens-title").with_note(shown.note);
    let tokens = TokensPage {
        f: Fields::new(frame.words, shown.typed, shown.problems),
        frame,
        tokens: state.engine.store.api_tokens().await?,
        fresh: shown.fresh,
        zone: Zone::utc(),
    };
    Ok(page(&tokens, status))
}

pub async fn tokens(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let with = Shown::with_note(Note::done(Words(language), query.text("done").as_deref()));
    shown(show(&state, visitor, with, StatusCode::OK).await, language)
}

/// `POST /console/tokens`: a fresh token, or the end of one.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Response {
    let language = visitor.language;
    shown(changed(&state, visitor, &form).await, language)
}

async fn changed(state: &AdminState, visitor: Visitor, form: &Form) -> Result<Response, PageError> {
    let engine = &state.engine;
    let ended = form.text("end");
    if !ended.is_empty() {
        engine.store.delete_api_token(ended).await?;
        return Ok(see_other("/console/tokens?done=token-ended"));
    }
    let (name, role) = match wanted(form) {
        Ok(wanted) => wanted,
        Err(problems) => {
            let problem = Problem::validation(problems.clone());
            let again = Shown {
                typed: json!({ "token": { "name": form.text(NAME), "role": form.text(ROLE) } }),
                problems,
                ..Shown::with_note(Some(note_of(Words(visitor.language), &problem)))
            };
            return show(state, visitor, again, problem.status()).await;
        }
    };
    let made = create_token(&engine.store, engine.clock.as_ref(), role, name).await?;
    let fresh = Shown {
        fresh: Some(made.secret.expose_secret().to_owned()),
        ..Shown::with_note(None)
    };
    show(state, visitor, fresh, StatusCode::CREATED).await
}

/// Name and role of the token to be made.
fn wanted(form: &Form) -> Result<(&str, Role), Vec<FieldProblem>> {
    let name = form.text(NAME);
    let bad = name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control);
    let name = if bad {
        Err(FieldProblem::new(NAME, "write a name of 1 to 100 characters"))
    } else {
        Ok(name)
    };
    match (name, read::<Role>(json!(form.text(ROLE)), ROLE)) {
        (Ok(name), Ok(role)) => Ok((name, role)),
        (name, role) => Err(name.err().into_iter().chain(role.err()).collect()),
    }
}
