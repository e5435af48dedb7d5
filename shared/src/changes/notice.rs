//! Notices whose secret word held: which of them concern us, and what of that waits for a run. What this returns `Ok` for
//! is stored. It never asks Graph anything, so that answering stays quick.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use uuid::Uuid;

use super::attend::later;
use super::tell;
use crate::domain::change::{ChangedObject, Changes};
use crate::domain::client_state::WatchedBy;
use crate::domain::ids::{ConnectionId, EntraGroupId, EntraUserId, SubscriptionId, TenantId};
use crate::domain::subscription::SubscriptionKind;
use crate::ports::{Clock, QueueError, SyncQueue};
use crate::store::{Haste, Store, StoreError, Watch};

/// Between two looks that notices of unknown people ask for: a directory in which thousands change who are none of our
/// business must not make us look all the time.
const LOOKS_APART: Duration = Duration::from_secs(15);
/// Graph wants no second renewal within ten minutes.
const RENEWALS_APART: Duration = Duration::from_mins(10);

/// Connections whose notices are stored at once: one batch may tell of many tenants, and has 3 s.
const SIDE_BY_SIDE: usize = 16;

/// One verified item of a notification: the proof in its client state held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For whom the subscription was made.
    pub by: WatchedBy,
    /// Which subscription it says it comes from.
    pub subscription: SubscriptionId,
    /// Which tenant it says it comes from.
    pub tenant: TenantId,
    /// What it says.
    pub news: News,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// An object changed: a person or a group, by the kind of the subscription.
    Changed {
        /// Its object id.
        object: Uuid,
        /// Whether it is gone for good.
        deleted: bool,
    },
    /// The subscription ends soon unless it is authorised anew.
    Reauthorise,
    /// Notifications were lost.
    Missed,
    /// The subscription is gone.
    Removed,
}

/// What became of notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Stored for a run, or for a look.
    pub noted: usize,
    /// Waiting already.
    pub known: usize,
    /// Not of a subscription of ours, or of another tenant.
    pub foreign: usize,
    /// Of no concern.
    pub irrelevant: usize,
}

/// Takes verified notices.
#[async_trait]
pub trait NoticeSink: Send + Sync {
    /// `Ok`: all that matters of them is stored. `Err`: nothing may be acknowledged; the same again is safe.
    async fn take(&self, notices: Vec<Notice>) -> Result<Taken, NoticeError>;
}

/// Notices could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// In the table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not take the message that a run is due now.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Where verified notices go.
#[derive(Clone)]
pub struct Inbox {
    /// The table.
    pub store: Store,
    /// Where hints go.
    pub queue: Arc<dyn SyncQueue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What the notices of one connection come to.
#[derive(Default)]
struct Sorted {
    people: BTreeSet<EntraUserId>,
    deleted: BTreeSet<EntraUserId>,
    groups: BTreeSet<EntraGroupId>,
    reauthorise: BTreeSet<SubscriptionKind>,
    removed: BTreeSet<SubscriptionKind>,
    look: bool,
}

#[async_trait]
impl NoticeSink for Inbox {
    async fn take(&self, notices: Vec<Notice>) -> Result<Taken, NoticeError> {
        let mut by_connection: BTreeMap<ConnectionId, Vec<Notice>> = BTreeMap::new();
        for notice in notices {
            by_connection
                .entry(notice.by.connection)
                .or_default()
                .push(notice);
        }
        let each = by_connection
            .into_iter()
            .map(|(connection, notices)| self.take_of(connection, notices));
        let ends: Vec<_> = stream::iter(each).buffer_unordered(SIDE_BY_SIDE).collect().await;
        // Only now: what ails one connection must not keep the others' notices out of the table.
        ends.into_iter()
            .try_fold(Taken::default(), |sum, one| Ok(sum.and(one?)))
    }
}

impl Taken {
    fn and(self, other: Self) -> Self {
        let Self {
            noted,
            known,
            foreign,
            irrelevant,
        } = other;
        Self {
            noted: self.noted + noted,
            known: self.known + known,
            foreign: self.foreign + foreign,
            irrelevant: self.irrelevant + irrelevant,
        }
    }
}

impl Inbox {
    async fn take_of(
        &self,
        connection: ConnectionId,
        mut notices: Vec<Notice>,
    ) -> Result<Taken, NoticeError> {
        let mut taken = Taken::default();
        let Some(watch) = self.watch_for(connection, &notices).await? else {
            taken.foreign = notices.len();
            return Ok(taken);
        };
        let before = notices.len();
        notices.retain(|notice| is_ours(notice, &watch));
        taken.foreign = before - notices.len();
        if !watch.follows {
            taken.irrelevant = notices.len();
            return Ok(taken);
        }
        let count = notices.len();
        let mut sorted = sort(notices, &watch);
        let changes = self.that_matter(connection, &mut sorted, &watch).await?;
        let names = changes.named.len();
        taken.noted = self.note(connection, changes, &watch).await?;
        self.ask(connection, &sorted).await?;
        taken.known = names - taken.noted;
        taken.irrelevant = count.saturating_sub(names);
        Ok(taken)
    }

