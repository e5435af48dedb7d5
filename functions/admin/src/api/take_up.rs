//! What becomes due when a connection may run: its schedule, its watch, its presence, and the first run that a save had to
//! wait for.

use shared::domain::connection::Connection;
use shared::domain::ids::ConnectionId;
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::{RunMode, RunRequest, Trigger};
use shared::store::StoreError;

use crate::AdminState;
use crate::use_cases::{RequestError, follow, request_run};

/// Has the schedule, the watch and the presence follow these settings; the first time that any part is on, a run starts.
pub async fn take_up(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    follow(&state.engine, connection, settings).await?;
    start_the_first_time(state, connection, settings).await
}

/// Starts a run if a part is on for the first time in the life of the connection.
pub async fn start_the_first_time(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    // A connection that cannot run yet keeps its first save until it can.
    let may_start = settings.any_part_enabled() && connection.status.may_run();
    if may_start && state.engine.store.mark_ever_enabled(connection.id).await? {
        start_first_run(state, connection.id).await?;
    }
    Ok(())
}

async fn start_first_run(state: &AdminState, connection: ConnectionId) -> Result<(), StoreError> {
    let request = RunRequest {
        trigger: Trigger::FirstSave,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    match request_run(&state.engine, connection, request).await {
        Err(RequestError::Store(error)) => Err(error),
        // A run of another kind waits already, or somebody switched the connection off; the schedule brings the full one.
        _ => Ok(()),
    }
}
