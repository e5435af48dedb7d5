//! One message of the sync queue: takes the lease, runs what is due, leaves the connection in order.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

use crate::calls::counted;
use crate::deadline::Deadline;
use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::schedule::next_run;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{RunMode, RunRequest, RunState, SyncRun, Trigger};
use crate::ports::{SideError, SyncHint};
use crate::store::{Finish, Lease, StoreError, WorkState};

use super::Engine;
use super::close::{answered_until, close, uneventful};
use super::conduct;
use super::failure::back_off;
use super::lease::{LEASE_TTL, while_held};
use super::lifecycle::next_scheduled;
use super::measure::Stretch;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Somebody else was faster, or there is no such connection any more.
    NothingDue,
    /// A run of this connection is under way; what is due stays due.
    HeldByAnother,
    /// The run is over, or its removals wait for a person.
    Finished(SyncRunId),
    /// The time was over; the run goes on with the next message.
    Continues(SyncRunId),
}

/// The message could not be dealt with and should come again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection's settings make no client.
    #[error("the connection cannot be used: {0}")]
    Sides(#[from] SideError),
    /// Another run took the connection over.
    #[error("the lease of this run was lost")]
    LeaseLost,
}

/// Runs what is due of one connection, until `deadline` at the latest. Every line that is logged meanwhile names the
/// connection, and the run once it is known.
pub async fn run_due(engine: &Engine, message: &SyncHint, deadline: &Deadline) -> Result<RunEnd, RunError> {
    let connection = message.connection_id;
    // Of the highest level, so that no filter that lets a line through takes its ids away.
    let span = tracing::error_span!("run", connection.id = %connection, sync_run.id = field::Empty);
    // Boxed: the whole run is in it.
    let work = Box::pin(follow(engine, connection, deadline));
    counted(work).instrument(span).await
}

async fn follow(engine: &Engine, connection: ConnectionId, deadline: &Deadline) -> Result<RunEnd, RunError> {
    if !is_due(engine, connection).await? {
        return Ok(RunEnd::NothingDue);
    }
    let owner = Uuid::new_v4().to_string();
    let now = engine.clock.now();
    let Some(lease) = engine
        .store
        .acquire_lease(connection, &owner, now, LEASE_TTL)
        .await?
    else {
        return Ok(RunEnd::HeldByAnother);
    };
    // Boxed, too: the run and its lease are watched side by side.
    let work = Box::pin(under_lease(engine, &lease, deadline));
    while_held(&engine.store, engine.clock.as_ref(), &lease, work)
        .await
        .map_err(|_| RunError::LeaseLost)?
}

async fn is_due(engine: &Engine, connection: ConnectionId) -> Result<bool, StoreError> {
    let Some(state) = engine.store.work_state(connection).await? else {
        // Nothing of a deleted connection may stay due.
        engine.store.drop_pending(connection).await?;
        return Ok(false);
    };
    let now = engine.clock.now();
    if state.due_at.is_some_and(|due| due <= now) {
        return Ok(true);
    }
    changes_are_due(engine, connection, &state).await
}

/// Whether changes ask for a run. While somebody has to act first they wait without asking.
async fn changes_are_due(
    engine: &Engine,
    connection: ConnectionId,
    state: &WorkState,
) -> Result<bool, StoreError> {
    let pending = engine.store.pending(connection).await?;
    let due = pending.due_at.is_some_and(|due| due <= engine.clock.now());
    if due && state.halted {
        engine.store.rest_pending(connection).await?;
        return Ok(false);
    }
    Ok(due)
}

async fn under_lease(engine: &Engine, lease: &Lease, deadline: &Deadline) -> Result<RunEnd, RunError> {
    let Some(connection) = engine.store.connection(lease.connection).await? else {
        engine.store.release_lease(lease).await?;
        return Ok(RunEnd::NothingDue);
    };
    let state = engine
        .store
        .work_state(lease.connection)
        .await?
        .unwrap_or_default();
    let Some(mut run) = pick(engine, lease, &connection.value, &state).await? else {
        return nothing_to_run(engine, lease, &connection.value).await;
    };
    Span::current().record("sync_run.id", field::display(run.id));
    if !connection.value.may_run() || run.cancel_requested || run.state.is_final() {
        return cancel(engine, lease, &connection.value, run, &state).await;
    }
    run.started_at.get_or_insert(engine.clock.now());
    let id = run.id;
    let stretch = Stretch::of(&run, engine.clock.now());
    // A look or a single person does not bring everything in step.
    let pending = if run.request.dry_run || run.request.user.is_some() {
        Changes::default()
    } else {
        engine.store.take_pending(lease).await?
    };
    let errand = conduct::Errand {
        lease,
        connection: &connection.value,
        state: &state,
        pending,
        deadline,
    };
    let conducted = conduct::conduct(engine, errand, &mut run).await?;
    close(engine, lease, connection, (run, stretch), &state, conducted).await?;
    let continues = engine
        .store
        .work_state(lease.connection)
        .await?
        .is_some_and(|s| s.running_run == Some(id));
    Ok(if continues {
        RunEnd::Continues(id)
    } else {
        RunEnd::Finished(id)
    })
}

