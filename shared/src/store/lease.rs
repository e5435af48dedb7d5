//! The lease: one worker per connection at a time. Its fence grows with every lease, and every write of a run is bound to
//! it, so that a worker which lost its lease without noticing can do no harm.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::item::{nanos, number};
use super::keys::Key;
use super::patience::Patience;
use super::state_row::{Change, ProblemRow, StateRow, earlier, held_by};
use super::work::{ManagedCounts, nanos_after};
use super::write::{Expression, Written};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::sync_run::{SyncPart, SyncRun};

/// The right to work on a connection, until another gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which connection.
    pub connection: ConnectionId,
    /// Who works.
    pub owner: String,
    /// Grows with every lease of the connection.
    pub fence: u64,
}

/// How the work under a lease ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// When to go on, beside the schedule: for a continuation, or another try over everything.
    pub due_at: Option<Timestamp>,
    /// When the schedule wants the next run, once it has the one that it wanted before.
    pub next_scheduled_at: Option<Timestamp>,
    /// After a run over everything, when that began: whatever wanted one until then has got it. `None`: it still wants one.
    pub answered_until: Option<Timestamp>,
    /// Set if the run was good.
    pub good: Option<GoodRun>,
    /// The run.
    pub run: SyncRunId,
    /// `None` keeps which run is held, `Some` replaces it.
    pub held_run: Option<Option<SyncRunId>>,
    /// How many objects are managed now.
    pub counts: ManagedCounts,
    /// `None` keeps which parts could not be done and why, `Some` replaces it.
    pub problems: Option<BTreeMap<SyncPart, String>>,
    /// What the run says of how the connection is doing.
    pub outcome: RunOutcome,
    /// Whether changes may start a run again before somebody acts.
    pub halted: bool,
    /// Whether the same run goes on with the next lease.
    pub continues: bool,
}

/// How a run ended, as far as it tells how a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// It failed.
    Failed,
    /// It went well.
    Good,
    /// It goes on, was called off, wrote nothing, or was about one person.
    SaysNothing,
}

/// What is remembered of a good run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodRun {
    /// When it ended.
    pub at: Timestamp,
    /// How many objects were managed then.
    pub managed: ManagedCounts,
}

impl Store {
    /// The lease, unless another owner has it or there is no such connection. The owner that has it gets the same one again.
    pub async fn acquire_lease(
        &self,
        connection: ConnectionId,
        owner: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let lease = self.change_state(connection, "taking the lease", |state| {
            if state.lease_owner.as_deref() == Some(owner) {
                state.lease_until = Some(nanos_after(now, ttl));
                return Change::Write(Some(state.fence));
            }
            let until = state.lease_until.unwrap_or(i64::MIN);
            if state.lease_owner.is_some() && until > nanos(now) {
                return Change::Keep(None);
            }
            give(state, owner, nanos_after(now, ttl));
            Change::Write(Some(state.fence))
        });
        Ok(lease.await?.flatten().map(|fence| Lease {
            connection,
            owner: owner.to_owned(),
            fence,
        }))
    }

    /// Keeps the lease for another while; `false`: it is lost.
    pub async fn renew_lease(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        // Nothing of what is stored decides beside the lease itself, so this needs no read; and done twice it does no more.
        // The mark stays the last writer's, who may still be asking whether its own write arrived.
        let update = Expression::new("SET lease_until = :until, rev = rev + :one")
            .with(":until", number(nanos_after(now, ttl)))
            .with(":one", number(1));
        let written = self
            .update_if(
                &Key::state(lease.connection),
                update,
                held_by(lease),
                "renewing the lease",
            )
            .await?;
        Ok(matches!(written, Written::Yes))
    }

    /// Ends the work and gives the lease back. [`StoreError::Conflict`]: it was lost, and all stays as the new holder has it.
    pub async fn finish(&self, lease: &Lease, finish: Finish) -> Result<(), StoreError> {
        self.finish_with(lease, finish, Vec::new()).await
    }

