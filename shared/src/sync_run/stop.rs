//! Ends runs of what somebody switches off or on: the one that works, the one that waits, the one whose removals wait for
//! a person. What is still to be taken away is for whoever stops them to ask for again.

use crate::domain::ids::ConnectionId;
use crate::domain::part::Part;
use crate::domain::sync_run::{RunState, SyncRun};
use crate::store::StoreError;

use super::Engine;
use super::approval;

/// Stops the run that works, the one that waits and the one whose removals wait. Whether there was any of the first two.
pub(super) async fn stop(engine: &Engine, id: ConnectionId) -> Result<bool, StoreError> {
    let stopped = stop_runs(engine, id).await?;
    put_away(engine, id, |_| true).await?;
    Ok(stopped)
}

/// Stops the run that works and the one that waits. Whether there was any.
pub(super) async fn stop_runs(engine: &Engine, id: ConnectionId) -> Result<bool, StoreError> {
    let Some(state) = engine.store.work_state(id).await? else {
        return Ok(false);
    };
    let mut stopped = false;
    for run in [state.running_run, state.waiting_run].into_iter().flatten() {
        if let Some(run) = engine.store.run(id, run).await?
            && !run.state.is_final()
        {
            approval::stop(engine, run).await?;
            stopped = true;
        }
    }
    Ok(stopped)
}

/// Ends the run whose removals wait, if they are of a part that was switched: what would be held now is something else.
pub(super) async fn put_away(
    engine: &Engine,
    id: ConnectionId,
    switched: impl Fn(Part) -> bool,
) -> Result<(), StoreError> {
    let Some(mut run) = held_run(engine, id).await? else {
        return Ok(());
    };
    if !concerns(&run, switched) {
        return Ok(());
    }
    run.state = RunState::Cancelled;
    run.finished_at = Some(engine.clock.now());
    run.error = Some("a part or the connection was switched on or off meanwhile".to_owned());
    engine.store.put_new_run(&run).await?;
    engine.store.ask_for_alerts(id, engine.clock.now()).await;
    Ok(())
}

/// Of removals whose parts are not known any part may be.
fn concerns(held: &SyncRun, switched: impl Fn(Part) -> bool) -> bool {
    let Some(held) = &held.held else { return true };
    held.by_part.is_empty() || held.by_part.keys().any(|part| switched(part.part()))
}

/// The run whose removals wait for a person.
pub(super) async fn held_run(engine: &Engine, id: ConnectionId) -> Result<Option<SyncRun>, StoreError> {
    match engine.store.work_state(id).await? {
        Some(state) => engine.store.waiting_for_approval(id, &state).await,
        None => Ok(None),
    }
}
