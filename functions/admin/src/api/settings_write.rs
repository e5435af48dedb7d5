//! `PUT /api/v1/connections/{id}/settings`: a whole document over the one that the caller has read. The first save with any
//! part enabled starts a sync, later ones start nothing.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use serde_json::Value;
use shared::domain::connection::Connection;
use shared::domain::ids::ConnectionId;
use shared::domain::settings::ConnectionSettings;
use shared::domain::settings_check::FieldProblem;
use shared::domain::sync_run::{RunMode, RunRequest, Trigger};
use shared::store::{StoreError, Version};

use super::lookup;
use super::settings_read::{VersionedSettings, answer, entity_tag};
use crate::AdminState;
use crate::body::AnyJson;
use crate::problem::{Kind, Problem};
use crate::read_only::forbidden_change;
use crate::settings_document;
use crate::use_cases::{RequestError, next_run, request_run};

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("there is no If-Match header")]
    NoPrecondition,
    #[error("the settings have another version")]
    Stale,
    #[error("some values must be mended")]
    Invalid(Vec<FieldProblem>),
    #[error("{0}")]
    ReadOnly(&'static str),
    #[error("there is no such connection")]
    NoSuchConnection,
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NoPrecondition => Self::new(
                Kind::PreconditionRequired,
                "read the settings and send their ETag as If-Match",
            ),
            WriteError::Stale => Self::new(
                Kind::Stale,
                "the settings were saved since you read them: read them again",
            ),
            WriteError::Invalid(problems) => Self::validation(problems),
            WriteError::ReadOnly(why) => Self::new(Kind::ReadOnly, why),
            WriteError::NoSuchConnection => Self::not_found("connection"),
            WriteError::Request(error) => error.into(),
            WriteError::Store(error) => error.into(),
        }
    }
}

/// Replaces the settings of a connection.
///
/// What is left out gets its default. `enabled: false` pauses a part, `true` resumes it.
#[utoipa::path(
    put, path = "/api/v1/connections/{id}/settings",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag of the settings that were read")),
    request_body = ConnectionSettings,
    responses((status = 200, body = ConnectionSettings, headers(("ETag" = String)))),
)]
pub async fn write_settings(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    AnyJson(document): AnyJson,
) -> Result<VersionedSettings, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let (version, settings) = save(&state, &connection, &headers, document).await?;
    Ok(answer(version, settings))
}

async fn save(
    state: &AdminState,
    connection: &Connection,
    headers: &HeaderMap,
    document: Value,
) -> Result<(Version, ConnectionSettings), WriteError> {
    let store = &state.engine.store;
    let old = store
        .settings(connection.id)
        .await?
        .ok_or(WriteError::NoSuchConnection)?;
    precondition(headers, old.version)?;
    let settings = settings_document::parse(document).map_err(WriteError::Invalid)?;
    let ever_enabled = store.ever_enabled(connection.id).await?;
    if let Some(why) = forbidden_change(&connection.status, ever_enabled, &old.value, &settings) {
        return Err(WriteError::ReadOnly(why));
    }
    let version = store
        .put_settings(connection.id, &settings, old.version)
        .await?
        .map_err(|_stale| WriteError::Stale)?;
    take_effect(state, connection, &settings).await?;
    Ok((version, settings))
}

fn precondition(headers: &HeaderMap, present: Version) -> Result<(), WriteError> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Err(WriteError::NoPrecondition);
    }
    let present = entity_tag(present);
    let matches = wanted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == present || tag.trim() == "*");
    if matches { Ok(()) } else { Err(WriteError::Stale) }
}

/// The next scheduled time follows the settings at once; the first save starts a run.
async fn take_effect(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), WriteError> {
    let store = &state.engine.store;
    let enabled = settings.any_part_enabled();
    let now = state.engine.clock.now();
    let next = if enabled {
        next_run(&settings.schedule, now)
            .map(Some)
            .map_err(|_| WriteError::Invalid(vec![FieldProblem::new("/schedule", "never comes due")]))?
    } else {
        None
    };
    store.set_next_scheduled(connection.id, next).await?;
    store.watch_soon(connection.id, connection.tenant, now).await?;
    // A connection that cannot run yet keeps its first save for the save after consent.
    if enabled && connection.status.may_run() && store.mark_ever_enabled(connection.id).await? {
        start_first_run(state, connection.id).await?;
    }
    Ok(())
}

async fn start_first_run(state: &AdminState, connection: ConnectionId) -> Result<(), WriteError> {
    let request = RunRequest {
        trigger: Trigger::FirstSave,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    match request_run(&state.engine, connection, request).await {
        // A run of another kind waits already; the schedule brings the full one.
        Ok(_) | Err(RequestError::AnotherWaits) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
