//! `/console/tokens`: the API tokens of the installation. A token is seen once, when it is made.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::ExposeSecret as _;
use shared::domain::role::Role;
use shared::store::ApiToken;
use web::see_other;

use super::error::{PageError, shown};
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::zone::Zone;
use crate::AdminState;
use crate::token::create_token;

/// Longest name of a token.
const MAX_NAME: usize = 100;

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<(String, ApiToken)>,
    /// The token that was made just now.
    fresh: Option<String>,
    zone: Zone,
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    fresh: Option<String>,
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let tokens = TokensPage {
        frame: Frame::new(visitor, "tokens", "tokens-title").with_note(note),
        tokens: state.engine.store.api_tokens().await?,
        fresh,
        zone: Zone::utc(),
    };
    Ok(page(&tokens, status))
}

pub async fn tokens(State(state): State<AdminState>, Extension(visitor): Extension<Visitor>) -> Response {
    let language = visitor.language;
    shown(
        show(&state, visitor, None, (None, StatusCode::OK)).await,
        language,
    )
}

/// `POST /console/tokens`: a fresh token, or the end of one.
pub async fn change(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let engine = &state.engine;
        let ended = form.text("end");
        if !ended.is_empty() {
            engine.store.delete_api_token(ended).await?;
            return Ok(see_other("/console/tokens"));
        }
        let role = match form.text("role") {
            "viewer" => Some(Role::Viewer),
            "operator" => Some(Role::Operator),
            "admin" => Some(Role::Admin),
            _ => None,
        };
        let name = form.text("name");
        let good =
            !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
        let (Some(role), true) = (role, good) else {
            let note = Note::bad(web::Words(language).text("tokens-name-needed"));
            return show(
                &state,
                visitor,
                None,
                (Some(note), StatusCode::UNPROCESSABLE_ENTITY),
            )
            .await;
        };
        let made = create_token(&engine.store, engine.clock.as_ref(), role, name).await?;
        let fresh = Some(made.secret.expose_secret().to_owned());
        show(&state, visitor, fresh, (None, StatusCode::CREATED)).await
    };
    shown(made.await, language)
}
