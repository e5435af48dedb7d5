//! One connection at a glance: what the fleet, the head of its own page and its health have in common.

use jiff::{SignedDuration, Timestamp};
use shared::domain::alert::waited_for_since;
use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::settings::{ConnectionSettings, GroupTarget};
use shared::domain::sync_run::{RunState, SyncRun};
use shared::store::{StoreError, Version, Watch, WorkState};
use web::Words;

use super::zone::Zone;
use crate::AdminState;
use crate::use_cases::kept_phonebooks;
use crate::view::presence::PresenceView;

/// A run a week, and a day for it to end.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(8 * 24);
/// From so many days before its end on a client secret is a matter of concern.
const SOON: i64 = 30;

/// Reasons of a status that end when somebody who may consent signs in.
const MENDED_BY_SIGN_IN: [&str; 7] = [
    "s-lacks-grant",
    "s-lacks-sign-in",
    "s-lacks-more",
    "s-lacks-account",
    "s-lacks-permission",
    "s-no-account",
    "s-account-ended",
];

/// One connection and how it is doing.
pub struct Overview {
    pub connection: Connection,
    pub settings: ConnectionSettings,
    pub version: Version,
    pub work: WorkState,
    pub last_run: Option<SyncRun>,
    /// The run whose removals wait for a person.
    pub held: Option<SyncRun>,
    pub pending: u64,
    pub watch: Option<Watch>,
    /// How Teams presence is carried.
    pub presence: PresenceView,
    /// Phonebooks whose visibility somebody has to set in the PBX portal.
    pub hidden_phonebooks: usize,
    /// Since when runs are expected; `None`: they are not.
    pub runs_expected_since: Option<Timestamp>,
    pub zone: Zone,
    pub now: Timestamp,
}

impl Overview {
    pub async fn load(state: &AdminState, connection: Connection) -> Result<Self, StoreError> {
        // Boxed: six reads side by side are in it.
        Box::pin(Self::read(state, connection)).await
    }

    async fn read(state: &AdminState, connection: Connection) -> Result<Self, StoreError> {
        let store = &state.engine.store;
        let id = connection.id;
        let (settings, work, pending, watch, presence, alerts) = tokio::try_join!(
            store.settings(id),
            store.work_state(id),
            store.pending(id),
            store.watch(id),
            store.presence_work(id),
            store.alerts(id)
        )?;
        // Before anybody looked for alerts it is expected to run from the beginning.
        let runs_expected_since =
            alerts.map_or(Some(connection.created_at), |state| state.value.watched_since);
        let work = work.unwrap_or_default();
        let last_run = match work.running_run.or(work.waiting_run).or(work.last_run) {
            Some(run) => store.run(id, run).await?,
            None => None,
        };
        let held = store.waiting_for_approval(id, &work).await?;
        let hidden_phonebooks = if work.counts.contacts > 0 {
            let kept = kept_phonebooks(store, id).await?;
            kept.iter().filter(|book| book.shown_at.is_none()).count()
        } else {
            0
        };
        let (settings, version) = settings.map_or_else(
            || (ConnectionSettings::default(), Version::FIRST),
            |stored| (stored.value, stored.version),
        );
        let now = state.engine.clock.now();
        let presence = presence.map(|stored| stored.value);
        Ok(Self {
            zone: Zone::of(&settings),
            connection,
            settings,
            version,
            work,
            last_run,
            held,
            pending: pending.count(),
            watch: watch.map(|watch| watch.value),
            presence: PresenceView::of(presence.as_ref(), now),
            hidden_phonebooks,
            runs_expected_since,
            now,
        })
    }

    pub fn id(&self) -> String {
        self.connection.id.to_string()
    }

