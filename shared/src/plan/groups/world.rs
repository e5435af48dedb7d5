//! What was read before deciding about groups. Groups are read as a whole or not at all, so a group that is not there is
//! gone, or not chosen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::entra_group::EntraGroup;
use crate::domain::group_binding::GroupBinding;
use crate::domain::ids::{EntraGroupId, EntraUserId, ExtensionId, PbxGroupId};
use crate::domain::number::ExtensionNumber;
use crate::domain::pbx_group::{PbxGroup, PbxGroupRow};
use crate::domain::settings::{GroupSettings, SafetySettings};

/// The extension that serves a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnExtension {
    /// The PBX's key.
    pub id: ExtensionId,
    /// Its number, for reports.
    pub number: ExtensionNumber,
    /// Since when it serves them.
    pub since: Timestamp,
}

/// Who has an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Those that are bound.
    pub extensions: BTreeMap<EntraUserId, OwnExtension>,
    /// Those that would get one, where a run only looks.
    pub coming: BTreeSet<EntraUserId>,
}

/// Everything that was read.
#[derive(Debug, Clone, Default)]
pub struct GroupWorld {
    /// Every group of the kinds that the rules choose, or those they name; none of those that are gone.
    pub groups: BTreeMap<EntraGroupId, EntraGroup>,
    /// People in each group that may get a place, nested groups included.
    pub members: BTreeMap<EntraGroupId, BTreeSet<EntraUserId>>,
    /// Every group on the PBX.
    pub rows: BTreeMap<PbxGroupId, PbxGroupRow>,
    /// Those of them that were read in full.
    pub details: BTreeMap<PbxGroupId, PbxGroup>,
    /// What is ours.
    pub bindings: BTreeMap<EntraGroupId, GroupBinding>,
    /// What is ours of another target than the settings name now.
    pub strays: Vec<GroupBinding>,
    /// Those of the strays that are there; `None` where the PBX does not let them be read, nor deleted.
    pub stray_details: Option<BTreeMap<PbxGroupId, PbxGroup>>,
    /// Who has an extension.
    pub people: People,
}

/// What an admin decided, and the instant it is applied at.
#[derive(Debug, Clone)]
pub struct GroupPolicy {
    /// Rules for groups.
    pub groups: GroupSettings,
    /// The guard on removals.
    pub safety: SafetySettings,
    /// Now.
    pub now: Timestamp,
    /// How many groups the last good run left managed.
    pub last_good_managed: Option<u64>,
    /// Everything of ours is taken away, whatever the rules say.
    pub switched_off: bool,
}
