//! What an admin is told of unasked: what is wrong with a connection, since when, and who still has to hear of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, SyncRunId};
use super::secret_warning::SecretWarning;

/// How long after the last good run a connection that runs every day is missing one: two hours late, the longest take one.
/// No schedule is more impatient.
pub const LEAST_PATIENCE: SignedDuration = SignedDuration::from_hours(26);

macro_rules! word {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $item
    )* };
}

word! {
    /// What kind of thing is wrong. Of each kind a connection has one alert at most.
    pub enum AlertKind { /// Runs fail, or somebody has to act before they can go well.
        SyncFailing, /// Removals wait for a person.
        PlanHeld, /// No run was good for longer than the schedule explains.
        NoGoodRun, /// Presence is wanted and not carried.
        PresenceSilent, /// The app's secret or certificate ends.
        SecretEnds, /// Graph does not tell of changes any more.
        SubscriptionLost }
    /// What happened to an alert.
    pub enum AlertChange { /// It began, or became worse.
        Raised, /// It is still so.
        Reminder, /// It is over.
        Cleared }
    /// A way on which somebody is told.
    pub enum AlertChannel { /// The connection's history.
        History, /// An https address of the admin's choice.
        Webhook, /// The topic of the whole installation.
        Topic, /// Mail, sent by the PBX: last, because it takes longest.
        Email }
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SyncFailing,
        Self::PlanHeld,
        Self::NoGoodRun,
        Self::PresenceSilent,
        Self::SecretEnds,
        Self::SubscriptionLost,
    ];

    /// Whether somebody is reminded while it lasts. The end of a secret has steps of its own.
    pub fn reminds(self) -> bool {
        self != Self::SecretEnds
    }
}

/// What is wrong, in ids and numbers; names of people have no place here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Alert {
    /// Runs fail, or somebody has to act.
    SyncFailing {
        /// So many in a row.
        failures: u32,
        /// Whether it stays so until somebody acts.
        needs_attention: bool,
        /// The last one's reason, as the run and the connection show it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Removals wait for a person.
    PlanHeld {
        /// Of which run.
        run: SyncRunId,
        /// How many.
        removals: u64,
    },
    /// No run was good.
    NoGoodRun {
        /// Since then.
        #[schema(value_type = String, format = DateTime)]
        last_good_at: Timestamp,
    },
    /// No poll was good.
    PresenceSilent {
        /// Since then.
        #[schema(value_type = String, format = DateTime)]
        last_good_at: Timestamp,
        /// Why, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The app's secret or certificate ends.
    SecretEnds {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        ends_at: Timestamp,
        /// The step that was reached, in days before it; 0: it has come.
        days: u16,
    },
    /// Graph does not tell of changes any more.
    SubscriptionLost {
        /// Of so many kinds of objects.
        lost: u32,
        /// What Graph said of the first of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Alert {
    /// Of which kind it is.
    pub fn kind(&self) -> AlertKind {
        match self {
            Self::SyncFailing { .. } => AlertKind::SyncFailing,
            Self::PlanHeld { .. } => AlertKind::PlanHeld,
            Self::NoGoodRun { .. } => AlertKind::NoGoodRun,
            Self::PresenceSilent { .. } => AlertKind::PresenceSilent,
            Self::SecretEnds { .. } => AlertKind::SecretEnds,
            Self::SubscriptionLost { .. } => AlertKind::SubscriptionLost,
        }
    }

    /// Whether somebody who was told of `told` does not know the worst yet.
    pub fn is_worse_than(&self, told: &Self) -> bool {
        match (self, told) {
            (
                Self::SyncFailing { needs_attention, .. },
                Self::SyncFailing {
                    needs_attention: known,
                    ..
                },
            ) => *needs_attention && !known,
            (
                Self::SecretEnds { ends_at, days },
                Self::SecretEnds {
                    ends_at: told_end,
                    days: told_days,
                },
            ) => {
                let told = SecretWarning {
                    ends_at: *told_end,
                    days: *told_days,
                };
                SecretWarning {
                    ends_at: *ends_at,
                    days: *days,
                }
                .is_news_after(Some(told))
            }
            _ => false,
        }
    }
}

/// An alert that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// As it is now.
    pub alert: Alert,
    /// Since when it is so.
    pub since: Timestamp,
    /// When that was decided to be told, last.
    pub told_at: Timestamp,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Of this piece of news and no other, so that it is written down once.
    pub id: AlertId,
    /// What happened to the alert.
    pub change: AlertChange,
    /// Since when it is so, or was.
    pub since: Timestamp,
    /// The alert.
    pub alert: Alert,
}

/// Everything that was to be told at one moment, and who has not heard it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMessage {
    /// By it a receiver knows that it has heard this already.
    pub id: AlertId,
    /// When it was decided.
    pub at: Timestamp,
    /// At least one.
    pub news: Vec<News>,
    /// Channels that still have to carry it.
    pub waiting: BTreeMap<AlertChannel, Tries>,
}

/// How far telling on one channel has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Tries that failed.
    pub failed: u32,
    /// When to try next.
    pub next_at: Timestamp,
    /// Why the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Mail addresses that have it already.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub served: BTreeSet<String>,
}

/// What is remembered of a connection's alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertState {
    /// What is wrong, as far as it was decided to be told.
    pub open: BTreeMap<AlertKind, OpenAlert>,
    /// The channels that were set when somebody last looked: one that is new hears what is open.
    #[serde(default)]
    pub channels: BTreeSet<AlertChannel>,
    /// Since when runs are expected; `None`: they are not.
    pub watched_since: Option<Timestamp>,
    /// What was decided and is not told everywhere yet, oldest first.
    pub outbox: Vec<AlertMessage>,
    /// When to look again, apart from what waits to be told.
    pub look_at: Timestamp,
}

/// From when on a good run is waited for: since the last one, or since runs are expected at all. What was before, while
/// nobody expected any, is nobody's absence.
pub fn waited_for_since(last_good: Option<Timestamp>, expected_since: Timestamp) -> Timestamp {
    last_good.map_or(expected_since, |at| at.max(expected_since))
}

impl AlertState {
    /// Nothing is known, and somebody has to look at `at`.
    pub fn to_look_at(at: Timestamp) -> Self {
        Self {
            open: BTreeMap::new(),
            channels: BTreeSet::new(),
            watched_since: None,
            outbox: Vec::new(),
            look_at: at,
        }
    }

    /// When somebody has to attend to this: to what is first on a channel; what came later waits for it.
    pub fn due_at(&self) -> Timestamp {
        let mut first = BTreeMap::new();
        for (channel, tries) in self.outbox.iter().flat_map(|message| &message.waiting) {
            first.entry(*channel).or_insert(tries.next_at);
        }
        first
            .into_values()
            .chain([self.look_at])
            .min()
            .unwrap_or(self.look_at)
    }
}

/// `at` and so much more, at most the end of time.
pub fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
