//! A group of extensions on the PBX, be it an extension group or a department: what this product owns of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{ExtensionId, PbxGroupId};

/// Longest name of an extension group or a department.
pub const MAX_GROUP_NAME: usize = 127;

/// Most extension groups on a PBX, whoever made them.
pub const MAX_EXTENSION_GROUPS: usize = 63;

/// What a member of an extension group may do there, as the PBX spells it. It is the PBX's own business: a member that
/// stays keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberRole(pub String);

impl Default for MemberRole {
    fn default() -> Self {
        Self("user".to_owned())
    }
}

/// What the list call says of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxGroupRow {
    /// The PBX's key.
    pub id: PbxGroupId,
    /// Its name.
    pub name: String,
    /// Whether it stands where new ones are made, so that its name is taken there. A department deeper in the tree does not.
    pub beside: bool,
}

/// A group with what Entra decides once it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxGroup {
    /// The PBX's key.
    pub id: PbxGroupId,
    /// Its name.
    pub name: String,
    /// Every extension belongs to it, without a list of members.
    pub everyone: bool,
    /// Who is in it.
    pub members: BTreeMap<ExtensionId, MemberRole>,
}

/// What a group is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupValues {
    /// Within the PBX's rules.
    pub name: String,
    /// Who is in it.
    pub members: BTreeSet<ExtensionId>,
}

/// What to write to a group; the rest keeps its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPatch {
    /// As it was read.
    pub before: PbxGroup,
    /// What it is to be.
    pub after: GroupValues,
}

impl PbxGroup {
    /// What Entra decides of it.
    pub fn values(&self) -> GroupValues {
        GroupValues {
            name: self.name.clone(),
            members: self.members.keys().copied().collect(),
        }
    }

    /// Whether it is what it is to be.
    pub fn is(&self, wanted: &GroupValues) -> bool {
        self.name == wanted.name && self.has_members(&wanted.members)
    }

    /// Whether exactly these are listed as its members.
    pub fn has_members(&self, wanted: &BTreeSet<ExtensionId>) -> bool {
        !self.everyone && self.members.keys().eq(wanted)
    }
}

impl GroupPatch {
    /// The members afterwards, with what each may do there.
    pub fn members(&self) -> BTreeMap<ExtensionId, MemberRole> {
        let role = |id: &ExtensionId| self.before.members.get(id).cloned().unwrap_or_default();
        self.after.members.iter().map(|id| (*id, role(id))).collect()
    }

    /// Extensions that come in, and those that go.
    pub fn moves(&self) -> (BTreeSet<ExtensionId>, BTreeSet<ExtensionId>) {
        let before: BTreeSet<ExtensionId> = self.before.members.keys().copied().collect();
        let after = &self.after.members;
        (
            after.difference(&before).copied().collect(),
            before.difference(after).copied().collect(),
        )
    }
}

/// Short, stable fingerprint of name and members as last written, so that a hand-made change on the PBX can be told from one
/// in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupDigest(u64);

impl GroupDigest {
    /// Of these values.
    pub fn of(values: &GroupValues) -> Self {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        hash.update(u64::try_from(values.name.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(values.name.as_bytes());
        for member in &values.members {
            hash.update(member.0.to_be_bytes());
        }
        let bytes = hash.finalize();
        Self(
            bytes
                .iter()
                .take(8)
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        )
    }
}
