//! Operations on groups as their execution and their reports see them.

use crate::domain::ids::EntraGroupId;
use crate::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind};
use crate::plan::groups::operation::{GroupOperation, GroupSkipped};
use crate::plan::groups::words::group_sentence;
use crate::sync_run::execute::Operate;
use crate::sync_run::outcome::Stamp;

impl Operate for GroupOperation {
    type Object = EntraGroupId;

    fn object(&self) -> EntraGroupId {
        self.group
    }

    fn object_kind(&self) -> ObjectKind {
        ObjectKind::Group
    }

    fn kind(&self) -> OperationKind {
        Self::kind(self)
    }

    fn phase(&self) -> u32 {
        self.phase
    }

    fn relies_on(&self) -> &[EntraGroupId] {
        &self.relies_on
    }

    fn record(&self, outcome: OutcomeKind, stamp: Stamp) -> OperationRecord {
        OperationRecord {
            at: stamp.at,
            run: stamp.run,
            kind: self.kind(),
            object: ObjectKind::Group,
            entra_id: self.group.to_string(),
            name: self.name.clone(),
            target_id: self.target_id().map(|id| id.to_string()),
            number: None,
            before: self.before.clone(),
            after: self.after.clone(),
            reason: self.reason,
            reason_text: group_sentence(self.reason, &self.notes.join("; ")),
            outcome,
            error: None,
        }
    }
}

/// The line of a group left alone.
pub(super) fn skip_record(skipped: &GroupSkipped, stamp: Stamp) -> OperationRecord {
    OperationRecord {
        at: stamp.at,
        run: stamp.run,
        kind: OperationKind::Skip,
        object: ObjectKind::Group,
        entra_id: skipped.group.to_string(),
        name: skipped.name.clone(),
        target_id: skipped.target.map(|id| id.to_string()),
        number: None,
        before: None,
        after: None,
        reason: skipped.reason,
        reason_text: group_sentence(skipped.reason, &skipped.detail),
        outcome: OutcomeKind::NotAttempted,
        error: None,
    }
}
