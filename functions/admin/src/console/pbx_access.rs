//! `/console/connections/{id}/pbx-access`: another address or other credentials of the PBX, tested before they take the place
//! of the old ones. What is left empty stays, and nothing secret is shown.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::connection::PbxSide;
use shared::domain::settings_check::FieldProblem;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::frame::{Frame, Note, page};
use super::guard::Visitor;
use super::problem_words::note_of;
use crate::AdminState;
use crate::api::connection_patch::ConnectionPatch;
use crate::api::connection_update::update;
use crate::api::lookup;
use crate::body::read;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "pbx_access.html")]
struct PbxAccessPage {
    frame: Frame,
    id: String,
    f: Fields,
    has_linkus_sdk: bool,
}

pub async fn ask(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let language = visitor.language;
    let made = async {
        let pbx = lookup::connection(&state.engine.store, &id).await?.value.pbx;
        let stored = json!({ "pbx": { "base_url": pbx.base_url, "ca_pem": pbx.ca_pem } });
        show(&state, visitor, &id, (stored, Vec::new()), (None, StatusCode::OK)).await
    };
    shown(made.await, language)
}

async fn show(
    state: &AdminState,
    visitor: Visitor,
    id: &str,
    (typed, problems): (Value, Vec<FieldProblem>),
    (note, status): (Option<Note>, StatusCode),
) -> Result<Response, PageError> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    let secrets = store.secrets(connection.id).await?;
    let frame = Frame::of(visitor, &connection, "settings", "pbx-access-title").with_note(note);
    let made = PbxAccessPage {
        f: Fields::new(frame.words, typed, problems),
        frame,
        id: id.to_owned(),
        has_linkus_sdk: secrets.is_some_and(|secrets| secrets.linkus_sdk.is_some()),
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
    let made = async {
        let stored = lookup::connection(&state.engine.store, &id).await?;
        let updated = match read::<ConnectionPatch>(patch(&form, &stored.value.pbx), "") {
            Ok(patch) => update(&state, stored, patch).await.map(drop),
            Err(problem) => Err(Problem::validation(vec![problem])),
        };
        let Err(problem) = updated else {
            return Ok(see_other(&format!("/console/connections/{id}?done=pbx-access")));
        };
        let note = note_of(Words(language), &problem);
        let again = (typed(&form), problem.errors().to_vec());
        show(&state, visitor, &id, again, (Some(note), problem.status())).await
    };
    shown(made.await, language)
}

/// What was typed and is no secret.
fn typed(form: &Form) -> Value {
    json!({ "pbx": {
        "base_url": form.text("/pbx/base_url"),
        "client_id": form.text("/pbx/client_id"),
        "ca_pem": form.exact("/pbx/ca_pem"),
        "linkus_sdk": {
            "access_id": form.text("/pbx/linkus_sdk/access_id"),
            "remove": form.ticked("/pbx/linkus_sdk/remove"),
        },
    } })
}

/// The body that the API takes. An authority that is as it was is not sent: another one asks for the secret again.
fn patch(form: &Form, stored: &PbxSide) -> Value {
    let mut pbx = json!({ "base_url": form.text("/pbx/base_url") });
    let client_id = form.text("/pbx/client_id");
    if !client_id.is_empty() {
        pbx["client_id"] = json!(client_id);
    }
    let client_secret = form.exact("/pbx/client_secret");
    if !client_secret.is_empty() {
        pbx["client_secret"] = json!(client_secret);
    }
    let authority = form.exact("/pbx/ca_pem").replace("\r\n", "\n");
    let authority = Some(authority.trim()).filter(|pem| !pem.is_empty());
    if authority != stored.ca_pem.as_deref().map(str::trim) {
        pbx["ca_pem"] = json!(authority);
    }
    let access_id = form.text("/pbx/linkus_sdk/access_id");
    let access_key = form.exact("/pbx/linkus_sdk/access_key");
    if form.ticked("/pbx/linkus_sdk/remove") {
        pbx["linkus_sdk"] = Value::Null;
    } else if !access_id.is_empty() || !access_key.is_empty() {
        pbx["linkus_sdk"] = json!({ "access_id": access_id, "access_key": access_key });
    }
    json!({ "pbx": pbx })
}

#[cfg(test)]
mod tests {
    use shared::domain::connection::Capabilities;

    use super::*;

    fn of(form: &str, ca_pem: Option<&str>) -> Value {
        let stored = PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: String::new(),
            serial_number: String::new(),
            capabilities: Capabilities::default(),
            ca_pem: ca_pem.map(str::to_owned),
            tested_at: None,
        };
        let form = format!("/pbx/base_url=https://pbx.example.com&{form}");
        let mut patch = patch(&Form::parse(form.as_bytes()), &stored);
        let pbx = patch["pbx"].as_object_mut().unwrap();
        assert_eq!(pbx.remove("base_url"), Some(json!("https://pbx.example.com")));
        json!(pbx)
    }

    #[test]
    fn what_is_left_empty_or_as_it_was_is_not_sent() {
        let empty = "/pbx/client_id=&/pbx/client_secret=&/pbx/ca_pem=&/pbx/linkus_sdk/access_id=&/pbx/linkus_sdk/access_key=";
        assert_eq!(of(empty, None), json!({}));
        assert_eq!(of("/pbx/ca_pem=A%0D%0AB%0D%0A", Some("A\nB\n")), json!({}));
    }

    #[test]
    fn what_is_typed_is_sent_and_what_is_emptied_is_unset() {
        assert_eq!(
            of("/pbx/client_id=+id+&/pbx/client_secret=+s+", None),
            json!({"client_id": "id", "client_secret": " s "})
        );
        assert_eq!(of("/pbx/ca_pem=", Some("A")), json!({"ca_pem": null}));
        assert_eq!(of("/pbx/ca_pem=B", Some("A")), json!({"ca_pem": "B"}));
        assert_eq!(
            of("/pbx/linkus_sdk/access_key=k", None),
            json!({"linkus_sdk": {"access_id": "", "access_key": "k"}})
        );
        let remove = "/pbx/linkus_sdk/remove=on&/pbx/linkus_sdk/access_id=a";
        assert_eq!(of(remove, None), json!({"linkus_sdk": null}));
    }
}
