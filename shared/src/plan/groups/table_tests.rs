//! Rows of (name, world, plan): each bends one thing of a valid world.

use super::check::{CheckedGroups, check};
use super::operation::{GroupChange, GroupOperation};
use super::world::{GroupPolicy, GroupWorld};
use super::world_builder::{add, apply, bind, extension, group_id, now, pbx_group, policy, put, world};
use super::{GroupPlan, chosen, plan};
use crate::domain::group_binding::{GroupBinding, GroupStage};
use crate::domain::ids::PbxGroupId;
use crate::domain::operation_record::{OperationKind, Reason};
use crate::domain::pbx_group::{MemberRole, PbxGroup};
use crate::domain::settings::{GroupTarget, GroupType, ScopeKind};

fn planned(world: &GroupWorld) -> GroupPlan {
    plan(world, &policy())
}

fn checked(world: &GroupWorld, policy: &GroupPolicy) -> CheckedGroups {
    check(plan(world, policy), world, policy)
}

fn only(plan: &GroupPlan) -> &GroupOperation {
    match plan.operations.as_slice() {
        [operation] => operation,
        other => panic!("one operation expected: {other:#?}"),
    }
}

fn told(plan: &GroupPlan) -> (OperationKind, Reason) {
    let operation = only(plan);
    (operation.kind(), operation.reason)
}

// spec: 96
#[test]
fn a_chosen_group_is_made_with_those_of_its_people_who_have_an_extension() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 3, 77]);
    let plan = planned(&world);
    assert_eq!(told(&plan), (OperationKind::Create, Reason::NewInScope));
    let GroupChange::Create { after } = &only(&plan).change else {
        unreachable!()
    };
    assert_eq!(after.members, [extension(0), extension(3)].into());
    assert_eq!(only(&plan).notes, ["1 of its people have no extension"]);
    assert_eq!(only(&plan).after.as_ref().unwrap()["members"], "2000, 2003");
}

#[test]
fn a_group_in_step_is_left_alone_and_strangers_in_it_are_told() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 88]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!((plan.unchanged, plan.remarks.len()), (1, 1));
    assert_eq!(plan.remarks[0].reason, Reason::MembersWithoutExtension);
}

// spec: 95
#[test]
fn a_change_in_entra_is_written_and_one_on_the_pbx_is_put_back() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 1]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    assert_eq!(
        told(&planned(&world)),
        (OperationKind::Update, Reason::AttributesChanged)
    );
    let after = only(&planned(&world)).after.clone().unwrap();
    assert_eq!(
        (after["members"].as_str(), after["added"].as_str()),
        ("2", "2001")
    );

    let mut world = self::world();
    add(&mut world, 1, "Sales", &[0]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    for by_hand in [pbx_group(9, "By hand", &[0]), pbx_group(9, "Sales", &[0, 5])] {
        put(&mut world, by_hand);
        assert_eq!(told(&planned(&world)), (OperationKind::Update, Reason::Drift));
    }
    put(
        &mut world,
        PbxGroup {
            everyone: true,
            ..pbx_group(9, "Sales", &[])
        },
    );
    assert_eq!(told(&planned(&world)), (OperationKind::Update, Reason::Drift));
}

#[test]
fn a_member_that_stays_keeps_what_it_may_do_on_the_pbx() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 1]);
    let mut group = pbx_group(9, "Sales", &[0]);
    group
        .members
        .insert(extension(0), MemberRole("manager".to_owned()));
    bind(&mut world, 1, group);
    let plan = planned(&world);
    apply(&mut world, only(&plan));
    let roles: Vec<&str> = world.details[&PbxGroupId(9)]
        .members
        .values()
        .map(|role| role.0.as_str())
        .collect();
    assert_eq!(roles, ["manager", "user"]);
}

#[test]
fn a_group_deleted_on_the_pbx_is_made_again() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    world.rows.remove(&PbxGroupId(9));
    world.details.remove(&PbxGroupId(9));
    assert_eq!(
        told(&planned(&world)),
        (OperationKind::Create, Reason::DeletedOnPbx)
    );
}

/// Under the key of our group stands one that somebody made: with another name, and people of its own.
fn with_a_stranger(stranger: PbxGroup) -> GroupWorld {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 1]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0, 1]));
    put(&mut world, stranger);
    world
}

