//! What a connection's settings ask of the directory's news, and the times that the promises to its admin leave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use url::Url;

use crate::domain::connection::Connection;
use crate::domain::ids::EntraGroupId;
use crate::domain::settings::{ConnectionSettings, ScopeKind};
use crate::domain::subscription::SubscriptionKind;
use crate::settings::WebOrigin;

/// How often changes are looked for at least: half of the ten minutes that a change may take at most.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_mins(5);
/// Between a due time and the first request of the run: the hint, the lease, the table.
const START: Duration = Duration::from_secs(1);

/// Where Graph may report to, or why it may not.
#[derive(Debug, Clone)]
pub enum Address {
    /// At this origin.
    At(WebOrigin),
    /// Nowhere.
    Nowhere {
        /// Why, for the admin.
        because: String,
    },
}

impl Address {
    /// Graph reports only to https addresses on the internet; a Graph on this machine reaches this machine.
    pub fn of(origin: &WebOrigin, graph: &Url) -> Self {
        if origin.is_https() || crate::http::is_loopback(graph) {
            return Self::At(origin.clone());
        }
        Self::nowhere("is not an https address")
    }

    /// For an installation that was not told its address.
    pub fn unknown() -> Self {
        Self::nowhere("is not set")
    }

    fn nowhere(what: &str) -> Self {
        Self::Nowhere {
            because: format!(
                "notifications are off because PUBLIC_BASE_URL {what}; changes are looked for every few minutes instead"
            ),
        }
    }
}

/// What a connection wants to know, and when it must act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// Of which kinds changes matter. Empty: of none.
    pub kinds: BTreeSet<SubscriptionKind>,
    /// Groups whose name or members matter.
    pub groups: BTreeSet<EntraGroupId>,
    /// So many changes make a run due at once.
    pub threshold: u32,
    /// From a notification to the run.
    pub wait: Duration,
    /// From the end of a look that found something to the run.
    pub wait_after_look: Duration,
    /// From one look to the next.
    pub look_every: Duration,
}

impl Terms {
    /// `step`: how long something due may lie before the scheduler finds it.
    pub fn of(connection: &Connection, settings: &ConnectionSettings, step: Duration) -> Self {
        let follows = connection.status.may_run() && settings.change_sync.enabled;
        let (users, synced) = (&settings.users, &settings.groups);
        let mut groups = BTreeSet::new();
        if users.enabled {
            groups = users.groups_to_read();
        }
        if synced.enabled && synced.scope.kind == ScopeKind::Groups {
            groups.extend(&synced.scope.group_ids);
        }
        let mut kinds = BTreeSet::new();
        if follows && users.enabled {
            kinds.insert(SubscriptionKind::Users);
        }
        if follows && (synced.enabled || !groups.is_empty()) {
            kinds.insert(SubscriptionKind::Groups);
        }
        let most = Duration::from_secs(u64::from(settings.change_sync.max_delay_seconds));
        let look_every = (most / 2).clamp(step.min(LOOK_AT_LEAST_EVERY), LOOK_AT_LEAST_EVERY);
        let wait = most.saturating_sub(step + START);
        Self {
            kinds,
            groups,
            threshold: settings.change_sync.change_threshold,
            wait,
            wait_after_look: wait.saturating_sub(look_every + step),
            look_every,
        }
    }

    /// Whether changes are followed at all.
    pub fn follows(&self) -> bool {
        !self.kinds.is_empty()
    }
}

/// One sentence a kind, for those that have trouble.
pub(super) type Problems = BTreeMap<SubscriptionKind, String>;

#[cfg(test)]
mod tests {
    use super::*;

    // spec: 152, 161
    #[test]
    fn groups_are_followed_for_their_own_sake_and_for_the_people_they_choose() {
        let kinds = |change: &dyn Fn(&mut ConnectionSettings)| {
            let mut settings = ConnectionSettings::default();
            change(&mut settings);
            let connection = crate::changes::attend::tests::connection();
            Terms::of(&connection, &settings, Duration::from_mins(1)).kinds
        };
        let (users, groups) = (SubscriptionKind::Users, SubscriptionKind::Groups);
        assert_eq!(kinds(&|_| {}), [].into());
        assert_eq!(kinds(&|s| s.users.enabled = true), [users].into());
        assert_eq!(kinds(&|s| s.groups.enabled = true), [groups].into());
        let both = |s: &mut ConnectionSettings| {
            s.users.enabled = true;
            s.users.scope.exclude_group_ids = [uuid::Uuid::from_u128(3).into()].into();
        };
        assert_eq!(kinds(&both), [users, groups].into());
    }

    // spec: 150
    #[test]
    fn a_change_that_no_notification_tells_is_due_within_the_promised_time() {
        let step = Duration::from_mins(1);
        for most in 10..=600_u32 {
            let mut settings = ConnectionSettings::default();
            settings.change_sync.max_delay_seconds = most;
            let terms = Terms::of(&crate::changes::attend::tests::connection(), &settings, step);
            let most = Duration::from_secs(u64::from(most));
            let worst = terms.look_every + step + terms.wait_after_look + step + START;
            // Below some steps the clockwork itself takes longer than the promise; then nothing is waited for.
            assert!(
                worst <= most || terms.wait_after_look.is_zero(),
                "{most:?}: {worst:?}"
            );
            assert!(terms.wait + step < most || terms.wait.is_zero(), "{most:?}");
        }
    }
}
