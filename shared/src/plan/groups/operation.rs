//! What a plan about groups is made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::group_binding::BoundGroup;
use crate::domain::ids::{EntraGroupId, ExtensionId, PbxGroupId};
use crate::domain::operation_record::{OperationKind, Reason};
use crate::domain::pbx_group::{GroupPatch, GroupValues, PbxGroup};
use crate::domain::settings::GroupTarget;

use super::world::GroupWorld;

/// Most extensions that a report names; the rest is counted.
const NAMED_IN_REPORTS: usize = 50;

/// One change to one group's counterpart on the PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOperation {
    /// Whose.
    pub group: EntraGroupId,
    /// Its name on the PBX.
    pub name: String,
    /// What it is on the PBX.
    pub target: GroupTarget,
    /// What to do.
    pub change: GroupChange,
    /// Why.
    pub reason: Reason,
    /// Remarks, as sentences.
    pub notes: Vec<String>,
    /// Values that change, for reports.
    pub before: Option<BTreeMap<String, String>>,
    /// The same afterwards.
    pub after: Option<BTreeMap<String, String>>,
    /// Groups whose operation must have been applied first, because it frees a name.
    pub relies_on: Vec<EntraGroupId>,
    /// Operations of an earlier phase end before those of a later one begin.
    pub phase: u32,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Make the group.
    Create {
        /// With these values.
        after: GroupValues,
    },
    /// Write what differs.
    Update {
        /// As bound so far.
        bound: BoundGroup,
        /// As it is.
        before: PbxGroup,
        /// As it is to be.
        after: GroupValues,
    },
    /// The PBX is right already; the binding is not.
    Note {
        /// As bound so far.
        bound: BoundGroup,
        /// As it is.
        values: GroupValues,
    },
    /// Let it go: kept on the PBX, never touched again.
    Release {
        /// Which.
        id: PbxGroupId,
    },
    /// Delete it; `None` if it is gone already and only our record of it remains.
    Delete {
        /// Which.
        id: Option<PbxGroupId>,
    },
}

/// A group left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSkipped {
    /// Which.
    pub group: EntraGroupId,
    /// Its name, for reports.
    pub name: String,
    /// Why.
    pub reason: Reason,
    /// What exactly, and what would mend it; empty where the reason says all.
    pub detail: String,
    /// Its counterpart on the PBX, if there is one.
    pub target: Option<PbxGroupId>,
}

impl GroupOperation {
    /// Whether it takes a group away from our care.
    pub fn is_removal(&self) -> bool {
        matches!(
            self.change,
            GroupChange::Release { .. } | GroupChange::Delete { .. }
        )
    }

    /// The word it is reported under.
    pub fn kind(&self) -> OperationKind {
        match &self.change {
            GroupChange::Create { .. } => OperationKind::Create,
            GroupChange::Update { .. } | GroupChange::Note { .. } => OperationKind::Update,
            GroupChange::Release { .. } => OperationKind::Release,
            GroupChange::Delete { .. } => OperationKind::Delete,
        }
    }

    /// The group on the PBX, where one exists.
    pub fn target_id(&self) -> Option<PbxGroupId> {
        match &self.change {
            GroupChange::Create { .. } => None,
            GroupChange::Update { bound, .. } | GroupChange::Note { bound, .. } => Some(bound.id),
            GroupChange::Release { id } => Some(*id),
            GroupChange::Delete { id } => *id,
        }
    }

    /// The name it has afterwards, where the operation writes one.
    pub(super) fn name_after(&self) -> Option<&str> {
        match &self.change {
            GroupChange::Create { after } | GroupChange::Update { after, .. } => Some(&after.name),
            GroupChange::Note { .. } | GroupChange::Release { .. } | GroupChange::Delete { .. } => None,
        }
    }

    /// Puts what changes into words: names, how many are in it, which extensions come and go.
    pub(super) fn describe(&mut self, numbers: &Numbers<'_>, world: &GroupWorld) {
        (self.before, self.after) = match &self.change {
            GroupChange::Create { after } => (None, Some(numbers.all(after))),
            GroupChange::Update { before, after, .. } => numbers.changed(before, after),
            GroupChange::Delete { id } => {
                let known = id.and_then(|id| world.details.get(&id));
                (known.map(|group| numbers.all(&group.values())), None)
            }
            GroupChange::Note { .. } | GroupChange::Release { .. } => (None, None),
        };
    }
}

type Words = BTreeMap<String, String>;

/// Extensions as people know them.
pub(super) struct Numbers<'w>(BTreeMap<ExtensionId, &'w str>);

impl<'w> Numbers<'w> {
    pub fn of(world: &'w GroupWorld) -> Self {
        let own = world.people.extensions.values();
        Self(own.map(|own| (own.id, own.number.as_str())).collect())
    }

    fn all(&self, values: &GroupValues) -> Words {
        [
            ("name".to_owned(), values.name.clone()),
            ("members".to_owned(), self.list(&values.members)),
        ]
        .into()
    }

    fn changed(&self, before: &PbxGroup, after: &GroupValues) -> (Option<Words>, Option<Words>) {
        let (mut was, mut is) = (Words::new(), Words::new());
        if before.name != after.name {
            was.insert("name".to_owned(), before.name.clone());
            is.insert("name".to_owned(), after.name.clone());
        }
        if before.everyone {
            was.insert("members".to_owned(), "all extensions".to_owned());
            is.insert("members".to_owned(), self.list(&after.members));
        } else if !before.has_members(&after.members) {
            let patch = GroupPatch {
                before: before.clone(),
                after: after.clone(),
            };
            let (come, go) = patch.moves();
            was.insert("members".to_owned(), before.members.len().to_string());
            is.insert("members".to_owned(), after.members.len().to_string());
            for (what, extensions) in [("added", come), ("removed", go)] {
                if !extensions.is_empty() {
                    is.insert(what.to_owned(), self.list(&extensions));
                }
            }
        }
        (Some(was), Some(is))
    }

    fn list(&self, extensions: &BTreeSet<ExtensionId>) -> String {
        let number = |id: &ExtensionId| {
            self.0
                .get(id)
                .map_or_else(|| format!("#{id}"), |n| (*n).to_owned())
        };
        let mut named: Vec<String> = extensions.iter().map(number).collect();
        named.sort();
        let more = named.len().saturating_sub(NAMED_IN_REPORTS);
        named.truncate(NAMED_IN_REPORTS);
        if more > 0 {
            named.push(format!("and {more} more"));
        }
        named.join(", ")
    }
}
