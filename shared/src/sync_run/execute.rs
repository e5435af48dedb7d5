//! Carries out a plan phase by phase, several operations side by side, whatever part of the run it belongs to. One outcome
//! each; independent failures do not stop the rest, a side that is gone does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use futures::StreamExt as _;

use crate::deadline::Deadline;
use crate::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind, Reason};
use crate::domain::sync_run::Counts;

use super::effect::{StopCause, Trouble};
use super::outcome::{Failure, Outcome, Stamp, count, unsuccessful};

/// So many failures for want of an answer, with no success between them, mean that the PBX is gone.
/// More than the PBX client ever has in flight, so that one bad moment does not end a run.
const SILENCE_LIMIT: u32 = 16;

/// After how many operations a person looking at the run sees its progress move.
const REPORT_EVERY: u64 = 25;

/// An operation as its execution sees it.
pub(super) trait Operate: Send + Sync {
    /// What operations of this kind are told apart by.
    type Object: Ord + Copy + Send;
    /// What it is about.
    fn object(&self) -> Self::Object;
    /// Under which kind of object it is counted.
    fn object_kind(&self) -> ObjectKind;
    /// The word it is reported under.
    fn kind(&self) -> OperationKind;
    /// Operations of an earlier phase end before those of a later one begin.
    fn phase(&self) -> u32;
    /// Whose operations must have been applied first.
    fn relies_on(&self) -> &[Self::Object];
    /// Its line.
    fn record(&self, outcome: OutcomeKind, stamp: Stamp) -> OperationRecord;
}

/// Carries out operations of one kind. May be cut between any two effects; planning again recognises what was done.
#[async_trait]
pub(super) trait Perform<O>: Sync {
    /// Does it.
    async fn perform(&self, operation: &O) -> Result<Outcome, Trouble>;
    /// When and in which run it is done.
    fn stamp(&self) -> Stamp;
}

/// What became of a plan.
#[derive(Default)]
pub(super) struct Report {
    counts: BTreeMap<ObjectKind, Counts>,
    /// Lines of what did not succeed; the others were written with their effect.
    pub unsuccessful: Vec<OperationRecord>,
    /// Whether the same run again may do better.
    pub retry: bool,
    /// Numbers were refused, so planning again finds others.
    pub numbers_refused: bool,
    pub stopped: Option<Stopped>,
    pub done: u64,
}

impl Report {
    /// How many operations on objects of this kind met which end.
    pub fn counts_of(&self, kind: ObjectKind) -> Counts {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// Whether the rest is left to a continuation.
    pub fn out_of_time(&self) -> bool {
        matches!(self.stopped, Some(Stopped::OutOfTime))
    }
}

/// Why a plan was not carried out to its end.
pub(super) enum Stopped {
    /// The time given to this function is nearly over.
    OutOfTime,
    /// A person asked for it.
    Cancelled,
    /// A side is gone.
    Cause(StopCause),
    /// The PBX does not answer any more.
    Silence(String),
}

/// What the execution asks and tells while it runs.
#[async_trait::async_trait]
pub(super) trait Supervisor: Send + Sync {
    /// Whether a person asked the run to stop.
    async fn cancelled(&self) -> bool;
    /// So many operations are done.
    async fn progress(&self, done: u64);
}

/// Limits of one execution.
pub(super) struct Limits {
    /// When to stop cleanly.
    pub deadline: Deadline,
    /// How many writes at once the PBX takes.
    pub slots: usize,
}

struct Course<'a, O: Operate> {
    hands: &'a dyn Perform<O>,
    limits: &'a Limits,
    supervisor: &'a dyn Supervisor,
    state: Mutex<State<O::Object>>,
}

struct State<Object> {
    report: Report,
    fruitless: BTreeSet<Object>,
    silent: u32,
    full: bool,
}

