//! One message of the sync queue: takes the lease, runs what is due, leaves the connection in order.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{Instrument as _, Span, field};
use uuid::Uuid;

use crate::calls::counted;
use crate::deadline::Deadline;
use crate::domain::alert::LEAST_PATIENCE;
use crate::domain::change::Changes;
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::operation_record::ObjectKind;
use crate::domain::permissions::CONTACTS;
use crate::domain::schedule::next_run;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{RunMode, RunRequest, RunState, SyncPart, SyncRun, Trigger};
use crate::ports::{PermissionName, SideError, SyncHint};
use crate::store::{Finish, GoodRun, Lease, Settled, StoreError, Versioned, WorkState};

use super::Engine;
use super::conduct::{self, Conducted};
use super::consent::{LackError, lacking};
use super::failure::{RunFailure, back_off};
use super::lease::{LEASE_TTL, while_held};
use super::lifecycle::next_scheduled;
use super::measure::Stretch;
use super::request::hint;
use super::teardown::{self, After};

/// A run's end is written well within this.
const ALERTS_IN_ANY_CASE: Duration = Duration::from_mins(2);

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
    let (trigger, mode) = if state.due_at.is_some_and(|due| due <= now) {
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
        ..uneventful(run.id, state)
    };
    engine.store.finish_run(lease, finish, &run).await?;
    Ok(RunEnd::Finished(run.id))
}

/// Writes the end of the run, of the work state and, where it changed, of the connection's status.
async fn close(
    engine: &Engine,
    lease: &Lease,
    connection: Versioned<Connection>,
    (mut run, stretch): (SyncRun, Stretch),
    state: &WorkState,
    conducted: Conducted,
) -> Result<(), RunError> {
    let now = engine.clock.now();
    let before = connection.value.clone();
    let settings = engine
        .store
        .settings(lease.connection)
        .await?
        .map(|settings| settings.value);
    let next = settings
        .as_ref()
        .and_then(|settings| next_scheduled(&before, settings, now));
    let counts = conducted.counts.unwrap_or(state.counts);
    let mut finish = Finish {
        next_scheduled_at: next,
        counts,
        ..uneventful(run.id, state)
    };
    match &conducted.end {
        conduct::End::OutOfTime => {
            run.request.trigger = Trigger::Continuation;
            finish.continues = true;
            finish.due_at = Some(now);
        }
        conduct::End::Held => {
            finish.held_run = Some(Some(run.id));
            finish.halted = false;
        }
        conduct::End::Cancelled => run.state = RunState::Cancelled,
        conduct::End::Failed(failure) => {
            run.state = RunState::Failed;
            run.error = Some(failure.sentence.clone());
            finish.failed = true;
            if failure.must_not_repeat {
                // Somebody has to change something first; that sets the next time anew.
                finish.next_scheduled_at = None;
                finish.halted = true;
            } else {
                finish.due_at = Some(now + back_off(state.failures_in_row + 1));
            }
        }
        conduct::End::Done => {
            run.state = done_state(&run);
            finish.halted = false;
        }
    }
    if let (conduct::End::Done | conduct::End::Held, Some(trouble)) = (&conducted.end, &conducted.trouble)
        && !trouble.can_wait
    {
        finish.failed = true;
        finish.due_at = Some(now + back_off(state.failures_in_row + 1));
    }
    if is_about_everybody(&run) {
        finish.problems = Some(run.problems.clone());
    }
    if !matches!(conducted.end, conduct::End::OutOfTime | conduct::End::Held) {
        run.finished_at = Some(now);
    }
    if matches!(conducted.end, conduct::End::Done | conduct::End::Held) && !run.request.dry_run {
        finish.good = conducted.counts.map(|counts| GoodRun {
            at: now,
            managed: counts,
        });
    }
    stretch.tell(&run, now);
    if !run.request.dry_run {
        set_status(engine, connection, settings.as_ref(), (&run, &conducted)).await?;
        settle(engine, lease, &run, &conducted).await?;
    }
    let is_news = !was_well(&before, state, now) || !went_well(&conducted);
    if is_news {
        // In case that this process dies before it asks again, below: then what ended is seen a little later.
        engine
            .store
            .alerts_soon(lease.connection, now + ALERTS_IN_ANY_CASE)
            .await?;
    }
    match teardown::after(engine, &before, &run, &conducted.end).await? {
        After::Nothing => engine.store.finish_run(lease, finish, &run).await?,
        After::Again => {
            finish.due_at = Some(now + back_off(1));
            engine.store.finish_run(lease, finish, &run).await?;
        }
        After::Over(connection) => {
            let store = &engine.store;
            store.finish_teardown(lease, finish, &run, &connection).await?;
        }
    }
    if is_news {
        engine.store.alerts_soon(lease.connection, now).await?;
    }
    if matches!(conducted.end, conduct::End::OutOfTime) {
        hint(engine, lease.connection, Trigger::Continuation, Some(run.id)).await;
    }
    Ok(())
}

