//! `PUT` and `DELETE /api/v1/connections/{id}/users/{object_id}/presence`: what an admin decides about one person. The next
//! poll heeds it, within a minute.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::presence::{ChosenBy, PresenceChoice};
use shared::domain::settings::PresenceMapping;

use super::lookup;
use super::person_presence_read::{synced_person, view};
use crate::AdminState;
use crate::body::{JsonBody, NoBody};
use crate::problem::{Kind, Problem};
use crate::view::presence::PersonPresenceView;

/// What an admin decides about one person.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonPresence {
    /// Whether they take part.
    enabled: bool,
    /// Their own mapping; left out: that of their group, or of the connection.
    #[serde(default)]
    mapping: Option<PresenceMapping>,
}

/// Decides about one person, over the settings of the connection and what the person chose.
///
/// Changing the presence of an extension changes where its calls go.
#[utoipa::path(
    put, path = "/api/v1/connections/{id}/users/{object_id}/presence",
    params(("id" = String, Path), ("object_id" = String, Path)),
    request_body = PersonPresence, responses((status = 200, body = PersonPresenceView)),
)]
pub async fn write_person_presence(
    State(state): State<AdminState>,
    Path((id, object_id)): Path<(String, String)>,
    JsonBody(wanted): JsonBody<PersonPresence>,
) -> Result<Json<PersonPresenceView>, Problem> {
    Ok(Json(decide(&state, (&id, &object_id), Some(wanted)).await?))
}

/// Takes back what was decided about one person: the settings of the connection hold again.
#[utoipa::path(
    delete, path = "/api/v1/connections/{id}/users/{object_id}/presence",
    params(("id" = String, Path), ("object_id" = String, Path)),
    responses((status = 200, body = PersonPresenceView)),
)]
pub async fn forget_person_presence(
    State(state): State<AdminState>,
    Path((id, object_id)): Path<(String, String)>,
    _: NoBody,
) -> Result<Json<PersonPresenceView>, Problem> {
    Ok(Json(decide(&state, (&id, &object_id), None).await?))
}

/// Takes down what is decided about a person; `None`: nothing, the settings hold.
pub async fn decide(
    state: &AdminState,
    (id, object_id): (&str, &str),
    wanted: Option<PersonPresence>,
) -> Result<PersonPresenceView, Problem> {
    let store = &state.engine.store;
    let connection = lookup::connection(store, id).await?.value;
    may_change(&connection)?;
    let user = synced_person(state, &connection, object_id).await?;
    let choice = wanted.map(|wanted| PresenceChoice {
        enabled: wanted.enabled,
        mapping: wanted.mapping,
        by: ChosenBy::Admin,
        at: state.engine.clock.now(),
    });
    store
        .put_presence_choice(connection.id, user, choice.as_ref())
        .await?;
    tracing::info!(
        connection.id = %connection.id,
        entra_user.id = %user,
        enabled = choice.as_ref().map(|choice| choice.enabled),
        "an admin decided about a person's presence"
    );
    view(state, &connection, user).await
}

fn may_change(connection: &Connection) -> Result<(), Problem> {
    let why = match connection.status {
        ConnectionStatus::Disabled => "the connection is disabled: enable it before you change its settings",
        ConnectionStatus::Disconnected => "the connection is disconnected: its settings are history",
        _ => return Ok(()),
    };
    Err(Problem::new(Kind::ReadOnly, why))
}
