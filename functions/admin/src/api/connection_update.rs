//! `PATCH /api/v1/connections/{id}`: another name, another address or other credentials of the PBX. What is to be replaced
//! is tested first. A stored secret never goes to an address it was not given for.

use axum::Json;
use axum::extract::{Path, State};
use shared::domain::connection::{Connection, ConnectionSecrets, ConnectionStatus};
use shared::domain::ids::ConnectionId;
use shared::domain::permissions::{ALWAYS, application};
use shared::ports::{PermissionName, SideError, Sides};
use shared::store::Versioned;

use super::connection_patch::ConnectionPatch;
use super::go_on::{go_on, stands_still};
use super::lookup;
use super::standing::{after_entra_passed, after_pbx_passed};
use super::tested_tokens::{forget_refusals, forget_tokens_of_others};
use crate::AdminState;
use crate::body::JsonBody;
use crate::probe::{self, PbxFacts, ProbeError};
use crate::problem::{Kind, Problem};
use crate::view::connection::ConnectionView;

/// What of the PBX is to be tested.
#[derive(Clone, Copy)]
enum PbxTest {
    Nothing,
    Api,
    ApiAndLinkusSdk,
}

/// Changes a connection's name, PBX address or PBX credentials.
#[utoipa::path(
    patch, path = "/api/v1/connections/{id}", params(("id" = String, Path)),
    request_body = ConnectionPatch, responses((status = 200, body = ConnectionView)),
)]
pub async fn update_connection(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    JsonBody(patch): JsonBody<ConnectionPatch>,
) -> Result<Json<ConnectionView>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?;
    let changed = update(&state, connection, patch).await?;
    Ok(Json(ConnectionView::load(&state, changed).await?))
}

/// The use case: tests what comes new, puts it in the place of the old, and goes on. What is wrong is said field by field,
/// and then nothing has changed.
pub async fn update(
    state: &AdminState,
    mut connection: Versioned<Connection>,
    patch: ConnectionPatch,
) -> Result<Connection, Problem> {
    let store = &state.engine.store;
    if connection.value.status == ConnectionStatus::Disconnected {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    let old = store
        .secrets(connection.value.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let problems = patch.problems(&connection.value, &old);
    if !problems.is_empty() {
        return Err(Problem::validation(problems));
    }
    let before = connection.value.clone();
    let mut secrets = old.clone();
    let what = PbxTest::of(&patch);
    patch.apply(&mut connection.value, &mut secrets);
    test(state, &mut connection.value, &secrets, what).await?;
    forget_refusals(store, connection.value.id, what.api(), what.linkus_sdk()).await?;
    store.save_connection_and_secrets(&connection, &secrets).await?;
    forget_tokens_of_others(store, (&before, &old), (&connection.value, &secrets)).await;
    let stood_still = what.api() && stands_still(&before.status);
    go_on(state, &connection.value, stood_still).await?;
    Ok(connection.value)
}

impl PbxTest {
    fn of(patch: &ConnectionPatch) -> Self {
        match &patch.pbx {
            None => Self::Nothing,
            Some(_) if patch.brings_linkus_sdk() => Self::ApiAndLinkusSdk,
            Some(_) => Self::Api,
        }
    }

    fn api(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    fn linkus_sdk(self) -> bool {
        matches!(self, Self::ApiAndLinkusSdk)
    }
}

/// Tests the PBX if it changes, and the permissions if the connection waits for them.
async fn test(
    state: &AdminState,
    connection: &mut Connection,
    secrets: &ConnectionSecrets,
    what: PbxTest,
) -> Result<(), Problem> {
    let waits = matches!(connection.status, ConnectionStatus::AwaitingConsent { .. });
    if !what.api() && !waits {
        return Ok(());
    }
    let store = &state.engine.store;
    let sides: Sides = state
        .engine
        .sides
        .sides_under_test(connection, secrets)
        .map_err(side_problem)?;
    let directory = sides.directory.as_ref();
    if what.api() {
        let linkus = if what.linkus_sdk() {
            let made = state.engine.sides.linkus_under_test(connection, secrets);
            made.map_err(side_problem)?
        } else {
            None
        };
        let facts = probe::whole_pbx(sides.phone_system.as_ref(), linkus.as_deref()).await;
        let facts = facts.map_err(refusal)?;
        take_over(state, connection, facts).await?;
        connection.status = after_pbx_passed(store, connection, directory).await?;
    }
    if waits {
        let needed = needed(state, connection.id).await?;
        let missing = probe::entra(directory, &needed).await.map_err(refusal)?;
        connection.status = after_entra_passed(store, connection, &missing).await?;
    }
    Ok(())
}

pub fn side_problem(SideError { field, detail }: SideError) -> Problem {
    Problem::field(field, detail)
}

/// The permissions that the settings of a connection ask for.
pub async fn needed(state: &AdminState, connection: ConnectionId) -> Result<Vec<PermissionName>, Problem> {
    let settings = state.engine.store.settings(connection).await?;
    Ok(settings.map_or_else(|| ALWAYS.to_vec(), |settings| application(&settings.value)))
}

pub fn refusal(error: ProbeError) -> Problem {
    match error {
        ProbeError::Field(problem) => Problem::validation(vec![problem]),
        ProbeError::NotAsked(problem) => problem,
    }
}

async fn take_over(state: &AdminState, connection: &mut Connection, facts: PbxFacts) -> Result<(), Problem> {
    if facts.serial_number != connection.pbx.serial_number {
        may_leave(state, connection.id).await?;
    }
    connection.pbx.firmware_version = facts.firmware_version;
    connection.pbx.serial_number = facts.serial_number;
    connection.pbx.capabilities = facts.capabilities;
    connection.pbx.tested_at = Some(state.engine.clock.now());
    Ok(())
}

/// The ids that a PBX gives mean nothing on another one: with bindings they would lead to other people's extensions, groups
/// and phonebooks. A run under way is about to bind some.
async fn may_leave(state: &AdminState, connection: ConnectionId) -> Result<(), Problem> {
    let store = &state.engine.store;
    if store.has_objects_on_pbx(connection).await? {
        return Err(Problem::field(
            "/pbx/base_url",
            "leads to another PBX, and extensions, groups, contacts or phonebooks of the present one are bound: make another connection for it",
        ));
    }
    let now = state.engine.clock.now();
    let work = store.work_state(connection).await?.unwrap_or_default();
    if work.lease.is_some_and(|lease| lease.until > now) {
        return Err(Problem::field(
            "/pbx/base_url",
            "leads to another PBX, and a run is at work on the present one: repeat this when it has ended",
        ));
    }
    Ok(())
}
