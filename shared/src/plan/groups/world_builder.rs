//! Worlds for tests: valid ones, of which a test bends one thing; and a PBX that does what a plan says.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::operation::{GroupChange, GroupOperation};
use super::world::{GroupPolicy, GroupWorld, OwnExtension, People};
use crate::domain::entra_group::EntraGroup;
use crate::domain::group_binding::{BoundGroup, GroupBinding, GroupStage};
use crate::domain::ids::{EntraGroupId, EntraUserId, ExtensionId, PbxGroupId};
use crate::domain::number::ExtensionNumber;
use crate::domain::pbx_group::{GroupDigest, GroupPatch, GroupValues, MemberRole, PbxGroup, PbxGroupRow};
use crate::domain::settings::{GroupSettings, GroupTarget, GroupType, SafetySettings};

pub fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

pub fn group_id(n: u32) -> EntraGroupId {
    Uuid::from_u128((u128::from(n) << 112) + 1).into()
}

pub fn user_id(n: u32) -> EntraUserId {
    Uuid::from_u128(u128::from(n) + 1).into()
}

/// The extension of person `n`.
pub fn extension(n: u32) -> ExtensionId {
    ExtensionId(i64::from(n) + 100)
}

pub fn policy() -> GroupPolicy {
    GroupPolicy {
        groups: GroupSettings {
            enabled: true,
            ..GroupSettings::default()
        },
        safety: SafetySettings {
            max_removals: 100_000,
            max_removals_percent: 100,
        },
        now: now(),
        switched_off: false,
        last_good_managed: None,
    }
}

/// People 0 to 9 have extensions; the PBX has the group that the factory makes.
pub fn world() -> GroupWorld {
    let mut world = GroupWorld {
        people: People {
            extensions: (0..10).map(|n| (user_id(n), own(n))).collect(),
            coming: BTreeSet::new(),
        },
        ..GroupWorld::default()
    };
    put(
        &mut world,
        PbxGroup {
            everyone: true,
            ..pbx_group(1, "Default_All_Extensions", &[])
        },
    );
    world
}

fn own(n: u32) -> OwnExtension {
    OwnExtension {
        id: extension(n),
        number: ExtensionNumber::parse(&format!("{}", 2000 + n)).unwrap(),
        since: now(),
    }
}

pub fn entra_group(n: u32, name: &str) -> EntraGroup {
    EntraGroup {
        id: group_id(n),
        name: name.to_owned(),
        kind: Some(GroupType::Security),
    }
}

/// Adds a group with these people to the directory.
pub fn add(world: &mut GroupWorld, n: u32, name: &str, people: &[u32]) {
    world.groups.insert(group_id(n), entra_group(n, name));
    world
        .members
        .insert(group_id(n), people.iter().map(|p| user_id(*p)).collect());
}

pub fn pbx_group(id: i64, name: &str, people: &[u32]) -> PbxGroup {
    PbxGroup {
        id: PbxGroupId(id),
        name: name.to_owned(),
        everyone: false,
        members: people
            .iter()
            .map(|p| (extension(*p), crate::domain::pbx_group::MemberRole::default()))
            .collect(),
    }
}

/// Adds a group to the PBX.
pub fn put(world: &mut GroupWorld, group: PbxGroup) {
    let row = PbxGroupRow {
        id: group.id,
        name: group.name.clone(),
        beside: true,
    };
    world.rows.insert(group.id, row);
    world.details.insert(group.id, group);
}

/// Adds a group to the PBX that is bound to group `n`, in step.
pub fn bind(world: &mut GroupWorld, n: u32, group: PbxGroup) {
    let binding = GroupBinding {
        group: group_id(n),
        target: GroupTarget::ExtensionGroup,
        name: group.name.clone(),
        stage: GroupStage::Bound(bound(group.id, &group.values())),
    };
    world.bindings.insert(group_id(n), binding);
    put(world, group);
}

pub fn bound(id: PbxGroupId, values: &GroupValues) -> BoundGroup {
    BoundGroup {
        id,
        written: GroupDigest::of(values),
        bound_at: now(),
        written_at: now(),
    }
}

/// Does what `operation` says, as the PBX and the table would.
pub fn apply(world: &mut GroupWorld, operation: &GroupOperation) {
    match &operation.change {
        GroupChange::Create { after } => {
            let taken = world.rows.values().any(|row| row.name == after.name);
            assert!(!taken, "{} is made twice", after.name);
            // Beyond every id that a test gives.
            let next = world.rows.keys().map(|id| id.0).max().unwrap_or(0).max(1_000) + 1;
            make(world, operation, next, after);
        }
        GroupChange::Update { bound, before, after } => {
            let taken = world
                .rows
                .values()
                .any(|row| row.name == after.name && row.id != bound.id);
            assert!(!taken, "{} is named twice", after.name);
            let patch = GroupPatch {
                before: before.clone(),
                after: after.clone(),
            };
            let group = PbxGroup {
                id: bound.id,
                name: after.name.clone(),
                everyone: false,
                members: patch.members(),
            };
            put(world, group);
            note(world, operation, bound.id, after);
        }
        GroupChange::Note { bound, values } => note(world, operation, bound.id, values),
        GroupChange::Release { .. } => {
            world.bindings.remove(&operation.group);
        }
        GroupChange::Delete { id } => {
            if let Some(id) = id {
                world.rows.remove(id);
                world.details.remove(id);
            }
            world.bindings.remove(&operation.group);
        }
    }
}

fn make(world: &mut GroupWorld, operation: &GroupOperation, id: i64, after: &GroupValues) {
    let members = after
        .members
        .iter()
        .map(|m| (*m, MemberRole::default()))
        .collect();
    let group = PbxGroup {
        id: PbxGroupId(id),
        name: after.name.clone(),
        everyone: false,
        members,
    };
    put(world, group);
    note(world, operation, PbxGroupId(id), after);
}

fn note(world: &mut GroupWorld, operation: &GroupOperation, id: PbxGroupId, values: &GroupValues) {
    let binding = GroupBinding {
        group: operation.group,
        target: operation.target,
        name: operation.name.clone(),
        stage: GroupStage::Bound(bound(id, values)),
    };
    world.bindings.insert(operation.group, binding);
}
