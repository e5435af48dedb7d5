//! What becomes due when a connection may run: its schedule, its watch, its presence, and the first run that a save had to
//! wait for.

use shared::domain::connection::Connection;
use shared::domain::ids::ConnectionId;
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::{RunMode, RunRequest, Trigger};
use shared::store::StoreError;
use shared::sync_run::run::scheduled_after;

use crate::AdminState;
use crate::use_cases::{RequestError, request_run};

/// Has the schedule, the watch and the presence follow these settings; the first time that any part is on, a run starts.
pub async fn take_up(
    state: &AdminState,
    connection: &Connection,
    settings: &ConnectionSettings,
) -> Result<(), StoreError> {
    let store = &state.engine.store;
    let now = state.engine.clock.now();
    store
        .set_next_scheduled(connection.id, scheduled_after(settings, now))
        .await?;
    store.watch_soon(connection.id, connection.tenant, now).await?;
    store
        .presence_soon(connection.id, settings.presence.enabled, now)
        .await?;
    // A connection that cannot run yet keeps its first save until it can.
    let may_start = settings.any_part_enabled() && connection.status.may_run();
    if may_start && store.mark_ever_enabled(connection.id).await? {
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
