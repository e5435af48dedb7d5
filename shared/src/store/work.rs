//! The work state of a connection: who works on it, what waits, when it is due next.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::item::{instant, nanos};
use super::state_row::{Change, StateRow, earlier};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::sync_run::SyncPart;

/// Who works on a connection, what waits, when it is due next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkState {
    /// Who works on it. May have run out.
    pub lease: Option<LeaseInfo>,
    /// When something is to be done; `None`: nothing is.
    pub due_at: Option<Timestamp>,
    /// When a run over everything is wanted, by the schedule or by whatever else asked for one.
    pub wanted_at: Option<Timestamp>,
    /// A run that waits for its turn.
    pub waiting_run: Option<SyncRunId>,
    /// The run that the holder of the lease works on, or that the last holder died on.
    pub running_run: Option<SyncRunId>,
    /// When the schedule wants the next run.
    pub next_scheduled_at: Option<Timestamp>,
    /// The last run that ended.
    pub last_run: Option<SyncRunId>,
    /// When the last good run ended.
    pub last_good_run_at: Option<Timestamp>,
    /// How many objects were managed then.
    pub last_good_managed: Option<ManagedCounts>,
    /// The run whose removals wait for a person.
    pub held_run: Option<SyncRunId>,
    /// How many runs failed since the last one that did not.
    pub failures_in_row: u32,
    /// Whether somebody must act before anything but a person's own request starts a run again.
    pub halted: bool,
    /// How many objects are managed.
    pub counts: ManagedCounts,
    /// Parts that the last run could not do, and why.
    pub problems: BTreeMap<SyncPart, String>,
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseInfo {
    /// As the holder called itself.
    pub owner: String,
    /// Until when, unless renewed.
    pub until: Timestamp,
    /// Grows with every lease of the connection.
    pub fence: u64,
}

/// How many objects a connection manages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ManagedCounts {
    /// Bound extensions.
    pub extensions: u64,
    /// Bound groups.
    pub groups: u64,
    /// Bound contacts.
    pub contacts: u64,
}

impl From<StateRow> for WorkState {
    fn from(row: StateRow) -> Self {
        let wanted_at = row.wanted_at().map(instant);
        let lease = row
            .lease_owner
            .zip(row.lease_until)
            .map(|(owner, until)| LeaseInfo {
                owner,
                until: instant(until),
                fence: row.fence,
            });
        Self {
            lease,
            due_at: row.due_at.map(instant),
            wanted_at,
            waiting_run: row.waiting_run,
            running_run: row.running_run,
            next_scheduled_at: row.next_scheduled_at.map(instant),
            last_run: row.last_run,
            last_good_run_at: row.last_good_run_at.map(instant),
            last_good_managed: row.last_good_managed.map(|extensions| ManagedCounts {
                extensions,
                groups: row.last_good_groups,
                contacts: row.last_good_contacts,
            }),
            held_run: row.held_run,
            failures_in_row: row.failures_in_row,
            halted: row.halted,
            counts: ManagedCounts {
                extensions: row.extensions,
                groups: row.groups,
                contacts: row.contacts,
            },
            problems: row
                .problems
                .into_iter()
                .map(|problem| (problem.part, problem.why))
                .collect(),
        }
    }
}

/// `now + wait` in nanoseconds, at most the end of time.
pub(super) fn nanos_after(now: Timestamp, wait: Duration) -> i64 {
    nanos(now).saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX))
}

impl Store {
    /// `None` without such a connection.
    pub async fn work_state(&self, connection: ConnectionId) -> Result<Option<WorkState>, StoreError> {
        let row = self.state_row(connection, "reading the work state").await?;
        Ok(row.map(WorkState::from))
    }

    /// Asks for a run over everything at `at`, unless one is asked for earlier already. What is asked for while a lease is
    /// held outlives it.
    pub async fn set_due(&self, connection: ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        const DOING: &str = "making a connection due";
        let changed = self.change_state(connection, DOING, |state| {
            let wanted = earlier(state.wake_at, Some(nanos(at)));
            if wanted == state.wake_at {
                return Change::Keep(());
            }
            state.wake_at = wanted;
            Change::Write(())
        });
        changed.await?.ok_or(StoreError::Missing { doing: DOING })
    }

    /// Nothing is due any more: the connection is off.
    pub async fn rest_work(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let changed = self.change_state(connection, "letting a connection rest", |state| {
            let asks = [state.wake_at, state.taken_at, state.next_scheduled_at];
            if asks.iter().all(Option::is_none) {
                return Change::Keep(());
            }
            (state.wake_at, state.taken_at, state.next_scheduled_at) = (None, None, None);
            Change::Write(())
        });
        changed.await.map(|_| ())
    }

    /// Replaces when the schedule wants the next run; what else is due stays due.
    pub async fn set_next_scheduled(
        &self,
        connection: ConnectionId,
        at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "scheduling the next run";
        let wanted = at.map(nanos);
        let changed = self.change_state(connection, DOING, |state| {
            if state.next_scheduled_at == wanted && !state.halted {
                return Change::Keep(());
            }
            state.next_scheduled_at = wanted;
            state.halted = false;
            Change::Write(())
        });
        changed.await?.ok_or(StoreError::Missing { doing: DOING })
    }
}