/// Whether nothing of the runs before gives cause for an alert, or for telling that one is over.
fn was_well(connection: &Connection, state: &WorkState, now: Timestamp) -> bool {
    let calm = state.failures_in_row == 0 && state.held_run.is_none();
    // The first good run begins the time within which the next one is expected; after a longer one it was missed.
    let expected = state
        .last_good_run_at
        .is_some_and(|at| now.duration_since(at) < LEAST_PATIENCE);
    calm && expected && connection.status == ConnectionStatus::Connected
}

fn went_well(conducted: &Conducted) -> bool {
    matches!(conducted.end, conduct::End::Done) && conducted.trouble.is_none()
}

/// Changes that the run took up are in step, or wait again: with the next try after a failure, soon where single objects
/// failed, and in the hands of the run that goes on.
async fn settle(
    engine: &Engine,
    lease: &Lease,
    run: &SyncRun,
    conducted: &Conducted,
) -> Result<(), StoreError> {
    if run.request.user.is_some() || matches!(conducted.end, conduct::End::OutOfTime) {
        return Ok(());
    }
    let how = if conducted.whole {
        Settled::Done
    } else {
        Settled::Again(engine.clock.now() + back_off(1))
    };
    engine.store.settle_pending(lease, how).await
}

/// The end of a run after which everything is as it was.
fn uneventful(run: SyncRunId, state: &WorkState) -> Finish {
    Finish {
        due_at: None,
        next_scheduled_at: None,
        good: None,
        run,
        held_run: None,
        counts: state.counts,
        problems: None,
        failed: false,
        halted: state.halted,
        continues: false,
    }
}

/// Neither a look nor a single person tells how the connection is doing.
fn is_about_everybody(run: &SyncRun) -> bool {
    !run.request.dry_run && run.request.user.is_none()
}

fn done_state(run: &SyncRun) -> RunState {
    if run.counts().failed > 0 || !run.problems.is_empty() {
        RunState::PartlyFailed
    } else {
        RunState::Succeeded
    }
}

/// A failure that lasts is shown on the connection; the first success clears it, unless a part that this run did not need
/// lacks something.
async fn set_status(
    engine: &Engine,
    mut connection: Versioned<Connection>,
    settings: Option<&ConnectionSettings>,
    (run, conducted): (&SyncRun, &Conducted),
) -> Result<(), StoreError> {
    // A run that takes away what a disabled connection leaves behind switches nothing on.
    if !connection.value.status.may_run() {
        return Ok(());
    }
    let failure = match &conducted.end {
        conduct::End::Failed(failure) => Some(failure),
        conduct::End::Done | conduct::End::Held => conducted.trouble.as_ref(),
        conduct::End::OutOfTime | conduct::End::Cancelled => None,
    };
    let status = match (&conducted.end, failure) {
        (
            _,
            Some(RunFailure {
                sentence,
                needs_attention: true,
                ..
            }),
        ) => ConnectionStatus::NeedsAttention {
            reason: sentence.clone(),
        },
        (conduct::End::Done | conduct::End::Held, _) => match settings {
            Some(settings) => recovered(engine, &connection.value, settings, run).await?,
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    if connection.value.status == status {
        return Ok(());
    }
    connection.value.status = status;
    match engine.store.save_connection(&connection).await {
        // An admin changed the connection meanwhile; their word counts, and the next run judges again.
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The status after a good run. What was well stays well without a question.
async fn recovered(
    engine: &Engine,
    connection: &Connection,
    settings: &ConnectionSettings,
    run: &SyncRun,
) -> Result<ConnectionStatus, StoreError> {
    if connection.status == ConnectionStatus::Connected {
        return Ok(ConnectionStatus::Connected);
    }
    let Some(secrets) = engine.store.secrets(connection.id).await? else {
        return Ok(connection.status.clone());
    };
    let Ok(sides) = engine.sides.sides(connection, &secrets) else {
        return Ok(connection.status.clone());
    };
    let found = lacking(&engine.store, sides.directory.as_ref(), connection.id, settings);
    match found.await {
        Ok(lack) => Ok(lack
            .but(proven_by(run))
            .sentence()
            .map_or(ConnectionStatus::Connected, |reason| {
                ConnectionStatus::NeedsAttention { reason }
            })),
        Err(LackError::Store(error)) => Err(error),
        // The next run asks again.
        Err(LackError::Directory(_)) => Ok(connection.status.clone()),
    }
}

/// Permissions without which the run would have gone otherwise, whatever a single question says of them: where Exchange
/// lets the app into some mailboxes only, the question may be about one of the others.
fn proven_by(run: &SyncRun) -> &'static [PermissionName] {
    let read_contacts = run.counts_by_object.contains_key(&ObjectKind::Contact);
    if read_contacts && !run.problems.contains_key(&SyncPart::Contacts) {
        &[CONTACTS]
    } else {
        &[]
    }
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
