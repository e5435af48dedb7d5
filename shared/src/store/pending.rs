//! Changes that wait for a run: two sets of names, those that wait and those that the present run took up. A name that comes
//! again while its run is at work waits anew, so no change is lost between a run's reading and its end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use super::error::StoreError;
use super::item::{AttributeValue, Row, body, instant, nanos, number, row, text};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::Expression;
use super::{Lease, Store};
use crate::domain::change::{ChangedObject, Changes};
use crate::domain::ids::ConnectionId;

/// So many changes wait by name; what comes beyond is only known to be there. As large as the largest threshold, so that a
/// run is due long before, and small enough for one item.
const NAMED: u32 = 1_000;

/// What waits, and what the present run took up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// Waits for a run.
    pub waiting: Changes,
    /// In the hands of the present run, or of one that died.
    pub taken: Changes,
    /// When the first of the waiting ones was noted.
    pub first_at: Option<Timestamp>,
    /// When a run is due because of them.
    pub due_at: Option<Timestamp>,
}

impl Pending {
    /// Distinct objects that changed and are not in step yet.
    pub fn count(&self) -> u64 {
        self.waiting.named.union(&self.taken.named).count() as u64
    }
}

/// When a run is due because of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Haste {
    /// The present.
    pub now: Timestamp,
    /// When a run is due for any change.
    pub due_at: Timestamp,
    /// So many waiting changes make it due now.
    pub threshold: u32,
}

/// What waits after changes were noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// How many of them had not been waiting yet.
    pub added: usize,
    /// When a run is due.
    pub due_at: Timestamp,
}

/// How a run leaves the changes that it took up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// They are in step.
    Done,
    /// They wait again, for a run at this time.
    Again(Timestamp),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct PendingRow {
    rev: u64,
    #[serde(with = "names", skip_serializing_if = "BTreeSet::is_empty")]
    ids: BTreeSet<ChangedObject>,
    unnamed: bool,
    #[serde(with = "names", skip_serializing_if = "BTreeSet::is_empty")]
    taken: BTreeSet<ChangedObject>,
    taken_unnamed: bool,
    first_at: Option<i64>,
    due_at: Option<i64>,
    due_shard: Option<String>,
}

/// As a set of strings, which the table can add to without reading it.
mod names {
    use std::collections::BTreeSet;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::change::ChangedObject;

    pub(super) fn serialize<S: Serializer>(
        value: &BTreeSet<ChangedObject>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = value.iter().map(ToString::to_string).collect();
        serde_dynamo::string_set::serialize(&texts, to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeSet<ChangedObject>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let read = |text: &String| {
            ChangedObject::parse(text).ok_or_else(|| D::Error::custom("not an object's name"))
        };
        texts.iter().map(read).collect()
    }
}

impl From<PendingRow> for Pending {
    fn from(row: PendingRow) -> Self {
        Self {
            waiting: Changes {
                named: row.ids,
                others: row.unnamed,
            },
            taken: Changes {
                named: row.taken,
                others: row.taken_unnamed,
            },
            first_at: row.first_at.map(instant),
            due_at: row.due_at.map(instant),
        }
    }
}

impl PendingRow {
    /// All that is known to have changed becomes the run's.
    fn take_up(&mut self) {
        self.taken.append(&mut self.ids);
        self.taken_unnamed |= std::mem::take(&mut self.unnamed);
        self.first_at = None;
        self.due_at = None;
        self.due_shard = None;
    }

    fn settle(&mut self, how: Settled, connection: ConnectionId) {
        let taken = std::mem::take(&mut self.taken);
        let others = std::mem::take(&mut self.taken_unnamed);
        let Settled::Again(at) = how else { return };
        if taken.is_empty() && !others {
            return;
        }
        self.ids.extend(taken);
        self.unnamed |= others;
        self.first_at.get_or_insert(nanos(at));
        self.due_at = super::state_row::earlier(self.due_at, Some(nanos(at)));
        self.due_shard = Some(due_shard(connection));
    }
}

impl Store {
    /// The changes of a connection that wait.
    pub async fn pending(&self, connection: ConnectionId) -> Result<Pending, StoreError> {
        Ok(self.pending_row(connection).await?.into())
    }

    async fn pending_row(&self, connection: ConnectionId) -> Result<PendingRow, StoreError> {
        let item = self
            .get(&Key::pending(connection), "reading pending changes")
            .await?;
        let row = item.map(|item| body(item, "pending changes")).transpose()?;
        Ok(row.unwrap_or_default())
    }

    /// Notes changes; ones that wait already count once. Repeating is safe. Once this returns, a run for them is due.
    pub async fn note_changes(
        &self,
        connection: ConnectionId,
        changes: &Changes,
        haste: Haste,
    ) -> Result<Noted, StoreError> {
        const DOING: &str = "noting changes";
        let key = Key::pending(connection);
        let room =
            Expression::new("attribute_not_exists(ids) OR size(ids) < :room").with(":room", number(NAMED));
        if let Some(before) = self
            .update_returning_old(&key, noting(connection, changes, haste), room, DOING)
            .await?
        {
            return self.hasten(connection, changes, before, haste).await;
        }
        // No room for names: that there is more is noted, and it is more than any threshold.
        let unnamed = Changes {
            named: BTreeSet::new(),
            others: true,
        };
        let anyhow = Expression::default();
        let before = self
            .update_returning_old(&key, noting(connection, &unnamed, haste), anyhow, DOING)
            .await?;
        self.hasten(connection, &unnamed, before.unwrap_or_default(), haste)
            .await
    }

