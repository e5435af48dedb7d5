//! The decision about groups by property: what must hold for every world, whatever was read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::check::check;
use super::plan;
use super::world::{GroupPolicy, GroupWorld};
use super::world_builder::{add, apply, bind, group_id, pbx_group, policy, put, world};
use crate::domain::group_binding::{GroupBinding, GroupStage};
use crate::domain::ids::PbxGroupId;
use crate::domain::operation_record::OperationKind;
use crate::domain::pbx_group::PbxGroup;
use crate::domain::settings::{GroupTarget, ScopeKind};

/// What happened to group `n` since the world was in step.
#[derive(Debug, Clone)]
enum Fate {
    InStep,
    New,
    Gone,
    RenamedTo(u32),
    MembersMoved(Vec<u32>),
    RenamedByHand,
    MembersByHand,
    Stranger,
    OpenedToAll,
    DeletedOnPbx,
    Intended,
    Made,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::InStep),
        4 => Just(Fate::New),
        2 => Just(Fate::Gone),
        3 => (0..12_u32).prop_map(Fate::RenamedTo),
        3 => prop::collection::vec(0..14_u32, 0..5).prop_map(Fate::MembersMoved),
        2 => Just(Fate::RenamedByHand),
        2 => Just(Fate::MembersByHand),
        2 => Just(Fate::Stranger),
        1 => Just(Fate::OpenedToAll),
        2 => Just(Fate::DeletedOnPbx),
        1 => Just(Fate::Intended),
        1 => Just(Fate::Made),
    ]
}

fn name(n: u32) -> String {
    format!("Group {}", n % 9)
}

fn set_fate(world: &mut GroupWorld, n: u32, fate: &Fate, free: &mut BTreeSet<u32>) {
    let id = i64::from(n) + 10;
    // On the PBX no two have one name.
    let own = if free.remove(&(n % 9)) {
        name(n)
    } else {
        format!("Group {} of {n}", n % 9)
    };
    match fate {
        Fate::InStep => {
            add(world, n, &own, &[n, n + 1]);
            bind(world, n, pbx_group(id, &own, &members(&[n, n + 1])));
        }
        Fate::New => add(world, n, &name(n), &[n]),
        Fate::Gone => bind(world, n, pbx_group(id, &own, &members(&[n]))),
        Fate::RenamedTo(other) => {
            add(world, n, &name(*other), &[n]);
            bind(world, n, pbx_group(id, &own, &members(&[n])));
        }
        Fate::MembersMoved(people) => {
            add(world, n, &own, people);
            bind(world, n, pbx_group(id, &own, &members(&[n])));
        }
        Fate::RenamedByHand | Fate::MembersByHand | Fate::Stranger => {
            add(world, n, &own, &[n]);
            bind(world, n, pbx_group(id, &own, &members(&[n])));
            let by_hand = format!("By hand {n}");
            let group = match fate {
                Fate::RenamedByHand => pbx_group(id, &by_hand, &members(&[n])),
                Fate::MembersByHand => pbx_group(id, &own, &members(&[n, n + 2])),
                _ => pbx_group(id, &by_hand, &[n % 10, (n + 2) % 10]),
            };
            put(world, group);
        }
        Fate::OpenedToAll => {
            add(world, n, &own, &[n]);
            bind(world, n, pbx_group(id, &own, &members(&[n])));
            let everyone = PbxGroup {
                everyone: true,
                ..pbx_group(id, &own, &[])
            };
            put(world, everyone);
        }
        Fate::DeletedOnPbx => {
            add(world, n, &own, &[n]);
            bind(world, n, pbx_group(id, &own, &members(&[n])));
            world.rows.remove(&PbxGroupId(id));
            world.details.remove(&PbxGroupId(id));
        }
        Fate::Intended | Fate::Made => {
            add(world, n, &own, &[n]);
            let binding = GroupBinding {
                group: group_id(n),
                target: GroupTarget::ExtensionGroup,
                name: own.clone(),
                stage: GroupStage::Intended { at: policy().now },
            };
            world.bindings.insert(group_id(n), binding);
            if matches!(fate, Fate::Made) {
                put(world, pbx_group(id, &own, &members(&[n])));
            }
        }
    }
}

/// Those of these people who have an extension.
fn members(people: &[u32]) -> Vec<u32> {
    people.iter().copied().filter(|n| *n < 10).collect()
}

