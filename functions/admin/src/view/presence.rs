//! How Teams presence is carried, as admins see it: for the connection, and for one person.

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::presence::{ChosenBy, Member, PresenceChoice, Standing, TeamsStatus};
use shared::domain::settings::{ExtensionPresence, OnOff, PresenceMapping, PresenceSettings};
use shared::store::{PollCounts, PollReport, PresenceWork, ProblemKind};

/// Whether presence is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Switched off.
    Off,
    /// Switched on; the first poll is still to come.
    Waiting,
    /// Carried.
    On,
    /// Outside office hours.
    Closed,
    /// Something must be mended first: `reason` says what.
    Blocked,
    /// A side did not answer, or refused: it is tried again.
    Failing,
}

/// How Teams presence is carried.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PresenceView {
    pub state: PresenceState,
    /// Why it is not carried, or not whole, and what would mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reason_since: Option<Timestamp>,
    /// People who take part.
    pub people: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_poll: Option<PollView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_good_poll_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_poll_at: Option<Timestamp>,
    /// There was no good poll for ten minutes, outside of office hours apart.
    pub alert: bool,
}

/// What a poll did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PollView {
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// Since it ended.
    pub age_seconds: u64,
    #[serde(flatten)]
    pub counts: PollCounts,
}

impl PollView {
    fn of(report: &PollReport, now: Timestamp) -> Self {
        let age = now.duration_since(report.ended_at).as_secs();
        Self {
            began_at: report.began_at,
            ended_at: report.ended_at,
            age_seconds: u64::try_from(age).unwrap_or(0),
            counts: report.counts,
        }
    }
}

impl PresenceView {
    /// Of a connection's state of presence, if it has one.
    pub fn of(work: Option<&PresenceWork>, now: Timestamp) -> Self {
        let shown = work.filter(|work| work.wanted_since.is_some());
        let problem = shown.and_then(|work| work.problem.as_ref());
        Self {
            state: shown.map_or(PresenceState::Off, |work| state_of(work, now)),
            reason: problem.map(|problem| problem.sentence.clone()),
            reason_since: problem.map(|problem| problem.since),
            people: shown
                .and_then(|work| work.roster.as_ref())
                .map_or(0, |roster| roster.people),
            last_poll: work
                .and_then(|work| work.last.as_ref())
                .map(|report| PollView::of(report, now)),
            last_good_poll_at: work.and_then(|work| work.last_good_at),
            next_poll_at: shown.and_then(|work| work.due_at),
            alert: shown.is_some_and(|work| work.alert_since.is_some() || work.is_silent(now)),
        }
    }
}

fn state_of(work: &PresenceWork, now: Timestamp) -> PresenceState {
    match work.problem.as_ref().map(|problem| problem.kind) {
        Some(ProblemKind::Firmware | ProblemKind::Permission | ProblemKind::Halted) => PresenceState::Blocked,
        Some(ProblemKind::Microsoft | ProblemKind::Pbx) => PresenceState::Failing,
        None if work.closed_until.is_some_and(|until| until > now) => PresenceState::Closed,
        None if work.last_good_at.is_none() => PresenceState::Waiting,
        None => PresenceState::On,
    }
}

/// What holds for one person's presence.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonPresenceView {
    /// Whether they take part.
    pub enabled: bool,
    /// Their own mapping; without one that of their group, or of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<PresenceMapping>,
    /// Who decided; nobody: the settings of the connection hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<ChosenBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub chosen_at: Option<Timestamp>,
    /// What was carried last; nothing before the first poll with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<CarriedView>,
}

/// What was carried last for a person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CarriedView {
    /// What they showed in Teams.
    pub teams: TeamsStatus,
    /// Where it leads.
    pub extension: ExtensionPresence,
    /// The PBX would not have it; it is not tried again before Teams changes.
    pub refused: bool,
}

impl PersonPresenceView {
    /// Of a decision, if there is one, and of how far they have come.
    pub fn of(
        settings: &PresenceSettings,
        choice: Option<&PresenceChoice>,
        carried: Option<(Member, Standing)>,
    ) -> Self {
        let last = carried.and_then(|(member, standing)| {
            let teams = standing.carried?;
            Some(CarriedView {
                teams,
                extension: member.mapping.target(teams),
                refused: standing.refused,
            })
        });
        Self {
            enabled: choice.map_or(settings.users_default == OnOff::On, |choice| choice.enabled),
            mapping: choice.and_then(|choice| choice.mapping),
            chosen_by: choice.map(|choice| choice.by),
            chosen_at: choice.map(|choice| choice.at),
            last,
        }
    }
}