// spec: 90
#[test]
fn a_group_that_somebody_made_under_the_key_of_ours_is_left_alone_and_ours_is_made_again() {
    let people: [&[u32]; 3] = [&[], &[0], &[0, 1, 2]];
    for people in people {
        let mut world = with_a_stranger(pbx_group(9, "Reception", people));
        let before = world.details[&PbxGroupId(9)].clone();
        let plan = planned(&world);
        assert_eq!(told(&plan), (OperationKind::Create, Reason::DeletedOnPbx));
        apply(&mut world, only(&plan));
        assert_eq!(world.details[&PbxGroupId(9)], before);
        assert!(planned(&world).is_empty());
    }
}

#[test]
fn the_same_keys_of_members_say_nothing_where_their_extensions_are_newer_than_the_group() {
    let mut world = with_a_stranger(pbx_group(9, "Reception", &[0, 1]));
    assert_eq!(told(&planned(&world)), (OperationKind::Update, Reason::Drift));
    let later = now() + std::time::Duration::from_secs(1);
    world
        .people
        .extensions
        .values_mut()
        .for_each(|own| own.since = later);
    assert_eq!(
        told(&planned(&world)),
        (OperationKind::Create, Reason::DeletedOnPbx)
    );
}

#[test]
fn a_strangers_group_under_the_key_of_one_that_leaves_is_not_deleted() {
    let mut world = with_a_stranger(pbx_group(9, "Reception", &[0]));
    world.groups.clear();
    let mut policy = policy();
    policy.groups.delete_when_out_of_scope = true;
    let plan = plan(&world, &policy);
    assert_eq!(only(&plan).kind(), OperationKind::Delete);
    assert_eq!(only(&plan).target_id(), None, "only our record goes");
}

#[test]
fn a_rename_that_was_cut_before_its_record_is_found_by_the_name_that_was_to_come() {
    let mut world = world();
    add(&mut world, 1, "Sales and service", &[0, 1]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    put(&mut world, pbx_group(9, "Sales and service", &[0, 1]));
    let plan = planned(&world);
    assert_eq!(only(&plan).target_id(), Some(PbxGroupId(9)));
    assert!(matches!(only(&plan).change, GroupChange::Note { .. }));
}

#[test]
fn a_name_that_a_stranger_has_under_a_key_of_ours_is_not_free() {
    let mut world = with_a_stranger(pbx_group(9, "Reception", &[0]));
    add(&mut world, 2, "Reception", &[3]);
    let plan = planned(&world);
    assert_eq!(told(&plan), (OperationKind::Create, Reason::DeletedOnPbx));
    assert_eq!(plan.skipped[0].reason, Reason::NameTaken);
}

// spec: 88, 89, 90
#[test]
fn what_falls_out_of_the_scope_is_let_go_or_deleted() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0]);
    world.groups.get_mut(&group_id(1)).unwrap().kind = Some(GroupType::Microsoft365);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    let mut policy = policy();
    policy.groups.scope.kind = ScopeKind::Types;
    policy.groups.scope.types = [GroupType::Security].into();
    assert_eq!(
        told(&plan(&world, &policy)),
        (OperationKind::Release, Reason::OutOfScope)
    );
    policy.groups.delete_when_out_of_scope = true;
    assert_eq!(
        told(&plan(&world, &policy)),
        (OperationKind::Delete, Reason::OutOfScope)
    );
    world.groups.clear();
    assert_eq!(
        told(&plan(&world, &policy)),
        (OperationKind::Delete, Reason::GroupDeleted)
    );
}

// spec: 83, 84, 85
#[test]
fn the_scope_chooses_all_by_type_or_by_name() {
    let mut world = world();
    for (n, kind) in [
        (1, Some(GroupType::Security)),
        (2, Some(GroupType::Microsoft365)),
        (3, None),
    ] {
        add(&mut world, n, &format!("Group {n}"), &[]);
        world.groups.get_mut(&group_id(n)).unwrap().kind = kind;
    }
    let mut policy = policy();
    assert_eq!(chosen(&world, &policy), [group_id(1), group_id(2)]);
    policy.groups.scope.kind = ScopeKind::Types;
    policy.groups.scope.types = [GroupType::Microsoft365].into();
    assert_eq!(chosen(&world, &policy), [group_id(2)]);
    policy.groups.scope.kind = ScopeKind::Groups;
    policy.groups.scope.types.clear();
    policy.groups.scope.group_ids = vec![group_id(2), group_id(3), group_id(8), group_id(1)];
    assert_eq!(chosen(&world, &policy), [group_id(2), group_id(1)]);
    let reasons: Vec<_> = plan(&world, &policy)
        .skipped
        .into_iter()
        .map(|skipped| (skipped.group, skipped.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            (group_id(3), Reason::OutOfScope),
            (group_id(8), Reason::GroupDeleted)
        ]
    );
}

