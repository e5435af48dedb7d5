//! `PATCH /api/v1/connections/{id}`: another name, another address or other credentials of the PBX. What is to be replaced
//! is tested first. A stored secret never goes to an address it was not given for.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer};
use shared::domain::connection::{Connection, ConnectionSecrets, ConnectionStatus};
use shared::domain::ids::ConnectionId;
use shared::domain::permissions::{ALWAYS, application};
use shared::domain::settings_check::FieldProblem;
use shared::ports::{PermissionName, SideError, Sides};
use shared::store::{Store, StoreError, Versioned};

use super::connection_input::{
    LinkusSdk, SecretText, awaiting_consent, base_url_problem, credential_problem, name_problem, origin,
    secret_problem,
};
use super::lookup;
use super::take_up::take_up;
use crate::AdminState;
use crate::body::JsonBody;
use crate::probe::{self, PbxFacts, ProbeError};
use crate::problem::{Kind, Problem};
use crate::view::connection::ConnectionView;

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionPatch {
    /// What admins call it.
    #[serde(default)]
    name: Option<String>,
    /// The PBX.
    #[serde(default)]
    pbx: Option<PbxPatch>,
}

/// What to change of the PBX.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PbxPatch {
    /// Another address; the client secret must come with it.
    #[serde(default)]
    base_url: Option<String>,
    /// Client ID of the PBX's API page.
    #[serde(default)]
    client_id: Option<String>,
    /// Client Secret of the PBX's API page.
    #[serde(default)]
    client_secret: Option<SecretText>,
    /// A private certificate authority, or the PBX's own self-signed certificate, PEM; null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ca_pem: Given<String>,
    /// Credentials of the Linkus SDK; null removes them.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<LinkusSdk>)]
    linkus_sdk: Given<LinkusSdk>,
}

/// A field to leave, to set, or to unset.
#[derive(Debug, Default)]
enum Given<T> {
    #[default]
    Leave,
    Unset,
    Set(T),
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Ok(match Option::deserialize(deserializer)? {
        Some(value) => Given::Set(value),
        None => Given::Unset,
    })
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
    Ok(Json(update(&state, &id, patch).await?))
}

