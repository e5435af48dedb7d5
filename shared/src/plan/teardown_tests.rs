//! Taking everything away: each binding ends, nothing else is touched, and a crowd of deletions waits for a person.

use crate::domain::extension::OwnedFields;
use crate::domain::operation_record::{OperationKind, Reason};
use crate::domain::teardown::Removal;
use crate::plan::check::{Checked, check};
use crate::plan::plan;
use crate::plan::snapshot::{Policy, World};
use crate::plan::world_builder::{empty, person, policy};

fn removing(removal: Removal) -> Policy {
    Policy {
        removal: Some(removal),
        ..policy()
    }
}

/// This many people in step, and one extension that nobody synced.
fn crowd(of: u32) -> World {
    let foreign = OwnedFields {
        first_name: "Foreign".into(),
        ..OwnedFields::default()
    };
    (1..=of).fold(empty().with_extension(90, "1001", foreign), |world, n| {
        world.with_bound(person(n), i64::from(100 + n), &format!("{}", 2000 + n))
    })
}

fn judged(world: &World, removal: Removal) -> Checked {
    let policy = removing(removal);
    check(plan(world, &policy), world, &policy)
}

// spec: 163, 177
#[test]
fn every_bound_extension_is_deleted_and_no_other() {
    let checked = judged(&crowd(3).without_person(2), Removal::Delete);
    let plan = &checked.plan;
    let told: Vec<_> = plan
        .operations
        .iter()
        .map(|op| (op.kind(), op.number.as_str(), op.reason))
        .collect();
    let deleted = |number| (OperationKind::Delete, number, Reason::SwitchedOff);
    assert_eq!(told, [deleted("2001"), deleted("2002"), deleted("2003")]);
    assert!(plan.skipped.is_empty() && checked.held.is_empty());
}

// spec: 178
#[test]
fn letting_go_needs_no_look_at_the_pbx_and_nobodys_word() {
    let mut world = crowd(40);
    world.phone_system.rows = None;
    world.phone_system.details.clear();
    let checked = judged(&world, Removal::Release);
    assert_eq!((checked.plan.operations.len(), checked.held.len()), (40, 0));
    let all_released = checked
        .plan
        .operations
        .iter()
        .all(|op| op.kind() == OperationKind::Release);
    assert!(all_released);
}

#[test]
fn deleting_a_crowd_waits_for_a_person() {
    let checked = judged(&crowd(11), Removal::Delete);
    assert_eq!((checked.plan.operations.len(), checked.held.len()), (0, 11));
    assert!(checked.held_because.unwrap().contains("11 of 11"));
}

#[test]
fn what_is_gone_from_the_pbx_is_only_struck_off() {
    let world = crowd(1)
        .remove_extension(crate::domain::ids::ExtensionId(101))
        .intended(2, "2002");
    for removal in [Removal::Delete, Removal::Release] {
        let checked = judged(&world, removal);
        let unfinished = checked
            .plan
            .operations
            .iter()
            .find(|op| op.number.as_str() == "2002");
        assert_eq!(unfinished.unwrap().extension(), None, "{removal:?}");
    }
    let gone = &judged(&world, Removal::Delete).plan.operations[0];
    assert_eq!((gone.number.as_str(), gone.extension()), ("2001", None));
}

#[test]
fn an_extension_whose_making_was_not_confirmed_goes_too() {
    let mut world = crowd(1);
    let intended = world.clone().intended(1, "2001").bindings;
    world.bindings = intended;
    let checked = judged(&world, Removal::Delete);
    let extension = checked.plan.operations[0].extension();
    assert_eq!(extension, Some(crate::domain::ids::ExtensionId(101)));
}
