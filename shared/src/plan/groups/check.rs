//! Judges any plan about groups before it runs: nothing twice, nothing that is not ours, no more than fits, and no mass
//! removal without a person's word.

use std::collections::BTreeSet;

use crate::domain::ids::EntraGroupId;
use crate::domain::operation_record::Reason;
use crate::domain::pbx_group::MAX_EXTENSION_GROUPS;
use crate::domain::settings::GroupTarget;
use crate::plan::guard::Removing;

use super::GroupPlan;
use super::operation::{GroupChange, GroupOperation, GroupSkipped};
use super::own::owners;
use super::world::{GroupPolicy, GroupWorld};

/// A plan that may run, and removals that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedGroups {
    /// What may run.
    pub plan: GroupPlan,
    /// Removals that wait.
    pub held: Vec<GroupOperation>,
    /// Why they wait.
    pub held_because: Option<String>,
}

/// Judges `plan`.
pub fn check(mut plan: GroupPlan, world: &GroupWorld, policy: &GroupPolicy) -> CheckedGroups {
    take_out_doubles(&mut plan, world, policy);
    let held_because = hold_reason(&plan, world, policy);
    let mut held = Vec::new();
    if held_because.is_some() {
        (held, plan.operations) = plan.operations.into_iter().partition(GroupOperation::is_removal);
        take_out_dependents(&mut plan, &held);
    }
    take_out_beyond_capacity(&mut plan, world, policy);
    plan.skipped.sort_by_key(|skipped| skipped.group);
    CheckedGroups {
        plan,
        held,
        held_because,
    }
}

fn hold_reason(plan: &GroupPlan, world: &GroupWorld, policy: &GroupPolicy) -> Option<String> {
    // What is gone from the PBX already is only struck off our list.
    let removals = plan
        .operations
        .iter()
        .filter(|op| op.is_removal() && op.target_id().is_some())
        .count() as u64;
    let removing = Removing {
        what: "groups",
        removals,
        managed: (world.bindings.len() + world.strays.len()) as u64,
        managed_before: policy.last_good_managed,
        source_is_empty: world
            .groups
            .is_empty()
            .then_some("the directory returned none of the chosen groups")
            // Then it is not asked.
            .filter(|_| !policy.switched_off),
    };
    removing.hold_reason(&policy.safety)
}

/// One name, one group on the PBX: a second claim means the plan is wrong, and the second claimant waits.
fn take_out_doubles(plan: &mut GroupPlan, world: &GroupWorld, policy: &GroupPolicy) {
    let mut names = BTreeSet::new();
    let mut targets = BTreeSet::new();
    let owners = owners(world, policy);
    for operation in std::mem::take(&mut plan.operations) {
        let double_target = operation
            .target_id()
            .is_some_and(|id| !targets.insert((operation.target, id)));
        let double_name = operation
            .name_after()
            .is_some_and(|name| !names.insert(name.to_owned()));
        // Keys of one target mean something else for the other one.
        let same_target = operation.target == policy.groups.target;
        let foreign = operation
            .target_id()
            .filter(|_| same_target)
            .is_some_and(|id| owners.get(&id).is_some_and(|owner| *owner != operation.group));
        if double_target || double_name || foreign {
            let text = "another group of this run has the same name or place";
            plan.skipped.push(taken_out(&operation, Reason::NameTaken, text));
        } else {
            plan.operations.push(operation);
        }
    }
}

fn take_out_dependents(plan: &mut GroupPlan, held: &[GroupOperation]) {
    let mut missing: BTreeSet<EntraGroupId> = held.iter().map(|op| op.group).collect();
    // Operations are sorted by phase, so whoever is relied on comes first.
    for operation in std::mem::take(&mut plan.operations) {
        if operation.relies_on.iter().any(|group| missing.contains(group)) {
            missing.insert(operation.group);
            let text = "waits for a removal that needs an approval";
            plan.skipped
                .push(taken_out(&operation, Reason::DependencyFailed, text));
        } else {
            plan.operations.push(operation);
        }
    }
}

/// Places that a held removal does not free.
fn take_out_beyond_capacity(plan: &mut GroupPlan, world: &GroupWorld, policy: &GroupPolicy) {
    if policy.groups.target != GroupTarget::ExtensionGroup {
        return;
    }
    let frees = |op: &&GroupOperation| {
        op.target == GroupTarget::ExtensionGroup && matches!(op.change, GroupChange::Delete { id: Some(_) })
    };
    let places = MAX_EXTENSION_GROUPS + plan.operations.iter().filter(frees).count();
    let mut room = places.saturating_sub(world.rows.len());
    for operation in std::mem::take(&mut plan.operations) {
        let is_create = matches!(operation.change, GroupChange::Create { .. });
        if is_create && room == 0 {
            let text = "the PBX takes 63 extension groups, those made there included";
            plan.skipped
                .push(taken_out(&operation, Reason::CapacityReached, text));
        } else {
            room -= usize::from(is_create);
            plan.operations.push(operation);
        }
    }
}

fn taken_out(operation: &GroupOperation, reason: Reason, detail: &str) -> GroupSkipped {
    GroupSkipped {
        group: operation.group,
        name: operation.name.clone(),
        reason,
        detail: detail.to_owned(),
        target: operation.target_id(),
    }
}