/// Tests what changes and puts it in the place of what was.
pub async fn update(state: &AdminState, id: &str, patch: ConnectionPatch) -> Result<ConnectionView, Problem> {
    let store = &state.engine.store;
    let mut connection = lookup::connection(store, id).await?;
    if connection.value.status == ConnectionStatus::Disconnected {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    let old = store
        .secrets(connection.value.id)
        .await?
        .ok_or_else(|| Problem::not_found("connection"))?;
    let problems = patch.problems(&connection.value);
    if !problems.is_empty() {
        return Err(Problem::validation(problems));
    }
    let mut secrets = old.clone();
    let pbx_changes = patch.pbx.is_some();
    patch.apply(&mut connection.value, &mut secrets);
    test(state, &mut connection.value, &secrets, pbx_changes).await?;
    replace(store, &connection, &old, &secrets).await?;
    // They were just taken, so an earlier refusal of the same ones is no longer true.
    store
        .pbx_token_store(connection.value.id)
        .forget_refusal()
        .await?;
    if let Some(settings) = store.settings(connection.value.id).await?
        && connection.value.status.may_run()
    {
        take_up(state, &connection.value, &settings.value).await?;
    }
    Ok(ConnectionView::load(state, connection.value).await?)
}

impl ConnectionPatch {
    fn problems(&self, connection: &Connection) -> Vec<FieldProblem> {
        let mut problems: Vec<FieldProblem> =
            self.name.as_deref().and_then(name_problem).into_iter().collect();
        if let Some(pbx) = &self.pbx {
            problems.extend(pbx.problems(&connection.pbx.base_url));
        }
        problems
    }

    fn apply(self, connection: &mut Connection, secrets: &mut ConnectionSecrets) {
        if let Some(name) = self.name {
            name.trim().clone_into(&mut connection.name);
        }
        if let Some(pbx) = self.pbx {
            pbx.apply(connection, secrets);
        }
    }
}

impl PbxPatch {
    fn problems(&self, present_origin: &str) -> Vec<FieldProblem> {
        let linkus_sdk = match &self.linkus_sdk {
            Given::Set(credentials) => credentials.problem(),
            Given::Leave | Given::Unset => None,
        };
        let id = self.client_id.as_deref();
        [
            self.base_url.as_deref().and_then(base_url_problem),
            id.and_then(|id| credential_problem("/pbx/client_id", id)),
            self.secret_for_another_host(present_origin),
            linkus_sdk,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Else whoever may change the address could have the stored secret sent to a host of their own.
    fn secret_for_another_host(&self, present_origin: &str) -> Option<FieldProblem> {
        let pointer = "/pbx/client_secret";
        if let Some(secret) = &self.client_secret {
            return secret_problem(pointer, secret);
        }
        let other_host = self
            .base_url
            .as_deref()
            .and_then(origin)
            .is_some_and(|wanted| wanted != present_origin);
        let other_trust = !matches!(self.ca_pem, Given::Leave);
        (other_host || other_trust).then(|| {
            FieldProblem::new(
                pointer,
                "send the client secret again: the stored one goes to the stored address alone",
            )
        })
    }

    fn apply(self, connection: &mut Connection, secrets: &mut ConnectionSecrets) {
        if let Some(origin) = self.base_url.as_deref().and_then(origin) {
            connection.pbx.base_url = origin;
        }
        if let Some(id) = self.client_id {
            id.trim().clone_into(&mut secrets.pbx.client_id);
        }
        if let Some(secret) = self.client_secret {
            secrets.pbx.client_secret = secret.0;
        }
        match self.ca_pem {
            Given::Leave => {}
            Given::Unset => connection.pbx.ca_pem = None,
            Given::Set(pem) => connection.pbx.ca_pem = Some(pem),
        }
        match self.linkus_sdk {
            Given::Leave => {}
            Given::Unset => secrets.linkus_sdk = None,
            Given::Set(credentials) => secrets.linkus_sdk = Some(credentials.credentials()),
        }
    }
}

/// Tests the PBX if it changes, and the permissions if the connection waits for them.
async fn test(
    state: &AdminState,
    connection: &mut Connection,
    secrets: &ConnectionSecrets,
    pbx_changes: bool,
) -> Result<(), Problem> {
    let waits = matches!(connection.status, ConnectionStatus::AwaitingConsent { .. });
    if !pbx_changes && !waits {
        return Ok(());
    }
    let sides: Sides = state
        .engine
        .sides
        .sides_under_test(connection, secrets)
        .map_err(|SideError { field, detail }| Problem::field(field, detail))?;
    if pbx_changes {
        let facts = probe::pbx(sides.phone_system.as_ref()).await.map_err(refusal)?;
        take_over(state, connection, facts).await?;
    }
    if waits {
        let needed = needed(state, connection.id).await?;
        let missing = probe::entra(sides.directory.as_ref(), &needed)
            .await
            .map_err(refusal)?;
        connection.status = awaiting_consent(&missing);
    }
    Ok(())
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

/// Extension ids mean nothing on another PBX: with bindings they would lead to other people's extensions.
async fn take_over(state: &AdminState, connection: &mut Connection, facts: PbxFacts) -> Result<(), Problem> {
    let another = facts.serial_number != connection.pbx.serial_number;
    if another {
        let bound = state.engine.store.bindings_page(connection.id, 1, None).await?;
        if !bound.items.is_empty() {
            return Err(Problem::field(
                "/pbx/base_url",
                "leads to another PBX, and extensions of the present one are bound: make another connection for it",
            ));
        }
    }
    connection.pbx.firmware_version = facts.firmware_version;
    connection.pbx.serial_number = facts.serial_number;
    connection.pbx.capabilities = facts.capabilities;
    Ok(())
}

/// Writes the secrets before the address they are for: cut in between, a new secret meets the old address and is refused,
/// where the other order would send the old secret to a new address.
pub async fn replace(
    store: &Store,
    connection: &Versioned<Connection>,
    old: &ConnectionSecrets,
    secrets: &ConnectionSecrets,
) -> Result<(), Problem> {
    let id = connection.value.id;
    store.save_secrets(id, secrets).await?;
    let saved = store.save_connection(connection).await;
    if let Err(StoreError::Conflict { .. } | StoreError::PbxInUse { .. }) = saved {
        // Nothing was written, so the stored address is still the old one.
        store.save_secrets(id, old).await?;
    }
    saved?;
    Ok(())
}
