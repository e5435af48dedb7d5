//! `PUT /api/v1/connections/{id}/settings`: a whole document over the one that the caller has read. The first save with a
//! synced part enabled starts a sync, later ones start nothing.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use serde_json::Value;
use shared::domain::connection::Connection;
use shared::domain::settings::ConnectionSettings;
use shared::domain::settings_check::FieldProblem;
use shared::store::{StoreError, Version, Versioned};

use super::lookup;
use super::more_permissions::ask_for_more;
use super::settings_read::{VersionedSettings, answer, entity_tag};
use super::take_up::start_the_first_time;
use crate::AdminState;
use crate::body::AnyJson;
use crate::problem::{Kind, Problem};
use crate::read_only::forbidden_change;
use crate::settings_document;
use crate::use_cases::{LifecycleError, after_save, next_run};

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("there is no If-Match header")]
    NoPrecondition,
    #[error("the settings have another version")]
    Stale,
    #[error("some values must be mended")]
    Invalid(Vec<FieldProblem>),
    #[error("{0}")]
    ReadOnly(String),
    #[error("there is no such connection")]
    NoSuchConnection,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
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
            WriteError::Store(error) => error.into(),
            WriteError::Lifecycle(error) => error.into(),
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
    let old = state.engine.store.settings(connection.id).await?;
    let old = old.ok_or(WriteError::NoSuchConnection)?;
    precondition(&headers, old.version)?;
    let (version, settings) = save(&state, &connection, &old, document).await?;
    Ok(answer(version, settings))
}

/// Judges a document and puts it in the place of the settings that were read.
pub async fn save(
    state: &AdminState,
    connection: &Connection,
    old: &Versioned<ConnectionSettings>,
    document: Value,
) -> Result<(Version, ConnectionSettings), WriteError> {
    let store = &state.engine.store;
    let settings = settings_document::parse(document).map_err(WriteError::Invalid)?;
    let paused = store.paused_parts(connection.id).await?;
    if let Some(why) = forbidden_change(&connection.status, &paused, &old.value, &settings) {
        return Err(WriteError::ReadOnly(why));
    }
    if next_run(&settings.schedule, state.engine.clock.now()).is_err() {
        return Err(WriteError::Invalid(vec![FieldProblem::new(
            "/schedule",
            "never comes due",
        )]));
    }
    let version = store
        .put_settings(connection.id, &settings, old.version)
        .await?
        .map_err(|_stale| WriteError::Stale)?;
    ask_for_more(state, connection, (&old.value, &settings)).await?;
    after_save(&state.engine, connection.id, &old.value, &settings).await?;
    start_the_first_time(state, connection, &settings).await?;
    Ok((version, settings))
}

/// Whether the caller names the present version.
pub fn precondition(headers: &HeaderMap, present: Version) -> Result<(), WriteError> {
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
