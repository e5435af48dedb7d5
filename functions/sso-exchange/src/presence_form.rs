//! `POST /me/presence`: a person decides whether their extension follows Teams, and where each status leads. The form is
//! plain HTML: nothing of it needs a script.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use shared::domain::presence::{ChosenBy, PresenceChoice, TeamsStatus};
use shared::domain::settings::{ExtensionPresence, OnOff, PresenceMapping, PresenceSettings};
use shared::store::Holder;
use web::{CookieKind, DoorError, Language, Words, go_on, see_other};

use crate::SsoState;
use crate::admit::{Wish, open_connection};
use crate::form::proven;

/// The part of the page that is about presence.
pub struct PresenceForm {
    pub enabled: bool,
    /// Whether their own rows hold.
    pub own: bool,
    pub rows: Vec<Row>,
}

/// One status of Teams, and where it leads.
pub struct Row {
    /// Of the field.
    pub key: &'static str,
    pub label: String,
    pub targets: Vec<Target>,
}

/// A status that an extension can have.
pub struct Target {
    pub value: &'static str,
    pub label: String,
    pub chosen: bool,
}

impl PresenceForm {
    /// `None` while presence is switched off for everybody.
    pub fn of(settings: &PresenceSettings, choice: Option<&PresenceChoice>, words: Words) -> Option<Self> {
        if !settings.enabled {
            return None;
        }
        let own = choice.and_then(|choice| choice.mapping);
        let shown = own.unwrap_or(settings.mapping);
        let rows = TeamsStatus::ALL.into_iter().map(|status| Row {
            key: status.key(),
            label: words.text(&format!("teams-{}", status.key().replace('_', "-"))),
            targets: targets(shown.target(status), words),
        });
        Some(Self {
            enabled: choice.map_or(settings.users_default == OnOff::On, |choice| choice.enabled),
            own: own.is_some(),
            rows: rows.collect(),
        })
    }
}

fn targets(chosen: ExtensionPresence, words: Words) -> Vec<Target> {
    let target = |presence: ExtensionPresence| Target {
        value: presence.wire(),
        label: words.text(&format!("extension-{}", presence.wire().replace('_', "-"))),
        chosen: presence == chosen,
    };
    ExtensionPresence::ALL.into_iter().map(target).collect()
}

pub async fn save_presence(State(state): State<SsoState>, headers: HeaderMap, body: Bytes) -> Response {
    let language = Language::of(&headers, None);
    match save(&state, &headers, &body).await {
        Ok(response) => response,
        Err(error) => error.page(language).into_response(),
    }
}

async fn save(state: &SsoState, headers: &HeaderMap, body: &[u8]) -> Result<Response, DoorError> {
    let live = state.door.sessions.current(CookieKind::Me, headers).await?;
    let form = proven(state, headers, body, live.as_ref())?;
    let Some(Holder::Person { connection, user }) = live.map(|live| live.session.holder) else {
        // Their page leads to Microsoft now.
        return Ok(go_on(Language::of(headers, None), "/me").into_response());
    };
    let store = &state.door.store;
    let open = open_connection(store, connection, Wish::Me).await?;
    let open = open.ok_or(DoorError::NotAllowed)?;
    open.admit(store, user).await?.ok_or(DoorError::NotAllowed)?;
    // The page does not offer it then.
    if !open.settings.presence.enabled {
        return Err(DoorError::NotAllowed);
    }
    let choice = PresenceChoice {
        enabled: is_set(&form, "enabled")?,
        mapping: mapping(&form)?,
        by: ChosenBy::Person,
        at: state.door.clock.now(),
    };
    store.put_presence_choice(connection, user, Some(&choice)).await?;
    tracing::info!(
        connection.id = %connection,
        entra_user.id = %user,
        enabled = choice.enabled,
        "a person decided about their presence"
    );
    Ok(see_other("/me?saved=presence"))
}

type Form = BTreeMap<String, String>;

/// A box that is not ticked is not sent.
fn is_set(form: &Form, name: &str) -> Result<bool, DoorError> {
    match form.get(name).map(String::as_str) {
        None => Ok(false),
        Some("on") => Ok(true),
        Some(_) => Err(DoorError::Bad),
    }
}

/// Their own rows, if they want their own.
fn mapping(form: &Form) -> Result<Option<PresenceMapping>, DoorError> {
    if !is_set(form, "own")? {
        return Ok(None);
    }
    let mut mapping = PresenceMapping::default();
    for status in TeamsStatus::ALL {
        let sent = form.get(status.key()).ok_or(DoorError::Bad)?;
        mapping.set(status, ExtensionPresence::of_wire(sent).ok_or(DoorError::Bad)?);
    }
    Ok(Some(mapping))
}