// spec: 80
#[test]
fn of_eighty_groups_the_same_sixty_three_are_on_the_pbx_on_every_run() {
    let mut world = world();
    for n in 0..80 {
        add(&mut world, n, &format!("Group {n:02}"), &[]);
    }
    let first = planned(&world);
    // One place is the factory's.
    assert_eq!((first.operations.len(), first.skipped.len()), (62, 18));
    for operation in &first.operations {
        apply(&mut world, operation);
    }
    let again = planned(&world);
    assert!(again.is_empty());
    assert_eq!(again.skipped, first.skipped);
    assert!(again.skipped.iter().all(|s| s.reason == Reason::CapacityReached));
    // Who has a place keeps it, whoever comes.
    add(&mut world, 99, "A new one", &[]);
    assert!(planned(&world).is_empty());
}

#[test]
fn the_order_in_the_settings_decides_who_gets_the_last_places() {
    let mut world = world();
    for n in 0..80 {
        add(&mut world, n, &format!("Group {n:02}"), &[]);
    }
    let mut policy = policy();
    policy.groups.scope.kind = ScopeKind::Groups;
    policy.groups.scope.group_ids = (0..80).rev().map(group_id).collect();
    let chosen = chosen(&world, &policy);
    assert_eq!(chosen.len(), 62);
    assert_eq!((chosen[0], chosen[61]), (group_id(79), group_id(18)));
}

#[test]
fn a_group_that_somebody_made_on_the_pbx_is_not_taken_over() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0]);
    put(&mut world, pbx_group(9, "Sales", &[0]));
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!(plan.skipped[0].reason, Reason::NameTaken);
    let mut world = self::world();
    add(&mut world, 1, "Default_All_Extensions", &[0]);
    assert_eq!(planned(&world).skipped[0].reason, Reason::NameTaken);
}

#[test]
fn a_group_that_wants_a_foreign_name_keeps_its_own_and_follows_otherwise() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 1]);
    bind(&mut world, 1, pbx_group(8, "Vendas", &[0]));
    put(&mut world, pbx_group(9, "Sales", &[0]));
    let plan = planned(&world);
    let GroupChange::Update { after, .. } = &only(&plan).change else {
        unreachable!()
    };
    assert_eq!((after.name.as_str(), after.members.len()), ("Vendas", 2));
    apply(&mut world, only(&plan));
    let again = planned(&world);
    assert!(again.is_empty());
    assert_eq!(again.skipped[0].reason, Reason::NameTaken);
}

#[test]
fn what_an_unfinished_create_left_is_taken_up_and_somebody_elses_group_of_that_name_is_not() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0, 1]);
    let intent = GroupBinding {
        group: group_id(1),
        target: GroupTarget::ExtensionGroup,
        name: "Sales".to_owned(),
        stage: GroupStage::Intended { at: now() },
    };
    world.bindings.insert(group_id(1), intent);
    assert_eq!(
        told(&planned(&world)),
        (OperationKind::Create, Reason::NewInScope)
    );
    put(&mut world, pbx_group(9, "Sales", &[0]));
    assert_eq!(told(&planned(&world)), (OperationKind::Update, Reason::Recovered));
    let mut foreign = pbx_group(9, "Sales", &[0]);
    foreign
        .members
        .insert(crate::domain::ids::ExtensionId(7), MemberRole::default());
    put(&mut world, foreign);
    assert_eq!(planned(&world).skipped[0].reason, Reason::NameTaken);
}

