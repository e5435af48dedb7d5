//! Judges any plan before it runs: nothing twice, nothing that is not ours, no more than fits, and no mass removal
//! without a person's word. What fails is taken out and reported; the rest goes on.

use std::collections::BTreeSet;

use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::operation_record::Reason;
use crate::domain::teardown::Removal;

use super::Plan;
use super::guard::Removing;
use super::operation::{Change, Operation, Skipped};
use super::snapshot::{Coverage, Policy, World};

/// A plan that may run, and removals that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What may run.
    pub plan: Plan,
    /// Removals that wait.
    pub held: Vec<Operation>,
    /// Why they wait.
    pub held_because: Option<String>,
}

/// Judges `plan`.
pub fn check(mut plan: Plan, world: &World, policy: &Policy) -> Checked {
    take_out_doubles(&mut plan, world);
    let held_because = hold_reason(&plan, world, policy);
    let mut held = Vec::new();
    if held_because.is_some() {
        (held, plan.operations) = plan.operations.into_iter().partition(Operation::is_removal);
        take_out_dependents(&mut plan, &held);
    }
    take_out_beyond_capacity(&mut plan, world.phone_system.capacity.free());
    plan.skipped.sort_by_key(|skipped| skipped.user);
    Checked {
        plan,
        held,
        held_because,
    }
}

fn hold_reason(plan: &Plan, world: &World, policy: &Policy) -> Option<String> {
    // Whoever disconnects has said that everything is let go, and nothing of it leaves the PBX.
    if policy.removal == Some(Removal::Release) {
        return None;
    }
    // What is gone from the PBX already is only struck off our list.
    let removals = plan
        .operations
        .iter()
        .filter(|op| op.is_removal() && op.extension().is_some())
        .count() as u64;
    let source_is_empty = world.directory.coverage == Coverage::Complete && world.directory.users.is_empty();
    let removing = Removing {
        what: "extensions",
        removals,
        managed: world.bindings.len() as u64,
        managed_before: policy.last_good_managed,
        source_is_empty: source_is_empty.then_some("the directory returned nobody at all"),
    };
    removing.hold_reason(&policy.safety)
}

/// One number, one address, one extension: a second claim means the plan is wrong, and the second claimant waits.
fn take_out_doubles(plan: &mut Plan, world: &World) {
    let mut numbers = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    let mut extensions: BTreeSet<ExtensionId> = BTreeSet::new();
    let operations = std::mem::take(&mut plan.operations);
    for operation in operations {
        let double_extension = operation
            .extension()
            .is_some_and(|extension| !extensions.insert(extension));
        let double_number = !operation.is_removal() && !numbers.insert(operation.number.clone());
        let address = operation
            .fields_after()
            .map(|fields| fields.email.to_ascii_lowercase());
        let double_address = address.is_some_and(|address| !address.is_empty() && !addresses.insert(address));
        if double_extension || double_number {
            plan.skipped.push(taken_out(
                &operation,
                Reason::NumberTaken,
                "given to somebody else in this run",
            ));
        } else if double_address {
            plan.skipped.push(taken_out(
                &operation,
                Reason::DuplicateMail,
                "given to somebody else in this run",
            ));
        } else if touches_foreign(&operation, world) {
            plan.skipped.push(taken_out(
                &operation,
                Reason::AmbiguousMatch,
                "the extension is bound to somebody else",
            ));
        } else {
            plan.operations.push(operation);
        }
    }
}

/// Only what a binding says is ours is ever touched; taking over is for what nobody owns.
fn touches_foreign(operation: &Operation, world: &World) -> bool {
    let own = world.bindings.get(&operation.user);
    match &operation.change {
        Change::Create { .. } => false,
        Change::Bind { extension, .. } => {
            let owner_of = |b: &crate::domain::binding::Binding| b.bound().map(|bound| bound.extension);
            world
                .bindings
                .values()
                .any(|b| owner_of(b) == Some(*extension) && b.user != operation.user)
        }
        Change::Update { .. }
        | Change::Note { .. }
        | Change::MarkLeaving { .. }
        | Change::Release { .. }
        | Change::Delete { .. } => own.is_none(),
    }
}

fn take_out_dependents(plan: &mut Plan, held: &[Operation]) {
    let mut missing: BTreeSet<EntraUserId> = held.iter().map(|op| op.user).collect();
    let operations = std::mem::take(&mut plan.operations);
    // Operations are sorted by phase, so whoever is relied on comes first.
    for operation in operations {
        if operation.relies_on.iter().any(|user| missing.contains(user)) {
            missing.insert(operation.user);
            let text = "waits for a removal that needs an approval";
            plan.skipped
                .push(taken_out(&operation, Reason::DependencyFailed, text));
        } else {
            plan.operations.push(operation);
        }
    }
}

fn take_out_beyond_capacity(plan: &mut Plan, free: u64) {
    let frees = |op: &&Operation| {
        matches!(
            op.change,
            Change::Delete {
                extension: Some(_),
                ..
            }
        )
    };
    let mut room = free + plan.operations.iter().filter(frees).count() as u64;
    let operations = std::mem::take(&mut plan.operations);
    for operation in operations {
        let is_create = matches!(operation.change, Change::Create { .. });
        if is_create && room == 0 {
            let text = "the PBX's licence allows no more extensions";
            plan.skipped
                .push(taken_out(&operation, Reason::CapacityReached, text));
        } else {
            room -= u64::from(is_create);
            plan.operations.push(operation);
        }
    }
}

fn taken_out(operation: &Operation, reason: Reason, detail: &str) -> Skipped {
    Skipped {
        user: operation.user,
        name: operation.name.clone(),
        reason,
        detail: detail.to_owned(),
        number: operation.extension().map(|_| operation.number.clone()),
    }
}