async fn nothing_to_run(engine: &Engine, lease: &Lease, connection: &Connection) -> Result<RunEnd, RunError> {
    let store = &engine.store;
    if connection.may_run() {
        let next = next_time(engine, connection).await?;
        store.set_next_scheduled(lease.connection, next).await?;
    } else {
        // Whatever asked for work asked before the connection was switched off.
        store.rest_work(lease.connection).await?;
        store.rest_pending(lease.connection).await?;
    }
    store.release_lease(lease).await?;
    Ok(RunEnd::NothingDue)
}

/// The unfinished run, else the waiting one, else a new scheduled one if its time has come.
async fn pick(
    engine: &Engine,
    lease: &Lease,
    connection: &Connection,
    state: &WorkState,
) -> Result<Option<SyncRun>, StoreError> {
    if let Some(id) = state.running_run
        && let Some(run) = engine.store.run(lease.connection, id).await?
        && !run.state.is_final()
    {
        return Ok(Some(run));
    }
    let now = engine.clock.now();
    let scheduled = state.next_scheduled_at.is_some_and(|at| at <= now);
    if let Some(run) = engine.store.take_waiting_run(lease).await? {
        // One that was called off while it waited is only put away, unless the schedule asks for a run of its own.
        if !run.state.is_final() || !scheduled {
            return Ok(Some(run));
        }
    }
    if !connection.may_run() {
        return Ok(None);
    }
    let (trigger, mode) = if state.wanted_at.is_some_and(|at| at <= now) {
        (Trigger::Scheduled, RunMode::Full)
    } else if changes_are_due(engine, lease.connection, state).await? {
        (Trigger::Changes, RunMode::Delta)
    } else {
        return Ok(None);
    };
    let request = RunRequest {
        trigger,
        mode,
        dry_run: false,
        user: None,
    };
    let mut run = SyncRun::queued(lease.connection, request, now);
    run.state = RunState::Reading;
    run.started_at = Some(now);
    engine.store.start_run(lease, &run).await?;
    Ok(Some(run))
}

async fn cancel(
    engine: &Engine,
    lease: &Lease,
    connection: &Connection,
    mut run: SyncRun,
    state: &WorkState,
) -> Result<RunEnd, RunError> {
    let now = engine.clock.now();
    run.state = RunState::Cancelled;
    run.finished_at.get_or_insert(now);
    let finish = Finish {
        next_scheduled_at: next_time(engine, connection).await?,
        // What an admin wants taken away is not called off with a run that was asked for before.
        due_at: connection.teardown.as_ref().map(|_| now + back_off(1)),
        answered_until: answered_until(&run),
        ..uneventful(run.id, state)
    };
    engine.store.finish_run(lease, finish, &run).await?;
    Ok(RunEnd::Finished(run.id))
}

async fn next_time(engine: &Engine, connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let settings = engine.store.settings(connection.id).await?;
    Ok(settings.and_then(|settings| next_scheduled(connection, &settings.value, engine.clock.now())))
}

/// When the schedule runs next; never while no part is switched on.
pub fn scheduled_after(settings: &ConnectionSettings, now: Timestamp) -> Option<Timestamp> {
    if !settings.any_part_enabled() {
        return None;
    }
    match next_run(&settings.schedule, now) {
        Ok(next) => Some(next),
        Err(error) => {
            // Settings are checked before they are stored, so this is a zone that the time zone data dropped.
            tracing::error!(error = %error, "the schedule cannot be followed; trying again in a day");
            Some(now + Duration::from_hours(24))
        }
    }
}
