//! A person's word on a run: approve or reject what is held, or stop it.

use std::time::Duration;

use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::operation_record::OutcomeKind;
use crate::domain::sync_run::{Held, RunMode, RunState, SyncRun, Trigger, Verdict};
use crate::store::StoreError;

use super::Engine;
use super::hold::{all_lines, held};
use super::judge::{JudgeError, judge_again};
use super::request::hint;

/// How long a held plan may be approved: older ones were decided on by somebody who saw another world.
const APPROVABLE_FOR: Duration = Duration::from_hours(24);

/// Why a person's word was not taken.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    /// There is no such run.
    #[error("there is no such run")]
    NoSuchRun,
    /// Its removals do not wait.
    #[error("this run holds nothing")]
    NotHeld,
    /// Nothing more will happen in it.
    #[error("this run is over")]
    AlreadyOver,
    /// What would be removed now is something else; that is held in its place.
    #[error("the sources changed since: {because}")]
    Changed {
        /// What is held now, or that nothing is.
        because: String,
    },
    /// The connection does not run at present.
    #[error("the connection does not sync in its present status")]
    NotRunning,
    /// Another run waits and must go first.
    #[error("another run is waiting; approve again when it has ended")]
    AnotherWaits,
    /// A side could not be read.
    #[error("the sources could not be read again")]
    Judge(#[source] JudgeError),
    /// The table could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Has exactly the held removals carried out.
pub async fn approve(engine: &Engine, connection: ConnectionId, id: SyncRunId) -> Result<(), VerdictError> {
    let (mut run, waiting) = held_run(engine, connection, id).await?;
    let stored = engine
        .store
        .connection(connection)
        .await?
        .ok_or(VerdictError::NoSuchRun)?;
    if !stored.value.may_run() {
        return Err(VerdictError::NotRunning);
    }
    let now = engine.clock.now();
    let judged = judge_again(engine, &stored.value, &run)
        .await
        .map_err(VerdictError::Judge)?;
    let too_old = now.duration_since(waiting.since)
        > jiff::SignedDuration::try_from(APPROVABLE_FOR).unwrap_or_default();
    let Some(present) = held(&judged, now) else {
        return settle(engine, run, "nothing waits for an approval any more").await;
    };
    if present.removals != waiting.removals || too_old {
        let because = format!("{} removals are held now; look at them again", present.count);
        run.held = Some(present);
        let lines: Vec<_> = all_lines(&judged).cloned().collect();
        engine.store.put_held(connection, id, &lines).await?;
        engine.store.put_new_run(&run).await?;
        return Err(VerdictError::Changed { because });
    }
    run.held = Some(Held {
        verdict: Some(Verdict::Approved),
        ..waiting
    });
    run.state = RunState::Queued;
    run.request.mode = RunMode::Full;
    match engine.store.request_run(&run, now).await {
        Ok(waiting_id) if waiting_id == id => {}
        Ok(_) | Err(StoreError::Conflict { .. }) => return Err(VerdictError::AnotherWaits),
        Err(error) => return Err(error.into()),
    }
    hint(engine, connection, Trigger::Manual, Some(id)).await;
    engine.store.ask_for_alerts(connection, now).await;
    Ok(())
}

/// The sources need no approval any more: the run ends as it stands.
async fn settle(engine: &Engine, mut run: SyncRun, because: &str) -> Result<(), VerdictError> {
    end(engine, &mut run).await?;
    Err(VerdictError::Changed {
        because: because.to_owned(),
    })
}

/// Keeps what is held; the run ends.
pub async fn reject(engine: &Engine, connection: ConnectionId, id: SyncRunId) -> Result<(), VerdictError> {
    let (mut run, waiting) = held_run(engine, connection, id).await?;
    let mut records = engine.store.held(connection, id).await?;
    for record in &mut records {
        record.at = engine.clock.now();
        record.outcome = OutcomeKind::Rejected;
    }
    engine.store.append_records(connection, &records).await?;
    engine.store.put_held(connection, id, &[]).await?;
    run.held = Some(Held {
        verdict: Some(Verdict::Rejected),
        ..waiting
    });
    call_off(engine, connection).await?;
    end(engine, &mut run).await?;
    Ok(())
}

/// Whoever keeps what was to be taken away calls the whole of it off: paused stays paused, disabled stays disabled, and
/// who was to be disconnected is disabled.
async fn call_off(engine: &Engine, connection: ConnectionId) -> Result<(), StoreError> {
    let Some(mut stored) = engine.store.connection(connection).await? else {
        return Ok(());
    };
    if stored.value.teardown.take().is_none() {
        return Ok(());
    }
    engine.store.save_connection(&stored).await.map(|_| ())
}

/// Stops a run: at once if it waits, after the operations under way if it runs.
pub async fn cancel(engine: &Engine, connection: ConnectionId, id: SyncRunId) -> Result<(), VerdictError> {
    let run = engine
        .store
        .run(connection, id)
        .await?
        .ok_or(VerdictError::NoSuchRun)?;
    match run.state {
        RunState::Queued | RunState::Reading | RunState::Planning | RunState::Applying => {
            // First, so that the run does not end with removals that would then be tried again.
            if !run.request.dry_run && run.request.user.is_none() {
                call_off(engine, connection).await?;
            }
            Ok(stop(engine, run).await?)
        }
        RunState::Held => reject(engine, connection, id).await,
        RunState::Succeeded | RunState::PartlyFailed | RunState::Failed | RunState::Cancelled => {
            Err(VerdictError::AlreadyOver)
        }
    }
}

/// Ends a run that waits, and has one that works end soon. One that is over stays as it is.
pub(super) async fn stop(engine: &Engine, mut run: SyncRun) -> Result<(), StoreError> {
    let (connection, id) = (run.connection, run.id);
    if run.state == RunState::Queued {
        run.state = RunState::Cancelled;
        run.finished_at = Some(engine.clock.now());
        engine.store.put_new_run(&run).await?;
    }
    engine.store.request_cancel(connection, id).await.map(|_| ())
}

async fn held_run(
    engine: &Engine,
    connection: ConnectionId,
    id: SyncRunId,
) -> Result<(SyncRun, Held), VerdictError> {
    let run = engine
        .store
        .run(connection, id)
        .await?
        .ok_or(VerdictError::NoSuchRun)?;
    match (&run.state, run.held.clone()) {
        (RunState::Held, Some(held)) => Ok((run, held)),
        (state, _) if state.is_final() => Err(VerdictError::AlreadyOver),
        _ => Err(VerdictError::NotHeld),
    }
}

async fn end(engine: &Engine, run: &mut SyncRun) -> Result<(), StoreError> {
    run.state = if run.counts().failed > 0 {
        RunState::PartlyFailed
    } else {
        RunState::Succeeded
    };
    let now = engine.clock.now();
    run.finished_at = Some(now);
    engine.store.put_new_run(run).await?;
    engine.store.ask_for_alerts(run.connection, now).await;
    Ok(())
}
