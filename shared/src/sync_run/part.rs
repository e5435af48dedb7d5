//! What a part of a run works with and what it leaves behind. A part collects, plans, checks, executes and records its own
//! objects; the order of the parts, holds and the end of the run are `conduct`'s.

use crate::deadline::Deadline;
use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::operation_record::OperationRecord;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{SyncPart, SyncRun, Verdict};
use crate::ports::Sides;
use crate::store::{Lease, Store, WorkState};

use super::Engine;
use super::execute::{Limits, Stopped};
use super::hold::{Waiting, removals_digest};
use super::outcome::Stamp;
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
    /// Lines of objects left alone, and of remarks.
    pub left_alone: Vec<OperationRecord>,
    /// Removals that wait for a person.
    pub waiting: Option<Waiting>,
    /// Whether everything that was read was carried out, or waits for a person.
    pub whole: bool,
    /// Why nothing more of the run is to be done.
    pub stopped: Option<Stopped>,
}

impl<'a> Basis<'a> {
    pub fn store(&self) -> &'a Store {
        &self.engine.store
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

/// Whether a person approved exactly these removals of this part.
pub(super) fn is_approved(run: &SyncRun, part: SyncPart, waiting: &[OperationRecord]) -> bool {
    run.held
        .as_ref()
        .filter(|held| held.verdict == Some(Verdict::Approved))
        .and_then(|held| held.by_part.get(&part))
        .is_some_and(|approved| *approved == removals_digest(waiting))
}