/// Foreign groups stand on the PBX beside ours, some under names that groups want.
fn worlds() -> impl Strategy<Value = (GroupWorld, GroupPolicy)> {
    let fates = prop::collection::vec(fate(), 0..16);
    let foreign = prop::collection::btree_set(0..12_u32, 0..4);
    let rules = (any::<bool>(), any::<bool>());
    (fates, foreign, rules).prop_map(|(fates, foreign, (delete, named))| {
        let mut world = world();
        let mut free: BTreeSet<u32> = (0..9).collect();
        for n in &foreign {
            // People 0 to 9 may be in a group that somebody made by hand.
            free.remove(n);
            put(
                &mut world,
                pbx_group(i64::from(*n) + 500, &format!("Group {n}"), &[n % 10]),
            );
        }
        for (n, fate) in (0..).zip(&fates) {
            set_fate(&mut world, n, fate, &mut free);
        }
        let mut policy = policy();
        policy.groups.delete_when_out_of_scope = delete;
        if named {
            policy.groups.scope.kind = ScopeKind::Groups;
            policy.groups.scope.group_ids = (0..16).rev().map(group_id).collect();
        }
        (world, policy)
    })
}

fn foreign(world: &GroupWorld) -> BTreeMap<PbxGroupId, PbxGroup> {
    let is_foreign = |id: i64, group: &PbxGroup| {
        (500..1_000).contains(&id) || id == 1 || group.members.len() == 2 && group.name.starts_with("By hand")
    };
    let foreign = world.details.iter().filter(|(id, group)| is_foreign(id.0, group));
    foreign.map(|(id, group)| (*id, group.clone())).collect()
}

/// Ours, by what they are and not by the keys they got.
fn ours(world: &GroupWorld) -> BTreeMap<crate::domain::ids::EntraGroupId, (String, Vec<i64>)> {
    let of = |binding: &GroupBinding| {
        let group = world.details.get(&binding.bound()?.id)?;
        let members = group.members.keys().map(|id| id.0).collect();
        Some((binding.group, (group.name.clone(), members)))
    };
    world.bindings.values().filter_map(of).collect()
}

fn settle(mut world: GroupWorld, policy: &GroupPolicy) -> GroupWorld {
    for _ in 0..4 {
        let plan = plan(&world, policy);
        for operation in &plan.operations {
            apply(&mut world, operation);
        }
        if plan.is_empty() {
            return world;
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn applying_a_plan_leaves_nothing_to_plan((world, policy) in worlds()) {
        let mut world = world;
        for operation in &plan(&world, &policy).operations {
            apply(&mut world, operation);
        }
        let rest = plan(&world, &policy);
        prop_assert!(rest.is_empty(), "{:#?}", rest.operations);
    }

    #[test]
    fn any_prefix_applied_then_planned_anew_ends_the_same((world, policy) in worlds(), cut in 0..20_usize) {
        let expected = settle(world.clone(), &policy);
        let mut cut_short = world;
        for operation in plan(&cut_short, &policy).operations.iter().take(cut) {
            apply(&mut cut_short, operation);
        }
        let settled = settle(cut_short, &policy);
        prop_assert_eq!(ours(&settled), ours(&expected));
        prop_assert!(plan(&settled, &policy).is_empty());
    }

    // spec: 90
    #[test]
    fn foreign_groups_are_the_same_before_and_after((world, policy) in worlds()) {
        let before = foreign(&world);
        prop_assert_eq!(foreign(&settle(world, &policy)), before);
    }

    #[test]
    fn every_group_of_the_scope_is_accounted_for_once((world, policy) in worlds()) {
        let plan = plan(&world, &policy);
        let told: Vec<_> = plan.operations.iter().map(|op| op.group)
            .chain(plan.skipped.iter().map(|skipped| skipped.group)).collect();
        let distinct: BTreeSet<_> = told.iter().copied().collect();
        prop_assert_eq!(told.len(), distinct.len());
        let known: BTreeSet<_> = world.groups.keys().chain(world.bindings.keys()).copied().collect();
        let in_step = known.difference(&distinct).count() as u64;
        prop_assert_eq!(in_step, plan.unchanged);
    }

    #[test]
    fn a_held_plan_removes_nothing((world, policy) in worlds()) {
        let mut policy = policy;
        policy.safety.max_removals = 0;
        let checked = check(plan(&world, &policy), &world, &policy);
        // What is gone already is only struck off.
        let removes = |op: &&super::operation::GroupOperation| op.is_removal() && op.target_id().is_some();
        let held = checked.held.iter().filter(removes).count();
        prop_assert_eq!(held > 0, checked.held_because.is_some());
        if checked.held_because.is_some() {
            let left = checked.plan.operations.iter().filter(|op| op.is_removal()).count();
            prop_assert_eq!(left, 0);
        }
    }

    // spec: 80
    #[test]
    fn never_more_than_63_are_on_the_pbx((world, policy) in worlds(), many in 40..90_u32) {
        let mut world = world;
        for n in 100..100 + many {
            add(&mut world, n, &format!("More {n:03}"), &[]);
        }
        let settled = settle(world, &policy);
        prop_assert!(settled.rows.len() <= 63);
        let again = plan(&settled, &policy);
        let kinds: BTreeSet<OperationKind> = again.operations.iter().map(super::operation::GroupOperation::kind).collect();
        prop_assert!(kinds.is_empty(), "{kinds:?}");
    }
}
