//! Our record that this Entra group is served by this group on the PBX. Without one, a group on the PBX is never touched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{EntraGroupId, PbxGroupId};
use super::pbx_group::GroupDigest;
use super::settings::GroupTarget;

/// A group's hold on a group of the PBX, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupBinding {
    /// Whose.
    pub group: EntraGroupId,
    /// What it became on the PBX. A group may have one of each while the admin changes the target.
    pub target: GroupTarget,
    /// Its name on the PBX.
    pub name: String,
    /// How far it has come.
    pub stage: GroupStage,
}

/// How far a group's binding has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GroupStage {
    /// A create was about to be sent, when nothing on the PBX had the name: the group may or may not exist.
    Intended {
        /// When.
        at: Timestamp,
    },
    /// The group on the PBX is ours.
    Bound(BoundGroup),
}

/// The group of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundGroup {
    /// The PBX's key.
    pub id: PbxGroupId,
    /// Of name and members as we last wrote or confirmed them.
    pub written: GroupDigest,
    /// When the binding was made.
    pub bound_at: Timestamp,
    /// When it was last written.
    pub written_at: Timestamp,
}

impl GroupBinding {
    /// The group on the PBX, unless it is only intended.
    pub fn bound(&self) -> Option<&BoundGroup> {
        match &self.stage {
            GroupStage::Intended { .. } => None,
            GroupStage::Bound(bound) => Some(bound),
        }
    }
}
