//! The planner by property: what must hold for every world, whatever was read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::domain::binding::LeavingCause;
use crate::domain::entra_user::{EntraUser, UserType};
use crate::domain::extension::OwnedFields;
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::mapping::address_key;
use crate::domain::operation_record::OperationKind;
use crate::domain::settings::{DeleteWhen, NumberRule, ScopeKind};

use super::check::check;
use super::plan;
use super::snapshot::{Coverage, Policy, World};
use super::world_builder::{empty, now, person, policy, user_id};

/// What happened to person `n` since the world was in step.
#[derive(Debug, Clone)]
enum Fate {
    InStep,
    New,
    Gone,
    Disabled,
    Guest,
    Renamed,
    Drifted,
    DeletedOnPbx,
    Leaving,
    Intended,
    MailOf(u32),
    NoMail,
    OddNumber(String),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::InStep),
        4 => Just(Fate::New),
        2 => Just(Fate::Gone),
        1 => Just(Fate::Disabled),
        1 => Just(Fate::Guest),
        1 => Just(Fate::Renamed),
        1 => Just(Fate::Drifted),
        1 => Just(Fate::DeletedOnPbx),
        1 => Just(Fate::Leaving),
        1 => Just(Fate::Intended),
        2 => (1u32..12).prop_map(Fate::MailOf),
        1 => Just(Fate::NoMail),
        1 => "[0-9]{0,5}".prop_map(Fate::OddNumber),
    ]
}

fn apply_fate(world: World, n: u32, fate: &Fate) -> World {
    let bound =
        |world: World, user: EntraUser| world.with_bound(user, i64::from(n), &format!("{}", 2000 + n));
    match fate {
        Fate::InStep => bound(world, person(n)),
        Fate::New => world.with_person(person(n)),
        Fate::Gone => bound(world, person(n)).without_person(n),
        Fate::Disabled => bound(world, person(n)).edit_person(n, |u| u.account_enabled = false),
        Fate::Guest => bound(world, person(n)).edit_person(n, |u| u.user_type = UserType::Guest),
        Fate::Renamed => bound(world, person(n)).edit_person(n, |u| u.surname = Some("Renamed".into())),
        Fate::Drifted => bound(world, person(n)).edit_extension(i64::from(n), |f| f.title = "Hand".into()),
        Fate::DeletedOnPbx => bound(world, person(n)).remove_extension(ExtensionId(i64::from(n))),
        Fate::Leaving => bound(world, person(n)).leaving(n, now(), LeavingCause::AccountDisabled),
        Fate::Intended => world.with_person(person(n)).intended(n, &format!("{}", 2000 + n)),
        Fate::MailOf(other) => {
            bound(world, person(n)).edit_person(n, |u| u.mail = Some(format!("p{other}@contoso.example")))
        }
        Fate::NoMail => world
            .with_person(person(n))
            .edit_person(n, |u| (u.mail, u.user_principal_name) = (None, None)),
        Fate::OddNumber(text) => world
            .with_person(person(n))
            .edit_person(n, |u| u.number_values = vec![text.clone()]),
    }
}

fn world() -> impl Strategy<Value = World> {
    let fates = prop::collection::btree_map(1u32..12, fate(), 0..12);
    let foreign = prop::collection::btree_map(2000u32..2014, prop::option::of(1u32..12), 0..5);
    (fates, foreign).prop_map(|(fates, foreign)| build(&fates, &foreign))
}

fn build(fates: &BTreeMap<u32, Fate>, foreign: &BTreeMap<u32, Option<u32>>) -> World {
    let mut world = fates
        .iter()
        .fold(empty(), |world, (n, fate)| apply_fate(world, *n, fate));
    for (number, mail) in foreign {
        let rows = world.phone_system.rows.as_ref().unwrap();
        let email = mail.map(|n| format!("p{n}@contoso.example")).unwrap_or_default();
        let free = rows
            .values()
            .all(|row| row.number != number.to_string() && (email.is_empty() || row.email != email));
        if free {
            let fields = OwnedFields {
                first_name: "Foreign".into(),
                email,
                ..OwnedFields::default()
            };
            world = world.with_extension(900_000 + i64::from(*number), &number.to_string(), fields);
        }
    }
    world
}

fn rules() -> impl Strategy<Value = Policy> {
    let number = prop_oneof![
        Just(NumberRule::default()),
        Just(NumberRule::Property {
            name: "businessPhones".into(),
            last_digits: None,
            reserved: Vec::new()
        }),
    ];
    let when = prop::sample::subsequence(vec![DeleteWhen::Disabled, DeleteWhen::Deleted], 0..=2);
    (number, when, any::<bool>(), any::<bool>(), 0u32..2, any::<bool>()).prop_map(
        |(number, when, out, bind, grace, members_only)| {
            let mut policy = policy();
            policy.users.number = number;
            policy.users.delete_when = when.into_iter().collect();
            policy.users.delete_when_out_of_scope = out;
            policy.users.bind_same_email = bind;
            policy.users.delete_grace_days = grace;
            if members_only {
                policy.users.scope.kind = ScopeKind::Types;
                policy.users.scope.types = BTreeSet::from([UserType::Member]);
            }
            policy
        },
    )
}

fn carry_out(mut world: World, policy: &Policy) -> World {
    for operation in &plan(&world, policy).operations {
        world = world.apply(operation);
    }
    world
}