#[test]
fn a_name_is_handed_on_in_one_run_and_two_that_swap_keep_theirs() {
    let mut world = world();
    add(&mut world, 1, "Sales EU", &[0]);
    bind(&mut world, 1, pbx_group(8, "Sales", &[0]));
    add(&mut world, 2, "Sales", &[1]);
    let plan = planned(&world);
    let order: Vec<_> = plan
        .operations
        .iter()
        .map(|op| (op.kind(), op.relies_on.clone()))
        .collect();
    assert_eq!(
        order,
        [
            (OperationKind::Update, vec![]),
            (OperationKind::Create, vec![group_id(1)])
        ]
    );
    let mut world = self::world();
    add(&mut world, 1, "B", &[0]);
    bind(&mut world, 1, pbx_group(8, "A", &[0]));
    add(&mut world, 2, "A", &[0]);
    bind(&mut world, 2, pbx_group(9, "B", &[0]));
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!(plan.skipped.len(), 2);
}

#[test]
fn a_read_that_found_no_group_at_all_holds_the_removals() {
    let mut world = world();
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    let mut policy = policy();
    policy.groups.delete_when_out_of_scope = true;
    let held = checked(&world, &policy);
    assert_eq!((held.held.len(), held.plan.operations.len()), (1, 0));
    assert!(held.held_because.unwrap().contains("none"));
    add(&mut world, 2, "Other", &[]);
    assert!(checked(&world, &policy).held.is_empty());
}

#[test]
fn a_place_that_a_held_removal_does_not_free_is_not_given_away() {
    let mut world = world();
    for n in 0..62 {
        bind(
            &mut world,
            n,
            pbx_group(i64::from(n) + 10, &format!("Old {n:02}"), &[]),
        );
        add(&mut world, n + 100, &format!("New {n:02}"), &[]);
    }
    let mut policy = policy();
    policy.groups.delete_when_out_of_scope = true;
    assert_eq!(plan(&world, &policy).operations.len(), 124);
    policy.safety.max_removals = 5;
    let checked = checked(&world, &policy);
    assert_eq!((checked.held.len(), checked.plan.operations.len()), (62, 0));
    assert_eq!(checked.plan.skipped.len(), 62);
}

#[test]
fn what_was_made_for_another_target_leaves_with_it() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0]);
    let values = pbx_group(9, "Sales", &[0]).values();
    world.strays.push(GroupBinding {
        group: group_id(1),
        target: GroupTarget::Organization,
        name: "Sales".to_owned(),
        stage: GroupStage::Bound(super::world_builder::bound(PbxGroupId(9), &values)),
    });
    let kinds: Vec<_> = planned(&world)
        .operations
        .iter()
        .map(|op| (op.kind(), op.target))
        .collect();
    assert_eq!(
        kinds,
        [
            (OperationKind::Release, GroupTarget::Organization),
            (OperationKind::Create, GroupTarget::ExtensionGroup)
        ]
    );
}

#[test]
fn what_was_made_for_another_target_is_deleted_only_if_it_is_still_ours() {
    let mut world = world();
    let ours = pbx_group(9, "Sales", &[0]);
    world.strays.push(GroupBinding {
        group: group_id(1),
        target: GroupTarget::Organization,
        name: "Sales".to_owned(),
        stage: GroupStage::Bound(super::world_builder::bound(ours.id, &ours.values())),
    });
    let mut policy = policy();
    policy.groups.delete_when_out_of_scope = true;
    let mut deleted = |there: &[PbxGroup]| {
        let there = there.iter().map(|group| (group.id, group.clone()));
        world.stray_details = Some(there.collect());
        only(&plan(&world, &policy)).target_id()
    };
    assert_eq!(deleted(&[ours]), Some(PbxGroupId(9)));
    assert_eq!(deleted(&[pbx_group(9, "Reception", &[2])]), None);
    assert_eq!(deleted(&[]), None);
}

#[test]
fn a_name_without_a_usable_character_leaves_the_group_alone() {
    let mut world = world();
    add(&mut world, 1, " \u{7} ", &[0]);
    let plan = planned(&world);
    assert_eq!(
        (plan.is_empty(), plan.skipped[0].reason),
        (true, Reason::FieldInvalid)
    );
}

#[test]
fn a_run_that_did_not_look_at_a_group_leaves_it_as_it_is() {
    let mut world = world();
    add(&mut world, 1, "Sales", &[0]);
    bind(&mut world, 1, pbx_group(9, "Sales", &[0]));
    world.details.remove(&PbxGroupId(9));
    assert_eq!(planned(&world).unchanged, 1);
}
