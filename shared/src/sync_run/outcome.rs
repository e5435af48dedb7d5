//! What became of an operation, and the line that reports it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::extension::{Field, OwnedFields};
use crate::domain::ids::{EntraUserId, SyncRunId};
use crate::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind, Reason};
use crate::domain::sync_run::Counts;
use crate::plan::operation::{Change, Operation, Skipped};
use crate::plan::words::sentence;

use super::execute::Operate;

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done now.
    Applied,
    /// It was so already.
    AlreadyDone,
    /// Tried without success.
    Failed(Failure),
    /// Not tried.
    NotAttempted(Reason),
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The reason reported in place of the operation's own.
    pub reason: Reason,
    /// To a person.
    pub sentence: String,
    /// Whether trying the very same again may help.
    pub retry: bool,
}

/// When, and in which run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub at: Timestamp,
    pub run: SyncRunId,
}

/// The line of an operation.
pub(super) fn record(operation: &Operation, outcome: OutcomeKind, stamp: Stamp) -> OperationRecord {
    let (before, after) = differences(operation);
    let notes = operation.notes.join("; ");
    OperationRecord {
        at: stamp.at,
        run: stamp.run,
        kind: operation.kind(),
        object: ObjectKind::User,
        entra_id: operation.user.to_string(),
        name: operation.name.clone(),
        target_id: operation.extension().map(|extension| extension.to_string()),
        number: Some(operation.number.to_string()),
        before,
        after,
        reason: operation.reason,
        reason_text: sentence(operation.reason, &notes),
        outcome,
        error: None,
    }
}

impl Operate for Operation {
    type Object = EntraUserId;

    fn object(&self) -> EntraUserId {
        self.user
    }

    fn object_kind(&self) -> ObjectKind {
        ObjectKind::User
    }

    fn kind(&self) -> OperationKind {
        Self::kind(self)
    }

    fn phase(&self) -> u32 {
        self.phase
    }

    fn relies_on(&self) -> &[EntraUserId] {
        &self.relies_on
    }

    fn record(&self, outcome: OutcomeKind, stamp: Stamp) -> OperationRecord {
        record(self, outcome, stamp)
    }
}

/// Operations as lines of one outcome.
pub(super) fn lines<O: Operate>(
    operations: &[O],
    outcome: OutcomeKind,
    stamp: Stamp,
) -> Vec<OperationRecord> {
    operations
        .iter()
        .map(|operation| operation.record(outcome, stamp))
        .collect()
}

/// The line of an operation that did not succeed.
pub(super) fn unsuccessful(
    operation: &impl Operate,
    outcome: &Outcome,
    stamp: Stamp,
) -> Option<OperationRecord> {
    match outcome {
        Outcome::Applied | Outcome::AlreadyDone => None,
        Outcome::Failed(failure) => {
            let mut record = operation.record(OutcomeKind::Failed, stamp);
            record.reason = failure.reason;
            record.reason_text = sentence(failure.reason, "");
            record.error = Some(failure.sentence.clone());
            Some(record)
        }
        Outcome::NotAttempted(reason) => {
            let mut record = operation.record(OutcomeKind::NotAttempted, stamp);
            record.reason = *reason;
            record.reason_text = sentence(*reason, "");
            Some(record)
        }
    }
}

/// The line of a person left alone.
pub(super) fn skip_record(skipped: &Skipped, stamp: Stamp) -> OperationRecord {
    OperationRecord {
        at: stamp.at,
        run: stamp.run,
        kind: OperationKind::Skip,
        object: ObjectKind::User,
        entra_id: skipped.user.to_string(),
        name: skipped.name.clone(),
        target_id: None,
        number: skipped.number.as_ref().map(ToString::to_string),
        before: None,
        after: None,
        reason: skipped.reason,
        reason_text: sentence(skipped.reason, &skipped.detail),
        outcome: OutcomeKind::NotAttempted,
        error: None,
    }
}

/// Adds one operation to the counts.
pub(super) fn count(counts: &mut Counts, kind: OperationKind, outcome: &Outcome) {
    let slot = match (outcome, kind) {
        (Outcome::Failed(_), _) => &mut counts.failed,
        (Outcome::NotAttempted(_), _) | (_, OperationKind::Skip) => &mut counts.skipped,
        // No run tells of these.
        (_, OperationKind::Alert | OperationKind::Recovery) => return,
        (_, OperationKind::Create) => &mut counts.create,
        (_, OperationKind::Update) => &mut counts.update,
        (_, OperationKind::Bind) => &mut counts.bind,
        (_, OperationKind::Release) => &mut counts.release,
        (_, OperationKind::Delete) => &mut counts.delete,
    };
    *slot += 1;
}

type Values = Option<BTreeMap<String, String>>;

fn differences(operation: &Operation) -> (Values, Values) {
    match &operation.change {
        Change::Create { fields } => (None, Some(filled(fields))),
        Change::Update { before, after, .. } | Change::Bind { before, after, .. } => {
            let fields = before.differing(after);
            (Some(some_of(before, &fields)), Some(some_of(after, &fields)))
        }
        Change::Delete { before, .. } => (before.as_ref().map(filled), None),
        Change::Note { .. } | Change::MarkLeaving { .. } | Change::Release { .. } => (None, None),
    }
}

fn filled(fields: &OwnedFields) -> BTreeMap<String, String> {
    let filled: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|field| !fields.get(*field).is_empty())
        .collect();
    some_of(fields, &filled)
}

fn some_of(values: &OwnedFields, fields: &[Field]) -> BTreeMap<String, String> {
    fields
        .iter()
        .map(|field| (field.key().to_owned(), values.get(*field).to_owned()))
        .collect()
}
