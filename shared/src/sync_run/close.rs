//! The end of a run: what the work state, the changes that wait, the connection's status and its alerts learn of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use super::conduct::{self, Conducted};
use super::failure::back_off;
use super::lifecycle::next_scheduled;
use super::measure::Stretch;
use super::request::hint;
use super::run::RunError;
use super::status::set_status;
use super::teardown::{self, After};
use crate::domain::alert::LEAST_PATIENCE;
use crate::domain::connection::{Connection, ConnectionStatus};
use crate::domain::ids::SyncRunId;
use crate::domain::sync_run::{RunMode, RunState, SyncPart, SyncRun, Trigger};
use crate::store::{
    Finish, GoodRun, Lease, ManagedCounts, RunOutcome, Settled, StoreError, Versioned, WorkState,
};

/// A run's end is written well within this.
const ALERTS_IN_ANY_CASE: Duration = Duration::from_mins(2);

/// Writes the end of the run, of the work state and, where it changed, of the connection's status.
pub(super) async fn close(
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
    let mut finish = decide(&mut run, state, &conducted, (now, next));
    stretch.tell(&run, now);
    if !run.request.dry_run {
        let judged = (&run, &conducted, state);
        set_status(engine, connection, settings.as_ref(), judged).await?;
        settle(engine, lease, &run, &conducted).await?;
    }
    let is_news = is_news((&before, state), &run, &conducted, now);
    if is_news {
        // In case that this process dies before it asks again, below: then what ended is seen a little later.
        engine
            .store
            .ask_for_alerts(lease.connection, now + ALERTS_IN_ANY_CASE)
            .await;
    }
    match teardown::after(engine, &before, &run, &conducted.end).await? {
        After::Nothing => engine.store.finish_run(lease, finish, &run).await?,
        After::Again => {
            finish.due_at = Some(now + back_off(1));
            engine.store.finish_run(lease, finish, &run).await?;
        }
        After::Over(connection) => {
            if connection.value.status == ConnectionStatus::Disconnected {
                // Whatever stays on the PBX is nobody's of ours any more.
                finish.counts = ManagedCounts::default();
            }
            let store = &engine.store;
            store.finish_teardown(lease, finish, &run, &connection).await?;
        }
    }
    if is_news {
        engine.store.ask_for_alerts(lease.connection, now).await;
    }
    if matches!(conducted.end, conduct::End::OutOfTime) {
        hint(engine, lease.connection, Trigger::Continuation, Some(run.id)).await;
    }
    Ok(())
}

/// What the work state learns of the end, and the run's own last words.
fn decide(
    run: &mut SyncRun,
    state: &WorkState,
    conducted: &Conducted,
    (now, next): (Timestamp, Option<Timestamp>),
) -> Finish {
    let counts = conducted.counts.unwrap_or(state.counts);
    let everybody = is_about_everybody(run);
    let mut finish = Finish {
        next_scheduled_at: next,
        answered_until: answered_until(run),
        counts,
        ..uneventful(run.id, state)
    };
    match &conducted.end {
        conduct::End::OutOfTime => {
            run.request.trigger = Trigger::Continuation;
            finish.continues = true;
            finish.due_at = Some(now);
            finish.answered_until = None;
        }
        conduct::End::Held => {
            finish.held_run = Some(Some(run.id));
            finish.outcome = good_of(run, conducted);
            finish.halted = false;
        }
        conduct::End::Cancelled => run.state = RunState::Cancelled,
        conduct::End::Failed(failure) => {
            run.state = RunState::Failed;
            run.error = Some(failure.sentence.clone());
            if failure.must_not_repeat {
                // Somebody has to change something first; that sets the next time anew.
                finish.next_scheduled_at = None;
                finish.answered_until = Some(now);
                finish.halted = true;
            }
            if everybody {
                finish.outcome = RunOutcome::Failed;
                finish.due_at = (!failure.must_not_repeat).then(|| next_try(state, now));
            }
        }
        conduct::End::Done => {
            run.state = done_state(run);
            finish.outcome = good_of(run, conducted);
            finish.halted = false;
        }
    }
    if let (conduct::End::Done | conduct::End::Held, Some(trouble)) = (&conducted.end, &conducted.trouble)
        && everybody
        && !trouble.can_wait
    {
        finish.outcome = RunOutcome::Failed;
        finish.due_at = Some(next_try(state, now));
    }
    if everybody && !finish.continues {
        finish.problems = Some(problems_after(run, state, conducted));
    }
    if !matches!(conducted.end, conduct::End::OutOfTime | conduct::End::Held) {
        run.finished_at = Some(now);
    }
    if everybody && matches!(conducted.end, conduct::End::Done | conduct::End::Held) {
        finish.good = conducted.counts.map(|counts| GoodRun {
            at: now,
            managed: counts,
        });
    }
    finish
}

/// Of what a run did not get to, it tells nothing.
fn good_of(run: &SyncRun, conducted: &Conducted) -> RunOutcome {
    if is_about_everybody(run) && conducted.undone.is_empty() {
        RunOutcome::Good
    } else {
        RunOutcome::SaysNothing
    }
}

fn next_try(state: &WorkState, now: Timestamp) -> Timestamp {
    now + back_off(state.failures_in_row + 1)
}

/// What keeps parts from being done: as this run found, and for those that it did not get to as an earlier one did.
fn problems_after(run: &SyncRun, state: &WorkState, conducted: &Conducted) -> BTreeMap<SyncPart, String> {
    let mut problems = state.problems.clone();
    problems.retain(|part, _| conducted.undone.contains(part));
    problems.extend(run.problems.clone());
    problems
}

/// Where a run is one over everything, when it began: that is what the schedule and retries want.
pub(super) fn answered_until(run: &SyncRun) -> Option<Timestamp> {
    let over_everything = is_about_everybody(run) && run.request.mode == RunMode::Full;
    run.started_at.filter(|_| over_everything)
}

/// Whether a run that ended so gives cause for an alert, or for telling that one is over.
fn is_news(
    (connection, state): (&Connection, &WorkState),
    run: &SyncRun,
    conducted: &Conducted,
    now: Timestamp,
) -> bool {
    match conducted.end {
        conduct::End::OutOfTime | conduct::End::Cancelled => false,
        conduct::End::Held | conduct::End::Failed(_) => true,
        conduct::End::Done => {
            is_about_everybody(run) && !(was_well(connection, state, now) && conducted.trouble.is_none())
        }
    }
}

/// Whether nothing of the runs before gives cause for an alert, or for telling that one is over.
fn was_well(connection: &Connection, state: &WorkState, now: Timestamp) -> bool {
    // The first good run begins the time within which the next one is expected; after a longer one it was missed.
    let expected = state
        .last_good_run_at
        .is_some_and(|at| now.duration_since(at) < LEAST_PATIENCE);
    state.failures_in_row == 0 && expected && connection.status == ConnectionStatus::Connected
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
pub(super) fn uneventful(run: SyncRunId, state: &WorkState) -> Finish {
    Finish {
        due_at: None,
        next_scheduled_at: None,
        answered_until: None,
        good: None,
        run,
        held_run: None,
        counts: state.counts,
        problems: None,
        outcome: RunOutcome::SaysNothing,
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
