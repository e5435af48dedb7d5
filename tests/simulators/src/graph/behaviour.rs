//! Every switch that changes how the service behaves without a fault. Defaults are what the real service
//! does on an ordinary day; tests turn on the rare forms.

use serde::{Deserialize, Serialize};

use super::mailbox_limits::MailboxPolicy;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    pub delta: DeltaPolicy,
    pub throttle: ThrottlePolicy,
    pub mailboxes: MailboxPolicy,
    /// How long after a write reads still show the old state.
    pub replication_lag_ms: u64,
    /// How long after a change the members of dynamic groups follow.
    pub dynamic_group_delay_seconds: i64,
    /// Added to every answer.
    pub latency_ms: u64,
    pub inner_error: InnerErrorSpelling,
    pub notifications: NotificationPolicy,
    pub presence: PresencePolicy,
    pub shuffle_batches: bool,
    /// Soft-deleted users are still listed as members until they are purged.
    pub list_soft_deleted_members: bool,
    /// How long the `$skiptoken` of a list is accepted.
    pub page_token_seconds: i64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            delta: DeltaPolicy::default(),
            throttle: ThrottlePolicy::default(),
            mailboxes: MailboxPolicy::default(),
            replication_lag_ms: 0,
            dynamic_group_delay_seconds: 600,
            latency_ms: 0,
            inner_error: InnerErrorSpelling::Alternate,
            notifications: NotificationPolicy::default(),
            presence: PresencePolicy::default(),
            shuffle_batches: true,
            list_soft_deleted_members: true,
            page_token_seconds: 3600,
        }
    }
}

/// How presence is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresencePolicy {
    /// Words as the newer page of the resource writes them: `inACall`.
    pub lower_camel_case: bool,
    /// Whoever has no Teams is told of as `PresenceUnknown`; otherwise they are left out.
    pub unknown_for_people_without_teams: bool,
}

/// How subscribers are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationPolicy {
    /// Off: everything is lost without a word.
    pub enabled: bool,
    /// From the change to the delivery, at least.
    pub delay_ms: u64,
    /// And so much more at most.
    pub spread_ms: u64,
    /// A change is told once, or up to so many times.
    pub most_copies: u8,
    pub shuffle: bool,
    /// Of the changes of users and groups, so many are never told.
    pub lost_percent: u8,
    pub items_per_post: usize,
    /// How often a new authorisation is asked for; not set: only on demand.
    pub authorise_every_seconds: Option<i64>,
    /// Nothing is told any more when it is not given in this time.
    pub authorise_within_seconds: i64,
}

impl Default for NotificationPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            delay_ms: 500,
            spread_ms: 500,
            most_copies: 2,
            shuffle: true,
            lost_percent: 0,
            items_per_post: 20,
            authorise_every_seconds: None,
            authorise_within_seconds: 3600,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeltaPolicy {
    /// Objects per page, taken in turn page by page.
    pub page_sizes: Vec<usize>,
    /// Most `members@delta` entries in one occurrence of a group.
    pub members_per_object: usize,
    /// Every second page is empty.
    pub empty_pages: bool,
    /// The first object of a page is sent once more at its end.
    pub repeat_objects: bool,
    /// A round starts this many changes before the point its link stands for.
    pub replay_changes: u64,
    /// Objects that are already soft-deleted show as removed in a first round.
    pub removals_in_first_round: bool,
    pub lifetime_seconds: i64,
    pub expired: ExpiredForm,
}

impl Default for DeltaPolicy {
    fn default() -> Self {
        Self {
            page_sizes: vec![200],
            members_per_object: 100,
            empty_pages: false,
            repeat_objects: false,
            replay_changes: 0,
            removals_in_first_round: false,
            lifetime_seconds: 7 * 24 * 3600,
            expired: ExpiredForm::GoneWithLocation,
        }
    }
}

/// The ways in which the service says that a delta link is no longer good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredForm {
    GoneWithLocation,
    GoneSyncStateNotFound,
    GoneResyncRequired,
    NotFoundSyncStateNotFound,
    BadRequestSyncStateInvalid,
    BadRequestOlderThan,
    BadRequest,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThrottlePolicy {
    pub enabled: bool,
    /// Multiplies every documented limit.
    pub scale: f64,
    pub retry_after: RetryAfterForm,
}

impl Default for ThrottlePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            scale: 1.0,
            retry_after: RetryAfterForm::Integer,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterForm {
    Integer,
    Fractional,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InnerErrorSpelling {
    Upper,
    Lower,
    Alternate,
}
