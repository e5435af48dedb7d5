//! What becomes due when a connection may run: its schedule, its watch, its presence, and the first run that a save had to
//! wait for.

use shared::domain::connection::Connection;
use shared::domain::ids::ConnectionId;
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::{RunMode, RunRequest, Trigger};
use shared::store::StoreError;

use crate::AdminState;
use crate::use_cases::{RequestError, follow, request_run};

/// Has the schedule, the watch and the presence follow these settings; the first time that a synced part is on, a run starts.
pub async fn take_up(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    follow(&state.engine, connection, settings).await?;
    start_the_first_time(state, connection, settings).await
}

/// Starts a run if a part that runs sync is on for the first time in the life of the connection. Sign-in and presence need
/// none.
pub async fn start_the_first_time(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    let store = &state.engine.store;
    // A connection that cannot run yet keeps its first save until it can.
    let may_start = settings.makes_runs() && connection.status.may_run();
    if !may_start || store.was_ever_enabled(connection.id).await? {
        return Ok(());
    }
    // Noted only once the run is sure to come: if this dies in between, the next save starts it.
    if start_first_run(state, connection.id).await? {
        store.mark_ever_enabled(connection.id).await?;
    }
    Ok(())
}

/// Whether the run is sure to come.
async fn start_first_run(state: &AdminState, connection: ConnectionId) -> Result<bool, StoreError> {
    let request = RunRequest {
        trigger: Trigger::FirstSave,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    match request_run(&state.engine, connection, request).await {
        Ok(_) => Ok(true),
        // A preview or a single person goes first.
        Err(RequestError::AnotherWaits) => {
            let now = state.engine.clock.now();
            state.engine.store.set_due(connection, now).await?;
            Ok(true)
        }
        Err(RequestError::NoSuchConnection | RequestError::NotRunning { .. }) => Ok(false),
        Err(RequestError::Store(error)) => Err(error),
    }
}
