//! How a connection follows its tenant: its subscriptions, the look at changes, and when one of them wants attention next.
//! Everybody who writes one names the write they read, so that a request from outside is never overwritten.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, instant, nanos, number, row, to_doc};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use super::{Store, Version, Versioned};
use crate::domain::ids::{ConnectionId, EntraGroupId, SubscriptionId, TenantId};
use crate::domain::subscription::{Nonce, SubscriptionKind};

/// How a connection follows its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The tenant.
    pub tenant: TenantId,
    /// Whether changes are followed at all.
    pub follows: bool,
    /// Why no notifications are asked for, where that is not an admin's wish.
    pub without_notifications: Option<String>,
    /// So many changed objects make a run due at once.
    pub threshold: u32,
    /// Seconds from a notification to the run that it makes due.
    pub wait_seconds: u32,
    /// Groups whose name or members matter.
    pub groups: BTreeSet<EntraGroupId>,
    /// What Graph was asked to tell.
    pub subscriptions: BTreeMap<SubscriptionKind, Subscription>,
    /// Why a subscription could not be had or kept at the last try.
    pub problems: BTreeMap<SubscriptionKind, String>,
    /// Tries that failed since the last one that did not.
    pub failures_in_row: u32,
    /// When subscriptions are tried again after trouble.
    pub retry_at: Option<Timestamp>,
    /// When changes were last looked for.
    pub looked_at: Option<Timestamp>,
    /// Why the last look failed.
    pub look_problem: Option<String>,
    /// When something of this wants attention.
    #[serde(skip)]
    pub due_at: Option<Timestamp>,
}

/// What Graph was asked to tell of one kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Graph's name of it.
    pub id: SubscriptionId,
    /// Part of its secret word.
    pub nonce: Nonce,
    /// Where it reports to; another address needs another subscription.
    pub reports_to: String,
    /// When it ends unless renewed.
    pub ends_at: Timestamp,
    /// When Graph last confirmed it.
    pub confirmed_at: Timestamp,
    /// When Graph last asked for a new authorisation that was not given yet.
    pub asked_at: Option<Timestamp>,
}

impl Watch {
    /// Follows nothing, and is due at once.
    pub fn idle(tenant: TenantId, now: Timestamp) -> Self {
        Self {
            tenant,
            follows: false,
            without_notifications: None,
            threshold: 1,
            wait_seconds: 0,
            groups: BTreeSet::new(),
            subscriptions: BTreeMap::new(),
            problems: BTreeMap::new(),
            failures_in_row: 0,
            retry_at: None,
            looked_at: None,
            look_problem: None,
            due_at: Some(now),
        }
    }

    /// Whether Graph was asked for subscriptions in vain more than once: one refusal is often gone with the next try.
    pub fn has_lost_subscriptions(&self) -> bool {
        self.follows && self.failures_in_row >= 2 && !self.problems.is_empty()
    }
}

#[derive(Serialize, Deserialize)]
struct WatchRow {
    doc: String,
    rev: Version,
    /// Of the last write, so that one whose answer was lost is recognised.
    mark: String,
    due_at: Option<i64>,
    due_shard: Option<String>,
}

fn read(item: Row) -> Result<Versioned<Watch>, StoreError> {
    let stored: WatchRow = body(item, "watch")?;
    let watch: Watch = from_doc(&stored.doc, "watch")?;
    Ok(Versioned {
        value: Watch {
            due_at: stored.due_at.map(instant),
            ..watch
        },
        version: stored.rev,
    })
}

impl Store {
    /// How a connection follows its tenant; `None` before anybody asked it to.
    pub async fn watch(&self, connection: ConnectionId) -> Result<Option<Versioned<Watch>>, StoreError> {
        let item = self.get(&Key::watch(connection), "reading a watch").await?;
        item.map(read).transpose()
    }

    /// The same at half the price; may be a moment old.
    pub async fn watch_of_late(&self, connection: ConnectionId) -> Result<Option<Watch>, StoreError> {
        let item = self
            .get_of_late(&Key::watch(connection), "reading a watch")
            .await?;
        Ok(item.map(read).transpose()?.map(|watch| watch.value))
    }

    /// Writes a watch that is still as it was read; `None`: as it was read there was none. `false`: somebody wrote meanwhile.
    pub async fn save_watch(
        &self,
        connection: ConnectionId,
        watch: &Watch,
        read_as: Option<Version>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "storing a watch";
        let stored = WatchRow {
            doc: to_doc(watch)?,
            rev: read_as.map_or(Version::FIRST, Version::next),
            mark: uuid::Uuid::new_v4().to_string(),
            due_at: watch.due_at.map(nanos),
            due_shard: watch.due_at.map(|_| due_shard(connection)),
        };
        let condition = match read_as {
            None => Expression::new(VACANT),
            Some(version) => Expression::new("rev = :rev").with(":rev", number(version.0)),
        };
        let item = row(&Key::watch(connection), &stored)?;
        match self.put_if(item, condition, DOING).await? {
            Written::Yes => Ok(true),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<WatchRow>(found, "watch")).transpose()?;
                Ok(found.is_some_and(|found| found.mark == stored.mark))
            }
        }
    }

    /// Reads, lets `change` alter a watch, and writes if it did. Starts again if somebody wrote meanwhile; `false` without
    /// a watch or without an alteration.
    pub async fn change_watch(
        &self,
        connection: ConnectionId,
        change: impl Fn(&mut Watch),
    ) -> Result<bool, StoreError> {
        let mut patience = Patience::default();
        loop {
            let Some(read) = self.watch(connection).await? else {
                return Ok(false);
            };
            let mut changed = read.value.clone();
            change(&mut changed);
            if changed == read.value {
                return Ok(false);
            }
            if self.save_watch(connection, &changed, Some(read.version)).await? {
                return Ok(true);
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict {
                    doing: "changing a watch",
                });
            }
        }
    }

    /// Forgets the watch of a connection that is gone.
    pub async fn drop_watch(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(&Key::watch(connection), "forgetting a watch").await
    }

    /// Has the watch of a connection attended to at `at`, making it where there is none. Repeating is safe.
    pub async fn watch_soon(
        &self,
        connection: ConnectionId,
        tenant: TenantId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let idle = Watch::idle(tenant, at);
        if self.watch(connection).await?.is_none() && self.save_watch(connection, &idle, None).await? {
            return Ok(());
        }
        self.change_watch(connection, |watch| {
            watch.due_at = Some(watch.due_at.map_or(at, |due| due.min(at)));
            watch.retry_at = None;
        })
        .await
        .map(|_| ())
    }
}
