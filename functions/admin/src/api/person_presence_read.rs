//! `GET /api/v1/connections/{id}/users/{object_id}/presence`.

use axum::Json;
use axum::extract::{Path, State};
use shared::domain::connection::Connection;
use shared::domain::ids::EntraUserId;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::view::presence::PersonPresenceView;

/// Whether a person takes part, under which mapping, and what was carried last.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/users/{object_id}/presence",
    params(("id" = String, Path), ("object_id" = String, Path)),
    responses((status = 200, body = PersonPresenceView)),
)]
pub async fn read_person_presence(
    State(state): State<AdminState>,
    Path((id, object_id)): Path<(String, String)>,
) -> Result<Json<PersonPresenceView>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let user = synced_person(&state, &connection, &object_id).await?;
    Ok(Json(view(&state, &connection, user).await?))
}

/// The person of a path; whoever has no extension of ours is nobody here.
pub async fn synced_person(
    state: &AdminState,
    connection: &Connection,
    object_id: &str,
) -> Result<EntraUserId, Problem> {
    let missing = || Problem::not_found("synced person");
    let user = EntraUserId::parse(object_id).map_err(|_| missing())?;
    let binding = state.engine.store.binding(connection.id, user).await?;
    binding.map(|binding| binding.user).ok_or_else(missing)
}

/// What holds for a person now.
pub async fn view(
    state: &AdminState,
    connection: &Connection,
    user: EntraUserId,
) -> Result<PersonPresenceView, Problem> {
    let store = &state.engine.store;
    let settings = store
        .settings(connection.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let choice = store.presence_choice(connection.id, user).await?;
    let carried = store.presence_of(connection.id, user).await?;
    let presence = &settings.value.presence;
    Ok(PersonPresenceView::of(presence, choice.as_ref(), carried))
}