    /// The watch as it was a moment ago; as it is now where that one does not know a subscription.
    async fn watch_for(
        &self,
        connection: ConnectionId,
        notices: &[Notice],
    ) -> Result<Option<Watch>, StoreError> {
        let of_late = self.store.watch_of_late(connection).await?;
        if let Some(watch) = of_late
            && notices.iter().all(|notice| is_ours(notice, &watch))
        {
            return Ok(Some(watch));
        }
        Ok(self.store.watch(connection).await?.map(|watch| watch.value))
    }

    /// What matters for certain. Somebody without an extension may matter; only a look can tell.
    async fn that_matter(
        &self,
        connection: ConnectionId,
        sorted: &mut Sorted,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        let bound = self.store.bound_among(connection, &sorted.people).await?;
        let unknown = sorted.people.difference(&bound);
        // Somebody who is gone for good and had no extension is nobody's business.
        sorted.look |= unknown.filter(|id| !sorted.deleted.contains(id)).count() > 0;
        sorted.look |= sorted.groups.difference(&watch.groups).count() > 0;
        let people = bound.into_iter().map(ChangedObject::User);
        let groups = sorted.groups.intersection(&watch.groups).copied();
        Ok(Changes {
            named: people.chain(groups.map(ChangedObject::Group)).collect(),
            others: false,
        })
    }

    /// Stores names; answers how many had not been waiting yet.
    async fn note(
        &self,
        connection: ConnectionId,
        changes: Changes,
        watch: &Watch,
    ) -> Result<usize, NoticeError> {
        if changes.is_empty() {
            return Ok(0);
        }
        let now = self.clock.now();
        let haste = Haste {
            now,
            due_at: later(now, Duration::from_secs(u64::from(watch.wait_seconds))),
            threshold: watch.threshold,
        };
        let noted = self.store.note_changes(connection, &changes, haste).await?;
        if noted.added > 0 && noted.due_at <= now {
            tell(self.queue.as_ref(), connection).await?;
        }
        Ok(noted.added)
    }

    /// Has the scheduler attend to what only it can do.
    async fn ask(&self, connection: ConnectionId, sorted: &Sorted) -> Result<(), StoreError> {
        if sorted.asks_for_nothing() {
            return Ok(());
        }
        let now = self.clock.now();
        // Not judged by the watch of a moment ago: one that was due then may be attended to since, and what is asked for
        // now would be lost.
        let changed = |watch: &mut Watch| ask_in(watch, sorted, now);
        self.store.change_watch(connection, changed).await.map(|_| ())
    }
}

impl Sorted {
    fn asks_for_nothing(&self) -> bool {
        !self.look && self.reauthorise.is_empty() && self.removed.is_empty()
    }
}

fn ask_in(watch: &mut Watch, sorted: &Sorted, now: Timestamp) {
    let mut at = None;
    if sorted.look {
        let next = watch.looked_at.map_or(now, |looked| later(looked, LOOKS_APART));
        at = Some(now.max(next));
    }
    for kind in &sorted.removed {
        if watch.subscriptions.remove(kind).is_some() {
            at = Some(now);
        }
    }
    for kind in &sorted.reauthorise {
        let Some(subscription) = watch.subscriptions.get_mut(kind) else {
            continue;
        };
        let renewed_lately = later(subscription.confirmed_at, RENEWALS_APART) > now;
        if subscription.asked_at.is_none() && !renewed_lately {
            subscription.asked_at = Some(now);
            at = Some(now);
        }
    }
    if let Some(at) = at
        && watch.due_at.is_none_or(|due| due > at)
    {
        watch.due_at = Some(at);
    }
}

fn is_ours(notice: &Notice, watch: &Watch) -> bool {
    notice.tenant == watch.tenant
        && watch
            .subscriptions
            .get(&notice.by.kind)
            .is_some_and(|known| known.id == notice.subscription && known.nonce == notice.by.nonce)
}

fn sort(notices: Vec<Notice>, watch: &Watch) -> Sorted {
    let mut sorted = Sorted::default();
    for notice in notices {
        let kind = notice.by.kind;
        match (notice.news, kind) {
            (News::Changed { object, deleted }, SubscriptionKind::Users) => {
                sorted.people.insert(object.into());
                if deleted {
                    sorted.deleted.insert(object.into());
                }
            }
            (News::Changed { object, .. }, SubscriptionKind::Groups) => {
                sorted.groups.insert(object.into());
            }
            (News::Reauthorise, _) => {
                sorted.reauthorise.insert(kind);
            }
            (News::Missed, _) => sorted.look = true,
            (News::Removed, _) => {
                sorted.removed.insert(kind);
                sorted.look |= watch.follows;
            }
        }
    }
    sorted
}