/// What each person's extension says; keys and automatic numbers are the PBX's and the order's to choose.
fn by_person(world: &World) -> BTreeMap<EntraUserId, Option<OwnedFields>> {
    let fields = |id: &ExtensionId| world.phone_system.details.get(id).map(|e| e.fields.clone());
    world
        .bindings
        .values()
        .map(|b| (b.user, b.bound().and_then(|bound| fields(&bound.extension))))
        .collect()
}

fn foreign_extensions(world: &World) -> BTreeMap<ExtensionId, OwnedFields> {
    world
        .phone_system
        .details
        .values()
        .filter(|e| e.id.0 >= 900_000)
        .map(|e| (e.id, e.fields.clone()))
        .collect()
}

fn unfinished(world: &World, user: EntraUserId) -> bool {
    world
        .bindings
        .get(&user)
        .is_some_and(|binding| binding.bound().is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn applying_a_plan_leaves_nothing_to_do_but_people_waiting_for_an_address(world in world(), policy in rules()) {
        // An address that one plan frees may be given by the next; after that, nothing moves.
        let mut settled = carry_out(world, &policy);
        for _ in 0..12 {
            if plan(&settled, &policy).is_empty() {
                return Ok(());
            }
            settled = carry_out(settled, &policy);
        }
        prop_assert!(false, "still moving: {:?}", plan(&settled, &policy));
    }

    #[test]
    fn planning_what_is_so_is_empty(world in world(), policy in rules()) {
        let mut settled = world;
        for _ in 0..12 {
            settled = carry_out(settled, &policy);
        }
        prop_assert!(plan(&settled, &policy).is_empty());
    }

    #[test]
    fn any_prefix_applied_then_planned_and_applied_ends_the_same(world in world(), policy in rules(), cut in 0usize..12) {
        let operations = plan(&world, &policy).operations;
        let mut cut_short = world.clone();
        for operation in operations.iter().take(cut) {
            cut_short = cut_short.apply(operation);
        }
        let mut whole = world;
        for _ in 0..12 {
            whole = carry_out(whole, &policy);
            cut_short = carry_out(cut_short, &policy);
        }
        prop_assert_eq!(by_person(&whole), by_person(&cut_short));
        prop_assert_eq!(foreign_extensions(&whole).len(), foreign_extensions(&cut_short).len());
    }

    #[test]
    fn unowned_extensions_are_untouched_unless_taken_over_by_mail(world in world(), policy in rules()) {
        let before = foreign_extensions(&world);
        let plan = plan(&world, &policy);
        for operation in &plan.operations {
            let Some(fields) = operation.extension().and_then(|id| before.get(&id)) else { continue };
            if operation.kind() == OperationKind::Bind {
                prop_assert!(policy.users.bind_same_email);
                continue;
            }
            // Number and address of a create that was cut off: that is how it is recognised.
            prop_assert!(unfinished(&world, operation.user));
            let address = address_key(&world.directory.users[&operation.user]);
            prop_assert_eq!(Some(fields.email.to_ascii_lowercase()), address);
            prop_assert_eq!(&world.bindings[&operation.user].number, &operation.number);
        }
    }

    #[test]
    fn nobody_outside_the_coverage_is_removed(mut world in world(), policy in rules(), covered in prop::collection::btree_set(1u32..12, 0..6)) {
        let covered: BTreeSet<EntraUserId> = covered.into_iter().map(user_id).collect();
        world.directory.users.retain(|id, _| covered.contains(id));
        world.directory.coverage = Coverage::Only(covered.clone());
        for operation in plan(&world, &policy).operations {
            prop_assert!(covered.contains(&operation.user), "{operation:?}");
        }
    }

    #[test]
    fn an_empty_read_removes_nobody(mut world in world(), policy in rules()) {
        world.directory.users.clear();
        let checked = check(plan(&world, &policy), &world, &policy);
        for operation in &checked.plan.operations {
            prop_assert!(!operation.is_removal() || operation.extension().is_none(), "{operation:?}");
        }
    }

    #[test]
    fn no_number_and_no_address_is_given_twice(world in world(), policy in rules()) {
        let plan = plan(&world, &policy);
        let mut numbers = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for operation in plan.operations.iter().filter(|op| !op.is_removal()) {
            prop_assert!(numbers.insert(operation.number.clone()), "{}", operation.number);
            if let Some(fields) = operation.fields_after().filter(|fields| !fields.email.is_empty()) {
                prop_assert!(addresses.insert(fields.email.to_ascii_lowercase()), "{}", fields.email);
            }
        }
    }

    #[test]
    fn everyone_seen_is_accounted_for_exactly_once(world in world(), policy in rules()) {
        let plan = plan(&world, &policy);
        let seen: BTreeSet<EntraUserId> = world.directory.users.keys().chain(world.bindings.keys()).copied().collect();
        let mut named: Vec<EntraUserId> = plan.operations.iter().map(|op| op.user).collect();
        named.extend(plan.skipped.iter().map(|skipped| skipped.user));
        let distinct: BTreeSet<EntraUserId> = named.iter().copied().collect();
        prop_assert_eq!(distinct.len(), named.len());
        prop_assert_eq!(named.len() as u64 + plan.unchanged, seen.len() as u64);
    }

    #[test]
    fn the_same_world_gives_the_same_plan(fates in prop::collection::vec((1u32..12, fate()), 0..12), policy in rules()) {
        let fates: BTreeMap<u32, Fate> = fates.into_iter().collect();
        let forward = fates.iter().fold(empty(), |world, (n, fate)| apply_fate(world, *n, fate));
        let backward = fates.iter().rev().fold(empty(), |world, (n, fate)| apply_fate(world, *n, fate));
        prop_assert_eq!(plan(&forward, &policy), plan(&backward, &policy));
    }
}
