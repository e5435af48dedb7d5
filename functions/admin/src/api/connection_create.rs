//! `POST /api/v1/connections`: both sides are signed in to with what was sent; nothing is stored unless both let us in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use shared::domain::connection::{Connection, ConnectionSecrets, ConnectionStatus, PbxSide};
use shared::domain::ids::ConnectionId;
use shared::domain::permissions::ALWAYS;
use shared::domain::settings_check::FieldProblem;
use shared::ports::SideError;
use shared::store::{CreateOutcome, StoreError};

use super::app_credential::told_end;
use super::connection_input::{NewConnection, awaiting_consent};
use crate::AdminState;
use crate::body::JsonBody;
use crate::connect;
use crate::probe::{self, PbxFacts, ProbeError};
use crate::problem::Problem;
use crate::view::connection::Status;

/// A connection that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CreatedConnection {
    id: ConnectionId,
    status: Status,
    /// What is still missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    /// Register it with the app, for the admin's consent.
    redirect_uri: String,
    /// Register it with the app, for people's sign-in.
    sso_redirect_uri: String,
    /// Where an admin signs in with Microsoft and consents: once, within ten minutes.
    authorize_url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("some values do not pass")]
    Fields(Vec<FieldProblem>),
    #[error("a side could not be asked")]
    NotAsked(Problem),
    #[error("the PBX is in connection {0}")]
    PbxInUse(ConnectionId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Fields(problems) => Self::validation(problems),
            CreateError::NotAsked(problem) => problem,
            CreateError::PbxInUse(other) => Self::pbx_in_use(other),
            CreateError::Store(error) => error.into(),
        }
    }
}

/// Connects a tenant and a PBX.
///
/// Answers `connected` when the app holds its permissions already, else `awaiting_consent`.
#[utoipa::path(
    post, path = "/api/v1/connections", request_body = NewConnection,
    responses((status = 201, body = CreatedConnection)),
)]
pub async fn create_connection(
    State(state): State<AdminState>,
    JsonBody(body): JsonBody<NewConnection>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<CreatedConnection>), Problem> {
    let connection = create(&state, body).await?;
    let location = format!("/api/v1/connections/{}", connection.id);
    let (status, status_reason) = Status::of(&connection.status);
    let answer = CreatedConnection {
        id: connection.id,
        status,
        status_reason,
        redirect_uri: state.redirect_uri(),
        sso_redirect_uri: state.sso_redirect_uri(),
        authorize_url: connect::link(&state, connection.id).await?,
    };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)))
}

/// Tests both sides and stores what passes.
pub async fn create(state: &AdminState, body: NewConnection) -> Result<Connection, CreateError> {
    let now = state.engine.clock.now();
    let (mut connection, secrets) = untested(body, now).map_err(CreateError::Fields)?;
    let (missing, facts) = test(state, &mut connection, &secrets).await?;
    connection.pbx.tested_at = Some(now);
    connection.pbx.firmware_version = facts.firmware_version;
    connection.pbx.serial_number = facts.serial_number;
    connection.pbx.capabilities = facts.capabilities;
    connection.status = awaiting_consent(&missing);
    match state
        .engine
        .store
        .create_connection(&connection, &secrets)
        .await?
    {
        CreateOutcome::Created => {
            state.engine.store.care_soon(connection.id, now).await?;
            Ok(connection)
        }
        CreateOutcome::PbxInUse(other) => Err(CreateError::PbxInUse(other)),
    }
}

fn untested(
    body: NewConnection,
    now: Timestamp,
) -> Result<(Connection, ConnectionSecrets), Vec<FieldProblem>> {
    let problems = body.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let (proof, ends_at) = body.proof(now).map_err(|problem| vec![problem])?;
    let secrets = body.secrets(proof);
    let connection = Connection {
        id: ConnectionId::generate(now),
        name: body.name.trim().to_owned(),
        status: ConnectionStatus::Connected,
        tenant: body.tenant_id,
        client: body.client_id,
        pbx: PbxSide {
            base_url: body.pbx.origin(),
            firmware_version: String::new(),
            serial_number: String::new(),
            capabilities: shared::domain::connection::Capabilities::default(),
            ca_pem: body.pbx.ca_pem,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: ends_at,
        created_at: now,
    };
    Ok((connection, secrets))
}

/// Both sides at once, and the problems of both together. The Linkus SDK is asked of a PBX that let us in.
async fn test(
    state: &AdminState,
    connection: &mut Connection,
    secrets: &ConnectionSecrets,
) -> Result<(Vec<String>, PbxFacts), CreateError> {
    let sides = state
        .engine
        .sides
        .sides_under_test(connection, secrets)
        .map_err(side_problem)?;
    let linkus = state
        .engine
        .sides
        .linkus_under_test(connection, secrets)
        .map_err(side_problem)?;
    let (entra, pbx) = tokio::join!(
        probe::entra(sides.directory.as_ref(), &ALWAYS),
        probe::whole_pbx(sides.phone_system.as_ref(), linkus.as_deref())
    );
    match (entra, pbx) {
        (Ok(missing), Ok(facts)) => {
            if connection.secret_expires_at.is_none() {
                connection.secret_expires_at = told_end(sides.directory.as_ref()).await;
            }
            Ok((missing, facts))
        }
        (entra, pbx) => Err(both_problems([entra.err(), pbx.err()])),
    }
}

fn side_problem(SideError { field, detail }: SideError) -> CreateError {
    CreateError::Fields(vec![FieldProblem::new(field, detail)])
}

/// A wrong field outweighs a side that could not be asked: mending it is worth while in any case.
fn both_problems(errors: [Option<ProbeError>; 2]) -> CreateError {
    let mut fields = Vec::new();
    let mut not_asked = None;
    for error in errors.into_iter().flatten() {
        match error {
            ProbeError::Field(problem) => fields.push(problem),
            ProbeError::NotAsked(problem) => not_asked = Some(problem),
        }
    }
    match not_asked {
        Some(problem) if fields.is_empty() => CreateError::NotAsked(problem),
        _ => CreateError::Fields(fields),
    }
}
