//! What a plan is made of: operations that leave nothing to decide, and people left alone with the reason.

use crate::domain::binding::{BoundExtension, LeavingCause};
use crate::domain::extension::OwnedFields;
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::number::ExtensionNumber;
use crate::domain::operation_record::{OperationKind, Reason};

/// One change to one person's extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Whose.
    pub user: EntraUserId,
    /// The person's name, for reports.
    pub name: String,
    /// The extension's number.
    pub number: ExtensionNumber,
    /// What to do.
    pub change: Change,
    /// Why.
    pub reason: Reason,
    /// Have the PBX send its welcome mail.
    pub welcome: bool,
    /// Values that did not fit, and other remarks, as sentences.
    pub notes: Vec<String>,
    /// People whose operation must have been applied first, because it frees a number or an address.
    pub relies_on: Vec<EntraUserId>,
    /// Operations of an earlier phase end before those of a later one begin.
    pub phase: u32,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make the extension.
    Create {
        /// With these values.
        fields: OwnedFields,
    },
    /// Take over an extension that is not bound.
    Bind {
        /// Which.
        extension: ExtensionId,
        /// Values it has.
        before: OwnedFields,
        /// Values it gets.
        after: OwnedFields,
    },
    /// Write the fields that differ.
    Update {
        /// As bound so far.
        bound: BoundExtension,
        /// Values it has.
        before: OwnedFields,
        /// Values it gets.
        after: OwnedFields,
    },
    /// The PBX is right already; the binding is not: note the present values, number and stage in it.
    Note {
        /// As bound so far.
        bound: BoundExtension,
        /// Values the extension has.
        fields: OwnedFields,
    },
    /// The person left; the extension stays for now.
    MarkLeaving {
        /// As bound so far.
        bound: BoundExtension,
        /// Why.
        cause: LeavingCause,
    },
    /// Let the extension go: kept on the PBX, never touched again.
    Release {
        /// Which.
        extension: ExtensionId,
    },
    /// Delete the extension; `None` if it is gone already and only our record of it remains.
    Delete {
        /// Which.
        extension: Option<ExtensionId>,
        /// Values it had, where known.
        before: Option<OwnedFields>,
    },
}

/// A person left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Who.
    pub user: EntraUserId,
    /// Their name, for reports.
    pub name: String,
    /// Why.
    pub reason: Reason,
    /// What exactly, and what would mend it; empty where the reason says all.
    pub detail: String,
    /// The extension they have, if any.
    pub number: Option<ExtensionNumber>,
}

impl Operation {
    /// Whether it takes an extension away from our care.
    pub fn is_removal(&self) -> bool {
        matches!(self.change, Change::Release { .. } | Change::Delete { .. })
    }

    /// The word it is reported under.
    pub fn kind(&self) -> OperationKind {
        match &self.change {
            Change::Create { .. } => OperationKind::Create,
            Change::Bind { .. } => OperationKind::Bind,
            Change::Update { .. } | Change::Note { .. } | Change::MarkLeaving { .. } => OperationKind::Update,
            Change::Release { .. } => OperationKind::Release,
            Change::Delete { .. } => OperationKind::Delete,
        }
    }

    /// The extension it is about, where one exists.
    pub fn extension(&self) -> Option<ExtensionId> {
        match &self.change {
            Change::Create { .. } => None,
            Change::Bind { extension, .. } | Change::Release { extension } => Some(*extension),
            Change::Update { bound, .. } | Change::Note { bound, .. } | Change::MarkLeaving { bound, .. } => {
                Some(bound.extension)
            }
            Change::Delete { extension, .. } => *extension,
        }
    }

    /// The values the extension has afterwards, where the operation writes any.
    pub fn fields_after(&self) -> Option<&OwnedFields> {
        match &self.change {
            Change::Create { fields } => Some(fields),
            Change::Bind { after, .. } | Change::Update { after, .. } => Some(after),
            Change::Note { .. }
            | Change::MarkLeaving { .. }
            | Change::Release { .. }
            | Change::Delete { .. } => None,
        }
    }
}
