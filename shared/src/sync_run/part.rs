//! What a part of a run works with and what it leaves behind. A part collects, plans, checks, executes and records its own
//! objects; the order of the parts, holds and the end of the run are `conduct`'s.

use crate::deadline::Deadline;
use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::operation_record::{OperationRecord, OutcomeKind};
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{Counts, Progress, SyncRun};
use crate::domain::teardown::{Duty, Removal, duty};
use crate::plan::groups::world::People;
use crate::ports::Sides;
use crate::store::{Lease, Store, StoreError, WorkState};

use super::Engine;
use super::execute::{Limits, Stopped};
use super::group_news::GroupNews;
use super::hold::{Approved, Waiting};
use super::outcome::{Outcome, Stamp, count};
use super::watch::Watch;

/// What deciding needs: also that of an approval, which writes nothing.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub engine: &'a Engine,
    pub connection: &'a Connection,
    pub sides: &'a Sides,
    pub settings: &'a ConnectionSettings,
    pub state: &'a WorkState,
    /// What is known to have changed, however learnt.
    pub pending: &'a Changes,
    /// What the directory says of groups since the last run.
    pub news: &'a GroupNews,
    /// Removals that need no person's word any more.
    pub approved: &'a Approved,
}

/// What carrying out needs beside it.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub basis: Basis<'a>,
    pub lease: &'a Lease,
    pub deadline: &'a Deadline,
}

/// What a part leaves behind.
#[derive(Default)]
pub(super) struct PartEnd {
    /// Objects that are ours now; `None` where that is not known.
    pub managed: Option<u64>,
    /// Who has an extension now, for the parts that need to know.
    pub people: Option<People>,
    /// Lines of objects left alone, and of remarks.
    pub left_alone: Vec<OperationRecord>,
    /// Removals that wait for a person.
    pub waiting: Option<Waiting>,
    /// Whether everything that was read was carried out, or waits for a person.
    pub whole: bool,
    /// Whether it did not look at all, for want of anything that asked it to.
    pub idle: bool,
    /// Why nothing more of the run is to be done.
    pub stopped: Option<Stopped>,
}

impl<'a> Basis<'a> {
    pub fn store(&self) -> &'a Store {
        &self.engine.store
    }

    /// What is to become of the objects of a part, where an admin wants them taken away.
    pub fn removal(&self, part: Part) -> Option<Removal> {
        match duty(part, self.connection, self.settings) {
            Duty::Remove(removal) => Some(removal),
            Duty::Sync | Duty::Rest => None,
        }
    }

    pub fn stamp(&self, run: &SyncRun) -> Stamp {
        Stamp {
            at: self.engine.clock.now(),
            run: run.id,
        }
    }
}

impl<'a> Frame<'a> {
    pub fn store(&self) -> &'a Store {
        self.basis.store()
    }

    /// How an execution of this run is bounded; `slots`: how many operations are useful side by side.
    pub fn limits(&self, slots: usize) -> Limits {
        Limits {
            deadline: self.deadline.clone(),
            slots,
        }
    }

    /// What an execution tells and asks while it runs.
    pub fn watch(&self, run: &SyncRun) -> Watch<'a> {
        Watch {
            store: self.store(),
            lease: self.lease,
            run: run.clone(),
            before: run.progress.done,
        }
    }
}

/// The counts of a kind of object: `earlier` of the same run, and what came of this execution.
pub(super) fn sum_up(earlier: &Counts, now: &Counts, unchanged: u64, left_alone: usize) -> Counts {
    let in_step_since = earlier.create + earlier.update + earlier.bind;
    let mut counts = Counts {
        unchanged: 0,
        skipped: left_alone as u64,
        failed: 0,
        ..*earlier
    };
    counts.add(now);
    // What was brought in step earlier in this run is not counted a second time as unchanged.
    counts.unchanged = unchanged.saturating_sub(in_step_since);
    counts
}

/// The dry run: everything that would happen, as lines; nothing is written but them.
pub(super) async fn show(
    basis: &Basis<'_>,
    run: &mut SyncRun,
    lines: Vec<OperationRecord>,
    waiting: Option<&Waiting>,
) -> Result<(), StoreError> {
    let mut shown = lines;
    let waiting = waiting.iter().flat_map(|waiting| waiting.lines.iter().cloned());
    shown.extend(waiting.map(|mut line| {
        line.outcome = OutcomeKind::DryRun;
        line
    }));
    basis.store().append_records(run.connection, &shown).await?;
    for line in &shown {
        let counts = run.counts_by_object.entry(line.object).or_default();
        count(counts, line.kind, &Outcome::Applied);
    }
    let shown = run.progress.done + shown.len() as u64;
    run.progress = Progress {
        done: shown,
        total: shown,
    };
    Ok(())
}