/// Carries out `operations`, which are sorted by phase.
pub(super) async fn execute<O: Operate>(
    operations: Vec<O>,
    hands: &dyn Perform<O>,
    limits: &Limits,
    supervisor: &dyn Supervisor,
) -> Report {
    let state = State {
        report: Report::default(),
        fruitless: BTreeSet::new(),
        silent: 0,
        full: false,
    };
    let course = Course {
        hands,
        limits,
        supervisor,
        state: Mutex::new(state),
    };
    // Who switched a part off while this was being decided is not kept waiting for the first operations.
    if !operations.is_empty() && supervisor.cancelled().await {
        course.stop(Stopped::Cancelled);
    }
    let mut rest = operations.into_iter().peekable();
    while let Some(phase) = rest.peek().map(Operate::phase) {
        let mut together = Vec::new();
        while let Some(operation) = rest.next_if(|operation| operation.phase() == phase) {
            together.push(operation);
        }
        course.phase(together).await;
    }
    course
        .state
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .report
}

impl<O: Operate> Course<'_, O> {
    fn state(&self) -> std::sync::MutexGuard<'_, State<O::Object>> {
        // A panic of one operation must not take the others' outcomes with it.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn phase(&self, operations: Vec<O>) {
        // Twice the PBX's slots: while some operations wait for the table, others use the PBX.
        let side_by_side = self.limits.slots.max(1) * 2;
        futures::stream::iter(operations)
            .for_each_concurrent(side_by_side, |operation| self.one(operation))
            .await;
    }

    async fn one(&self, operation: O) {
        let outcome = match self.obstacle(&operation) {
            Some(reason) => Outcome::NotAttempted(reason),
            None => match self.hands.perform(&operation).await {
                Ok(outcome) => outcome,
                Err(Trouble::Failed(failure)) => Outcome::Failed(failure),
                Err(Trouble::Stop(cause)) => self.stop(Stopped::Cause(cause)),
            },
        };
        let done = self.note(&operation, &outcome);
        if done.is_multiple_of(REPORT_EVERY) {
            self.supervisor.progress(done).await;
            if self.supervisor.cancelled().await {
                self.stop(Stopped::Cancelled);
            }
        }
    }

    /// Why an operation is not even tried.
    fn obstacle(&self, operation: &O) -> Option<Reason> {
        let out_of_time = self.limits.deadline.has_passed(self.hands.stamp().at);
        if out_of_time {
            self.stop(Stopped::OutOfTime);
        }
        let state = self.state();
        if state.report.stopped.is_some() {
            return Some(Reason::RunStopped);
        }
        if state.full && operation.kind() == OperationKind::Create {
            return Some(Reason::CapacityReached);
        }
        let missing = operation
            .relies_on()
            .iter()
            .any(|object| state.fruitless.contains(object));
        missing.then_some(Reason::DependencyFailed)
    }

    /// The first cause is the one that is reported.
    fn stop(&self, why: Stopped) -> Outcome {
        let mut state = self.state();
        if state.report.stopped.is_none() {
            state.report.stopped = Some(why);
        }
        Outcome::NotAttempted(Reason::RunStopped)
    }

    fn note(&self, operation: &O, outcome: &Outcome) -> u64 {
        let stamp = self.hands.stamp();
        let mut state = self.state();
        let stopped_early = matches!(outcome, Outcome::NotAttempted(Reason::RunStopped));
        if !stopped_early {
            let counts = state.report.counts.entry(operation.object_kind()).or_default();
            count(counts, operation.kind(), outcome);
            state.report.done += 1;
        }
        state
            .report
            .unsuccessful
            .extend(unsuccessful(operation, outcome, stamp));
        match outcome {
            Outcome::Applied | Outcome::AlreadyDone => state.silent = 0,
            Outcome::Failed(failure) => note_failure(&mut state, operation, failure),
            Outcome::NotAttempted(_) => {
                state.fruitless.insert(operation.object());
            }
        }
        state.report.done
    }
}

fn note_failure<O: Operate>(state: &mut State<O::Object>, operation: &O, failure: &Failure) {
    state.fruitless.insert(operation.object());
    state.report.retry |= failure.retry;
    state.report.numbers_refused |= failure.reason == Reason::NumberTaken;
    state.full |= failure.reason == Reason::CapacityReached;
    if failure.reason != Reason::PbxUnavailable {
        state.silent = 0;
        return;
    }
    state.silent += 1;
    if state.silent >= SILENCE_LIMIT && state.report.stopped.is_none() {
        state.report.stopped = Some(Stopped::Silence(failure.sentence.clone()));
    }
}
