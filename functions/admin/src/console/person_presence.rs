//! What a person's page says of Teams presence, and `POST /console/connections/{id}/people/{user}/presence`: what an admin
//! decides about one person.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use shared::domain::binding::Binding;
use shared::domain::connection::Connection;
use shared::domain::presence::TeamsStatus;
use shared::domain::settings::PresenceSettings;
use web::{Words, see_other};

use super::error::{PageError, shown};
use super::fields::Fields;
use super::form::Form;
use super::guard::Visitor;
use super::person;
use super::problem_words::note_of;
use crate::AdminState;
use crate::api::person_presence_read::view;
use crate::api::person_presence_write::{PersonPresence, decide};
use crate::body::read;
use crate::problem::Problem;
use crate::view::presence::PersonPresenceView;

/// A person's presence, and the form to decide about it.
pub struct PresencePart {
    pub view: PersonPresenceView,
    /// Whether presence is on for the connection.
    pub is_on: bool,
    pub f: Fields,
}

impl PresencePart {
    /// Of somebody who has an extension.
    pub async fn of(
        state: &AdminState,
        (connection, settings): (&Connection, &PresenceSettings),
        (binding, words): (&Binding, Words),
    ) -> Result<Self, PageError> {
        let view = view(state, connection, binding.user).await?;
        let choice = match (&view.chosen_by, view.enabled) {
            (None, _) => "follow",
            (Some(_), true) => "on",
            (Some(_), false) => "off",
        };
        let document = json!({ "presence": {
            "choice": choice,
            "own_mapping": view.mapping.is_some(),
            "mapping": view.mapping.as_ref().unwrap_or(&settings.mapping),
        }});
        Ok(Self {
            is_on: settings.enabled,
            f: Fields::new(words, document, Vec::new()),
            view,
        })
    }
}

/// The body that the API takes; `None`: nothing is decided. What is no choice is left for the API to refuse.
fn decision(form: &Form) -> Option<Value> {
    let mut body = match form.text("/presence/choice") {
        "follow" => return None,
        "on" => json!({ "enabled": true }),
        "off" => json!({ "enabled": false }),
        other => json!({ "enabled": other }),
    };
    if form.ticked("/presence/own_mapping") {
        for status in TeamsStatus::ALL.map(TeamsStatus::key) {
            body["mapping"][status] = json!(form.text(&format!("/presence/mapping/{status}")));
        }
    }
    Some(body)
}

pub async fn save(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, user)): Path<(String, String)>,
) -> Response {
    let language = visitor.language;
    let wanted = decision(&form)
        .map(|body| read::<PersonPresence>(body, ""))
        .transpose();
    let made = async {
        let decided = match wanted {
            Ok(wanted) => decide(&state, (&id, &user), wanted).await,
            Err(problem) => Err(Problem::validation(vec![problem])),
        };
        match decided {
            Ok(_) => Ok(see_other(&format!(
                "/console/connections/{id}/people/{user}?done=saved"
            ))),
            Err(problem) => {
                let note = note_of(Words(language), &problem);
                person::show(&state, visitor, (&id, &user), (Some(note), problem.status())).await
            }
        }
    };
    shown(made.await, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_the_body_of_the_call_and_following_is_none() {
        let form = |text: &str| Form::parse(text.as_bytes());
        assert_eq!(decision(&form("/presence/choice=follow")), None);
        let nothing = decision(&form("")).unwrap();
        let refused = read::<PersonPresence>(nothing, "").err().unwrap();
        assert_eq!(refused.pointer, "/enabled");
        let off = decision(&form("/presence/choice=off&/presence/mapping/busy=away"));
        assert_eq!(off, Some(json!({ "enabled": false })));
        let all = "/presence/choice=on&/presence/own_mapping=on&/presence/mapping/available=available\
                   &/presence/mapping/busy=do_not_disturb&/presence/mapping/do_not_disturb=do_not_disturb\
                   &/presence/mapping/be_right_back=lunch&/presence/mapping/away=away&/presence/mapping/offline=off_work";
        let body = decision(&form(all)).unwrap();
        assert_eq!(body["mapping"]["busy"], "do_not_disturb");
        assert!(read::<PersonPresence>(body, "").is_ok());
        let wrong = decision(&form("/presence/choice=on&/presence/own_mapping=on")).unwrap();
        let problem = read::<PersonPresence>(wrong, "").err().unwrap();
        assert_eq!(problem.pointer, "/mapping/available");
    }
}
