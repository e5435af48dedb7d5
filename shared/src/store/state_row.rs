//! The work state as it is stored. Every write of it is conditional on the one that was read (`rev`), and carries a mark
//! of its own, so that a write whose answer was lost is recognised instead of taken for somebody else's.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, number, row, text};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::sync_run::SyncPart;

/// See `WorkState`; instants are nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StateRow {
    /// Counts the writes.
    pub rev: u64,
    /// Mark of the last write.
    pub mark: String,
    /// Of the last lease given; grows, and stays when the lease ends.
    pub fence: u64,
    pub lease_owner: Option<String>,
    pub lease_until: Option<i64>,
    /// Something asked for a run over everything at this time, and no lease has taken that up.
    pub wake_at: Option<i64>,
    /// The same, taken up by the present lease: forgotten when a run over everything ends, else due as before.
    pub taken_at: Option<i64>,
    pub next_scheduled_at: Option<i64>,
    /// Since when the run that waits, or the one that is to go on, is due.
    pub asked_at: Option<i64>,
    /// Key of the due index: the earliest of the four above, and its shard.
    pub due_at: Option<i64>,
    pub due_shard: Option<String>,
    pub waiting_run: Option<SyncRunId>,
    pub running_run: Option<SyncRunId>,
    /// Fence of the lease that set `running_run`.
    pub running_fence: Option<u64>,
    pub last_run: Option<SyncRunId>,
    pub last_good_run_at: Option<i64>,
    /// Extensions that the last good run left; the next two: groups, contacts.
    pub last_good_managed: Option<u64>,
    pub last_good_groups: u64,
    pub last_good_contacts: u64,
    pub held_run: Option<SyncRunId>,
    pub failures_in_row: u32,
    pub halted: bool,
    pub extensions: u64,
    pub groups: u64,
    pub contacts: u64,
    pub problems: Vec<ProblemRow>,
}

/// A part that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProblemRow {
    pub part: SyncPart,
    pub why: String,
}

impl ProblemRow {
    pub(super) fn of(problems: &BTreeMap<SyncPart, String>) -> Vec<Self> {
        let problems = problems.iter();
        problems
            .map(|(part, why)| Self {
                part: *part,
                why: why.clone(),
            })
            .collect()
    }
}

/// The earlier of two times of which either may be missing.
pub(super) fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

impl StateRow {
    pub(super) fn is_held_by(&self, owner: &str, fence: u64) -> bool {
        self.lease_owner.as_deref() == Some(owner) && self.fence == fence
    }

    /// When a run over everything is wanted.
    pub(super) fn wanted_at(&self) -> Option<i64> {
        earlier(earlier(self.wake_at, self.taken_at), self.next_scheduled_at)
    }

    fn sealed_for_write(&mut self, connection: ConnectionId) {
        self.rev = self.rev.saturating_add(1);
        self.mark = uuid::Uuid::new_v4().to_string();
        self.due_at = earlier(self.wanted_at(), self.asked_at);
        self.due_shard = self.due_at.map(|_| due_shard(connection));
    }
}

/// What a decision about the work state leads to.
pub(super) enum Change<T> {
    /// All stays as it is.
    Keep(T),
    /// The changed row is to be written.
    Write(T),
}

impl Store {
    pub(super) async fn state_row(
        &self,
        connection: ConnectionId,
        doing: &'static str,
    ) -> Result<Option<StateRow>, StoreError> {
        let item = self.get(&Key::state(connection), doing).await?;
        item.map(|item| body(item, "work state")).transpose()
    }

    /// Reads, lets `decide` change the row, writes if nobody wrote in between, else starts again. `None` without such a
    /// connection.
    pub(super) async fn change_state<T>(
        &self,
        connection: ConnectionId,
        doing: &'static str,
        mut decide: impl FnMut(&mut StateRow) -> Change<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut patience = Patience::default();
        loop {
            let Some(mut state) = self.state_row(connection, doing).await? else {
                return Ok(None);
            };
            let answer = match decide(&mut state) {
                Change::Keep(answer) => return Ok(Some(answer)),
                Change::Write(answer) => answer,
            };
            if self.write_state(connection, state, Vec::new(), doing).await? {
                return Ok(Some(answer));
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict { doing });
            }
        }
    }

    /// Writes a row that was read before, together with `others`; `false` when somebody wrote in between.
    pub(super) async fn write_state(
        &self,
        connection: ConnectionId,
        mut state: StateRow,
        mut others: Vec<TransactWriteItem>,
        doing: &'static str,
    ) -> Result<bool, StoreError> {
        let unchanged = Expression::new("rev = :rev").with(":rev", number(state.rev));
        state.sealed_for_write(connection);
        let item = row(&Key::state(connection), &state)?;
        if others.is_empty() {
            let written = self.put_if(item, unchanged, doing).await?;
            return Ok(match written {
                Written::Yes => true,
                Written::Refused(found) => found.is_some_and(|found| has_mark(&found, &state.mark)),
            });
        }
        others.push(self.put_in_if(item, unchanged));
        Ok(self.transact(others, doing).await?.is_ok())
    }

    /// The first work state of a connection.
    pub(super) fn first_state(&self, connection: ConnectionId) -> Result<TransactWriteItem, StoreError> {
        let mut state = StateRow::default();
        state.sealed_for_write(connection);
        let item = row(&Key::state(connection), &state)?;
        Ok(self.put_in_if(item, Expression::new(VACANT)))
    }

    /// Passes while the lease is the connection's: what makes a write of an older run lose.
    pub(super) fn lease_check(&self, lease: &super::Lease) -> TransactWriteItem {
        self.check_in(&Key::state(lease.connection), held_by(lease))
    }
}

/// Passes while the lease is the connection's.
pub(super) fn held_by(lease: &super::Lease) -> Expression {
    Expression::new("lease_owner = :holder AND fence = :mine")
        .with(":holder", text(&lease.owner))
        .with(":mine", number(lease.fence))
}

fn has_mark(found: &Row, mark: &str) -> bool {
    found
        .get("mark")
        .and_then(|value| value.as_s().ok())
        .is_some_and(|value| value == mark)
}
