//! One collect-plan-check-execute and what became of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ConnectionId, EntraUserId, SyncRunId};
use super::operation_record::ObjectKind;
use super::part::Part;

macro_rules! word {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $item
    )* };
}

word! {
    /// What started a run.
    pub enum Trigger { /// The schedule.
        Scheduled, /// A person.
        Manual, /// Changes in Entra.
        Changes, /// The first save of settings.
        FirstSave, /// The rest of a run that had to stop.
        Continuation }
    /// How much is read.
    pub enum RunMode { /// Everything.
        Full, /// What changed since the last run; a full read where that is not known.
        Delta }
    /// A part of a run; parts go in this order, and each finds what the ones before it left.
    pub enum SyncPart { /// People to extensions.
        Users, /// Groups to extension groups or departments.
        Groups, /// Contacts to phonebooks.
        Contacts }
    /// How far a run has come.
    pub enum RunState { /// Waits for its turn.
        Queued, /// Collects.
        Reading, /// Decides.
        Planning, /// Removals wait for a person; all else is done.
        Held, /// Writes.
        Applying, /// All done.
        Succeeded, /// Done, some objects failed.
        PartlyFailed, /// Stopped by one error.
        Failed, /// Stopped by a person.
        Cancelled }
}

impl SyncPart {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Users, Self::Groups, Self::Contacts];

    /// The part of the connection that it does.
    pub fn part(self) -> Part {
        match self {
            Self::Users => Part::Users,
            Self::Groups => Part::Groups,
            Self::Contacts => Part::Contacts,
        }
    }

    /// What sentences call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Users => "user sync",
            Self::Groups => "group sync",
            Self::Contacts => "contact sync",
        }
    }
}

impl RunState {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::PartlyFailed | Self::Failed | Self::Cancelled
        )
    }
}

/// What a run is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// What started it.
    pub trigger: Trigger,
    /// How much is read.
    pub mode: RunMode,
    /// Decide and report, write nothing.
    pub dry_run: bool,
    /// This person alone.
    pub user: Option<EntraUserId>,
}

/// A run as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRun {
    /// Its id.
    pub id: SyncRunId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// What it was asked to do.
    pub request: RunRequest,
    /// How far it has come.
    pub state: RunState,
    /// Operations done, of how many.
    pub progress: Progress,
    /// Per kind of object.
    pub counts_by_object: BTreeMap<ObjectKind, Counts>,
    /// While removals wait, or waited: why.
    pub held: Option<Held>,
    /// A person asked it to stop.
    pub cancel_requested: bool,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it began to read.
    pub started_at: Option<Timestamp>,
    /// When nothing more will happen.
    pub finished_at: Option<Timestamp>,
    /// Why it failed, as one sentence.
    pub error: Option<String>,
    /// Parts that could not be done though others were, and why.
    #[serde(default)]
    pub problems: BTreeMap<SyncPart, String>,
    /// Where the objects left alone are listed: the fingerprint of that list.
    pub skips: Option<String>,
}

/// Operations done, of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// Finished, well or not.
    pub done: u64,
    /// Planned.
    pub total: u64,
}

/// Removals that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// As a sentence.
    pub because: String,
    /// Fingerprint of the set of removals; an approval is for exactly this set.
    pub removals: String,
    /// Of each part's share of the set, by which the part knows it again while others have not been read yet.
    #[serde(default)]
    pub by_part: BTreeMap<SyncPart, String>,
    /// How many.
    pub count: u64,
    /// Since when.
    pub since: Timestamp,
    /// Whether a person said yes or no.
    pub verdict: Option<Verdict>,
}

word! {
    /// What a person said of held removals.
    pub enum Verdict { /// Remove them.
        Approved, /// Keep them.
        Rejected }
}

/// How many objects met which end. Every object seen is in exactly one of the first six, failed ones in `failed` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Counts {
    /// Made.
    pub create: u64,
    /// Changed.
    pub update: u64,
    /// Existing ones taken over.
    pub bind: u64,
    /// Removed.
    pub delete: u64,
    /// Let go, kept on the PBX.
    pub release: u64,
    /// In step already.
    pub unchanged: u64,
    /// Left alone, with a reason.
    pub skipped: u64,
    /// Tried without success.
    pub failed: u64,
}

impl Counts {
    /// Adds the other's numbers to this one's.
    pub fn add(&mut self, other: &Self) {
        let Self {
            create,
            update,
            bind,
            delete,
            release,
            unchanged,
            skipped,
            failed,
        } = other;
        self.create += create;
        self.update += update;
        self.bind += bind;
        self.delete += delete;
        self.release += release;
        self.unchanged += unchanged;
        self.skipped += skipped;
        self.failed += failed;
    }
}

impl SyncRun {
    /// A run that waits for its turn.
    pub fn queued(connection: ConnectionId, request: RunRequest, now: Timestamp) -> Self {
        Self {
            id: SyncRunId::generate(now),
            connection,
            request,
            state: RunState::Queued,
            progress: Progress::default(),
            counts_by_object: BTreeMap::new(),
            held: None,
            cancel_requested: false,
            requested_at: now,
            started_at: None,
            finished_at: None,
            error: None,
            problems: BTreeMap::new(),
            skips: None,
        }
    }

    /// Why it failed, or what of it did.
    pub fn error_sentence(&self) -> Option<String> {
        let problems = self.problems.iter();
        let of_parts: Vec<String> = problems
            .map(|(part, why)| format!("{}: {why}", part.label()))
            .collect();
        let joined = (!of_parts.is_empty()).then(|| of_parts.join("; "));
        self.error.clone().or(joined)
    }

    /// All kinds of objects together.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for counts in self.counts_by_object.values() {
            sum.add(counts);
        }
        sum
    }
}