    /// The same together with the run as it ended: both or none.
    pub async fn finish_run(&self, lease: &Lease, finish: Finish, run: &SyncRun) -> Result<(), StoreError> {
        let run = self.run_in(run)?;
        self.finish_with(lease, finish, vec![run]).await
    }

    pub(super) async fn finish_with(
        &self,
        lease: &Lease,
        finish: Finish,
        others: Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "ending a run";
        let mut patience = Patience::default();
        loop {
            let state = self.state_row(lease.connection, DOING).await?;
            let mut state = state.ok_or(StoreError::Missing { doing: DOING })?;
            if !state.is_held_by(&lease.owner, lease.fence) {
                // Given back with this very run: an earlier call of this whose answer was lost.
                let done = state.lease_owner.is_none()
                    && state.fence == lease.fence
                    && state.last_run == Some(finish.run);
                return done.then_some(()).ok_or(StoreError::Conflict { doing: DOING });
            }
            end(&mut state, &finish);
            if self
                .write_state(lease.connection, state, others.clone(), DOING)
                .await?
            {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict { doing: DOING });
            }
        }
    }

    /// Gives the lease back without having run anything; what was due is due again. Repeating is safe, and so is calling it late.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let released = self.change_state(lease.connection, "giving the lease back", |state| {
            if !state.is_held_by(&lease.owner, lease.fence) {
                return Change::Keep(());
            }
            state.wake_at = earlier(state.wake_at, state.taken_at.take());
            state.asked_at = state.asked_at.filter(|_| state.waiting_run.is_some());
            state.lease_owner = None;
            state.lease_until = None;
            Change::Write(())
        });
        released.await.map(|_| ())
    }
}

fn give(state: &mut StateRow, owner: &str, until: i64) {
    state.fence = state.fence.saturating_add(1);
    state.lease_owner = Some(owner.to_owned());
    state.lease_until = Some(until);
    // What a dead holder had taken up is still to be done.
    state.taken_at = earlier(state.taken_at, state.wake_at.take());
}

fn end(state: &mut StateRow, finish: &Finish) {
    let Finish {
        due_at,
        next_scheduled_at,
        answered_until,
        good,
        run,
        held_run,
        counts,
        problems,
        outcome,
        halted,
        continues,
    } = finish;
    state.waiting_run = state.waiting_run.filter(|waiting| waiting != run);
    state.halted = *halted;
    let (goes_on, retry) = if *continues {
        (*due_at, None)
    } else {
        (None, *due_at)
    };
    let still_waits = state.asked_at.filter(|_| state.waiting_run.is_some());
    state.asked_at = earlier(still_waits, goes_on.map(nanos));
    let still_wanted = state.taken_at.take().filter(|_| answered_until.is_none());
    state.wake_at = earlier(earlier(state.wake_at, still_wanted), retry.map(nanos));
    state.next_scheduled_at = next_scheduled_at.map(|next| {
        let open = |at: &i64| answered_until.is_none_or(|until| *at > nanos(until));
        state.next_scheduled_at.filter(open).unwrap_or(nanos(next))
    });
    if let Some(good) = good {
        state.last_good_run_at = Some(nanos(good.at));
        state.last_good_managed = Some(good.managed.extensions);
        (state.last_good_groups, state.last_good_contacts) = (good.managed.groups, good.managed.contacts);
    }
    if let Some(held) = held_run {
        state.held_run = *held;
    }
    if let Some(problems) = problems {
        state.problems = ProblemRow::of(problems);
    }
    state.running_run = continues.then_some(*run);
    state.running_fence = None;
    state.last_run = Some(*run);
    state.failures_in_row = match outcome {
        RunOutcome::Failed => state.failures_in_row.saturating_add(1),
        RunOutcome::Good => 0,
        RunOutcome::SaysNothing => state.failures_in_row,
    };
    (state.extensions, state.groups, state.contacts) = (counts.extensions, counts.groups, counts.contacts);
    state.lease_owner = None;
    state.lease_until = None;
}