    /// Key of the words for the status, which is its class too.
    pub fn status(&self) -> &'static str {
        match &self.connection.status {
            _ if self.connection.is_being_disconnected() => "disconnecting",
            ConnectionStatus::AwaitingConsent { .. } => "awaiting-consent",
            ConnectionStatus::Connected => "connected",
            ConnectionStatus::Disabled => "disabled",
            ConnectionStatus::Disconnected => "disconnected",
            ConnectionStatus::NeedsAttention { .. } => "needs-attention",
        }
    }

    /// What to do, where the status asks for something.
    pub fn status_reason(&self) -> Option<&str> {
        match &self.connection.status {
            ConnectionStatus::AwaitingConsent { reason }
            | ConnectionStatus::NeedsAttention { reason, .. } => Some(reason),
            ConnectionStatus::Connected | ConnectionStatus::Disabled | ConnectionStatus::Disconnected => None,
        }
    }

    /// Whether signing in with Microsoft once more would mend the status.
    pub fn asks_for_sign_in(&self) -> bool {
        let lacks = |reason| Words::key_of(reason).is_some_and(|key| MENDED_BY_SIGN_IN.contains(&key));
        self.is_waiting_for_consent() || self.status_reason().is_some_and(lacks)
    }

    /// Whether people are synced who could be let in with Microsoft, and are not.
    pub fn offers_sign_in(&self) -> bool {
        self.work.counts.extensions > 0 && !self.settings.sso.enabled && !self.is_off()
    }

    /// Whether changes in the tenant are to be followed and cannot be, or not in full.
    pub fn is_deaf(&self) -> bool {
        let deaf =
            |watch: &Watch| watch.follows && (watch.look_problem.is_some() || !watch.problems.is_empty());
        self.watch.as_ref().is_some_and(deaf)
    }

    /// Whether nothing about it wants a person.
    pub fn is_well(&self) -> bool {
        let troubled = self.held.is_some()
            || self.hidden_phonebooks > 0
            || !self.work.problems.is_empty()
            || self.work.failures_in_row > 0
            || self.presence.alert
            || self.secret_ends_soon()
            || self.is_silent()
            || self.is_deaf();
        self.connection.status == ConnectionStatus::Connected && !troubled
    }

    /// Whether groups become departments rather than extension groups.
    pub fn makes_departments(&self) -> bool {
        self.settings.groups.target == GroupTarget::Organization
    }

    pub fn is_off(&self) -> bool {
        !self.connection.status.may_run() && !self.is_waiting_for_consent()
    }

    pub fn is_waiting_for_consent(&self) -> bool {
        matches!(self.connection.status, ConnectionStatus::AwaitingConsent { .. })
    }

    pub fn is_disabled(&self) -> bool {
        self.connection.status == ConnectionStatus::Disabled && !self.connection.is_being_disconnected()
    }

    pub fn is_disconnected(&self) -> bool {
        self.connection.status == ConnectionStatus::Disconnected
    }

    /// Whole days until the client secret ends.
    pub fn secret_days(&self) -> Option<i64> {
        let ends = self.connection.secret_expires_at?;
        Some(ends.duration_since(self.now).as_hours().div_euclid(24))
    }

    pub fn secret_ends_soon(&self) -> bool {
        self.secret_days().is_some_and(|days| days <= SOON)
    }

    /// Whether a run works, or waits for its turn.
    pub fn is_busy(&self) -> bool {
        self.last_run
            .as_ref()
            .is_some_and(|run| !run.state.is_final() && run.state != RunState::Held)
    }

    pub fn next_run(&self) -> Option<Timestamp> {
        self.work
            .next_scheduled_at
            .filter(|_| self.connection.status.may_run())
    }

    /// Whether a good run is waited for longer than with any schedule.
    pub fn is_silent(&self) -> bool {
        let silent = |since| {
            let waited_since = waited_for_since(self.work.last_good_run_at, since);
            self.now.duration_since(waited_since) > LONGEST_WAIT
        };
        self.settings.makes_runs()
            && self.connection.status.may_run()
            && self.runs_expected_since.is_some_and(silent)
    }
}