    /// Where what waits now is due earlier than the row says, the row is corrected.
    async fn hasten(
        &self,
        connection: ConnectionId,
        changes: &Changes,
        before: Row,
        haste: Haste,
    ) -> Result<Noted, StoreError> {
        const DOING: &str = "making a run due for changes";
        let before: PendingRow = body(before, "pending changes")?;
        let added = changes.named.difference(&before.ids).count();
        let many = before.ids.len() + added >= haste.threshold as usize || before.unnamed || changes.others;
        let wanted = if many {
            haste.now.min(haste.due_at)
        } else {
            haste.due_at
        };
        let wanted = nanos(wanted);
        // What the row says now: it kept an earlier time if it had one.
        let due = before.due_at.unwrap_or(nanos(haste.due_at));
        if wanted < due {
            let update = Expression::new("SET due_at = :wanted ADD rev :one")
                .with(":wanted", number(wanted))
                .with(":one", number(1));
            // Taken up by a run meanwhile, or due even earlier: both are as good.
            let later = Expression::new("due_at > :wanted");
            self.update_if(&Key::pending(connection), update, later, DOING)
                .await?;
        }
        Ok(Noted {
            added,
            due_at: instant(due.min(wanted)),
        })
    }

    /// Gives what waits to the run under this lease, together with what a run before it left. [`StoreError::Conflict`]:
    /// the lease is lost.
    pub async fn take_pending(&self, lease: &Lease) -> Result<Changes, StoreError> {
        const DOING: &str = "taking up pending changes";
        let row = self
            .change_pending(lease, DOING, |row| {
                if row.ids.is_empty() && !row.unnamed {
                    return false;
                }
                row.take_up();
                true
            })
            .await?;
        Ok(Pending::from(row).taken)
    }

    /// Ends what [`Store::take_pending`] began. Repeating is safe. [`StoreError::Conflict`]: the lease is lost.
    pub async fn settle_pending(&self, lease: &Lease, how: Settled) -> Result<(), StoreError> {
        const DOING: &str = "settling pending changes";
        self.change_pending(lease, DOING, |row| {
            if row.taken.is_empty() && !row.taken_unnamed {
                return false;
            }
            row.settle(how, lease.connection);
            true
        })
        .await
        .map(|_| ())
    }

    async fn change_pending(
        &self,
        lease: &Lease,
        doing: &'static str,
        change: impl Fn(&mut PendingRow) -> bool,
    ) -> Result<PendingRow, StoreError> {
        const LEASE: usize = 0;
        let mut patience = Patience::default();
        loop {
            let mut pending = self.pending_row(lease.connection).await?;
            let unchanged = match pending.rev {
                0 => Expression::new(super::write::VACANT),
                rev => Expression::new("rev = :rev").with(":rev", number(rev)),
            };
            if !change(&mut pending) {
                return Ok(pending);
            }
            pending.rev = pending.rev.saturating_add(1);
            let item = row(&Key::pending(lease.connection), &pending)?;
            let items = vec![self.lease_check(lease), self.put_in_if(item, unchanged)];
            match self.transact(items, doing).await? {
                Ok(()) => return Ok(pending),
                Err(refusals) if refusals.contains_key(&LEASE) => return Err(StoreError::Conflict { doing }),
                Err(_) if patience.wait(self).await => {}
                Err(_) => return Err(StoreError::Conflict { doing }),
            }
        }
    }

    /// Lets what waits wait without asking for a run; the next run takes it up.
    pub async fn rest_pending(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let update = Expression::new("REMOVE due_at, due_shard ADD rev :one").with(":one", number(1));
        let there = Expression::new(super::write::PRESENT);
        self.update_if(&Key::pending(connection), update, there, "letting changes wait")
            .await
            .map(|_| ())
    }

    /// Forgets what waits, for a connection that is gone.
    pub async fn drop_pending(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(&Key::pending(connection), "forgetting pending changes")
            .await
    }
}

fn noting(connection: ConnectionId, changes: &Changes, haste: Haste) -> Expression {
    let mut expression =
        "SET first_at = if_not_exists(first_at, :now), due_at = if_not_exists(due_at, :due), \
                       due_shard = :shard"
            .to_owned();
    if changes.others {
        expression.push_str(", unnamed = :yes");
    }
    expression.push_str(" ADD rev :one");
    if !changes.named.is_empty() {
        expression.push_str(", ids :ids");
    }
    let mut update = Expression::new(expression)
        .with(":now", number(nanos(haste.now)))
        .with(":due", number(nanos(haste.due_at)))
        .with(":shard", text(due_shard(connection)))
        .with(":one", number(1));
    if changes.others {
        update = update.with(":yes", AttributeValue::Bool(true));
    }
    if !changes.named.is_empty() {
        let names = changes.named.iter().map(ToString::to_string).collect();
        update = update.with(":ids", AttributeValue::Ss(names));
    }
    update
}
