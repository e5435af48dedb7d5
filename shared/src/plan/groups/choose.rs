//! Which groups get a place. A PBX has 63 extension groups whoever made them; a group that has a place keeps it, the rest go
//! by the order in the settings, then by name, then by id.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::entra_group::EntraGroup;
use crate::domain::group_binding::BoundGroup;
use crate::domain::ids::{EntraGroupId, PbxGroupId};
use crate::domain::pbx_group::{MAX_EXTENSION_GROUPS, PbxGroupRow};
use crate::domain::settings::{GroupScope, GroupTarget, ScopeKind};

use super::own::owners;
use super::world::{GroupPolicy, GroupWorld};

/// The groups that the rules choose.
pub(super) fn in_scope<'w>(world: &'w GroupWorld, policy: &GroupPolicy) -> Vec<&'w EntraGroup> {
    let scope = &policy.groups.scope;
    world
        .groups
        .values()
        .filter(|group| is_chosen(group, scope))
        .collect()
}

fn is_chosen(group: &EntraGroup, scope: &GroupScope) -> bool {
    let Some(kind) = group.kind else { return false };
    match scope.kind {
        ScopeKind::All => true,
        ScopeKind::Types => scope.types.contains(&kind),
        ScopeKind::Groups => scope.group_ids.contains(&group.id),
    }
}

/// The groups that get a place, in the order in which they get it.
pub fn chosen(world: &GroupWorld, policy: &GroupPolicy) -> Vec<EntraGroupId> {
    let mut candidates = in_scope(world, policy);
    let scope = &policy.groups.scope;
    let owners = owners(world, policy);
    candidates.sort_by_cached_key(|group| {
        let wish = scope.group_ids.iter().position(|id| *id == group.id);
        (
            rank(group.id, world, &owners),
            wish.unwrap_or(usize::MAX),
            group.name.to_lowercase(),
            group.id,
        )
    });
    candidates.truncate(places(world, policy, &owners));
    candidates.into_iter().map(|group| group.id).collect()
}

/// Whoever is on the PBX first, then whoever was or was about to be there, then the others.
fn rank(id: EntraGroupId, world: &GroupWorld, owners: &BTreeMap<PbxGroupId, EntraGroupId>) -> u8 {
    let is_there =
        |bound: &BoundGroup| world.rows.contains_key(&bound.id) && owners.get(&bound.id) == Some(&id);
    match world.bindings.get(&id) {
        Some(binding) if binding.bound().is_some_and(is_there) => 0,
        Some(_) => 1,
        None => 2,
    }
}

/// Places for groups of ours.
fn places(world: &GroupWorld, policy: &GroupPolicy, owners: &BTreeMap<PbxGroupId, EntraGroupId>) -> usize {
    match policy.groups.target {
        GroupTarget::ExtensionGroup => {
            MAX_EXTENSION_GROUPS.saturating_sub(taken_by_others(world, policy, owners))
        }
        // How many departments a PBX takes depends on its licence, which only its refusals tell.
        GroupTarget::Organization => usize::MAX,
    }
}

/// Groups on the PBX that are nobody's business of ours, and those that stay there when they are let go.
fn taken_by_others(
    world: &GroupWorld,
    policy: &GroupPolicy,
    owners: &BTreeMap<PbxGroupId, EntraGroupId>,
) -> usize {
    let wanted: BTreeSet<EntraGroupId> = in_scope(world, policy).into_iter().map(|g| g.id).collect();
    let unfinished: BTreeSet<&str> = world
        .bindings
        .values()
        .filter(|binding| binding.bound().is_none())
        .map(|binding| binding.name.as_str())
        .collect();
    let is_others = |row: &&PbxGroupRow| match owners.get(&row.id) {
        Some(owner) => !wanted.contains(owner) && !policy.groups.delete_when_out_of_scope,
        None => !unfinished.contains(row.name.as_str()),
    };
    world.rows.values().filter(is_others).count()
}
