//! The planner by table: each row bends one thing in a world that is in step.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::binding::LeavingCause;
use crate::domain::entra_user::UserType;
use crate::domain::extension::OwnedFields;
use crate::domain::operation_record::Reason;
use crate::domain::settings::{DeleteWhen, NumberRule, ScopeKind};

use super::check::{Checked, check};
use super::guard::removal_limit;
use super::plan;
use super::render::render;
use super::snapshot::{Coverage, Policy, World};
use super::world_builder::{empty, now, number, person, policy, user_id};

/// `create 2001 NewInScope` and the like, one line an entry, skips as `skip - OutOfScope`.
fn story(world: &World, policy: &Policy) -> Vec<String> {
    let plan = plan(world, policy);
    let operations = plan
        .operations
        .iter()
        .map(|op| format!("{:?} {} {:?}", op.kind(), op.number, op.reason).to_lowercase());
    let skips = plan
        .skipped
        .iter()
        .map(|skip| format!("skip {:?}", skip.reason).to_lowercase());
    operations.chain(skips).collect()
}

fn foreign(email: &str) -> OwnedFields {
    OwnedFields {
        first_name: "Foreign".into(),
        email: email.into(),
        ..OwnedFields::default()
    }
}

fn step() -> World {
    empty()
        .with_bound(person(1), 11, "2001")
        .with_bound(person(2), 12, "2002")
}

fn rule(f: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = policy();
    f(&mut policy);
    policy
}

fn property(last_digits: Option<u8>) -> Policy {
    rule(|p| {
        p.users.number = NumberRule::Property {
            name: "businessPhones".into(),
            last_digits,
            reserved: Vec::new(),
        };
    })
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

struct Row(&'static str, World, Policy, &'static [&'static str]);

#[expect(clippy::too_many_lines, reason = "a table is as long as the rules are many")]
fn rows() -> Vec<Row> {
    vec![
        // spec: 50, 71
        Row("world_in_step_has_nothing_to_do", step(), policy(), &[]),
        // spec: 6, 50, 58
        Row(
            "newcomer_gets_the_smallest_free_number",
            step().with_person(person(3)),
            policy(),
            &["create 2000 newinscope"],
        ),
        // spec: 58
        Row(
            "numbers_in_use_by_others_are_passed_over",
            step()
                .with_extension(90, "2000", foreign(""))
                .with_person(person(3)),
            policy(),
            &["create 2003 newinscope"],
        ),
        // spec: 51, 52
        Row(
            "guest_outside_the_types_is_left_alone",
            step()
                .with_person(person(3))
                .edit_person(3, |u| u.user_type = UserType::Guest),
            rule(|p| {
                p.users.scope.kind = ScopeKind::Types;
                p.users.scope.types = BTreeSet::from([UserType::Member]);
            }),
            &["skip outofscope"],
        ),
        // spec: 53
        Row(
            "only_members_of_the_scope_groups_are_wanted",
            {
                let mut world = step().with_person(person(3)).with_person(person(4));
                world.directory.scope_members = [1, 2, 4].map(user_id).into();
                world
            },
            rule(|p| p.users.scope.kind = ScopeKind::Groups),
            &["create 2000 newinscope", "skip outofscope"],
        ),
        Row(
            "member_of_an_excluded_group_is_left_alone",
            {
                let mut world = step().with_person(person(3));
                world.directory.excluded_members = [user_id(3)].into();
                world
            },
            policy(),
            &["skip outofscope"],
        ),
        // spec: 54, 56
        Row(
            "person_out_of_scope_is_released_when_the_box_is_not_ticked",
            step().edit_person(2, |u| u.user_type = UserType::Guest),
            rule(|p| {
                p.users.scope.kind = ScopeKind::Types;
                p.users.scope.types = BTreeSet::from([UserType::Member]);
            }),
            &["release 2002 outofscope"],
        ),
        // spec: 54, 55
        Row(
            "person_out_of_scope_is_deleted_when_the_box_is_ticked",
            step().edit_person(2, |u| u.user_type = UserType::Guest),
            rule(|p| {
                p.users.scope.kind = ScopeKind::Types;
                p.users.scope.types = BTreeSet::from([UserType::Member]);
                p.users.delete_when_out_of_scope = true;
            }),
            &["delete 2002 outofscope"],
        ),
        // spec: 61, 62
        Row(
            "disabled_person_is_deleted",
            step().edit_person(1, |u| u.account_enabled = false),
            policy(),
            &["delete 2001 accountdisabled"],
        ),
        // spec: 64
        Row(
            "disabled_person_stays_when_that_status_is_not_chosen",
            step().edit_person(1, |u| u.account_enabled = false),
            rule(|p| p.users.delete_when = BTreeSet::from([DeleteWhen::Deleted])),
            &[],
        ),
        Row(
            "disabled_newcomer_gets_no_extension_where_disabled_ones_are_deleted",
            step()
                .with_person(person(3))
                .edit_person(3, |u| u.account_enabled = false),
            policy(),
            &["skip accountdisabled"],
        ),
        Row(
            "only_enabled_keeps_disabled_newcomers_out_but_takes_nothing_away",
            step()
                .edit_person(1, |u| u.account_enabled = false)
                .with_person(person(3))
                .edit_person(3, |u| u.account_enabled = false),
            rule(|p| {
                p.users.delete_when = BTreeSet::new();
                p.users.scope.only_enabled = true;
            }),
            &["skip accountdisabled"],
        ),
        // spec: 61, 63
        Row(
            "deleted_person_is_deleted",
            step().without_person(1),
            policy(),
            &["delete 2001 accountdeleted"],
        ),
        // spec: 64
        Row(
            "deleted_person_keeps_the_extension_when_that_status_is_not_chosen",
            step().without_person(1),
            rule(|p| p.users.delete_when = BTreeSet::from([DeleteWhen::Disabled])),
            &["update 2001 kept"],
        ),
        Row(
            "absence_outside_the_coverage_means_nothing",
            {
                let mut world = step().without_person(1);
                world.directory.coverage = Coverage::Only([user_id(2)].into());
                world
            },
            policy(),
            &[],
        ),
        Row(
            "days_of_grace_begin_with_the_leaving",
            step().without_person(1),
            rule(|p| p.users.delete_grace_days = 7),
            &["update 2001 graceperiod"],
        ),
        Row(
            "days_of_grace_run",
            step()
                .without_person(1)
                .leaving(1, days_ago(6), LeavingCause::AccountDeleted),
            rule(|p| p.users.delete_grace_days = 7),
            &["skip graceperiod"],
        ),
        Row(
            "days_of_grace_end_with_the_deletion",
            step()
                .without_person(1)
                .leaving(1, days_ago(7), LeavingCause::AccountDeleted),
            rule(|p| p.users.delete_grace_days = 7),
            &["delete 2001 accountdeleted"],
        ),
        Row(
            "person_who_comes_back_in_time_keeps_the_extension",
            step().leaving(1, days_ago(6), LeavingCause::AccountDisabled),
            rule(|p| p.users.delete_grace_days = 7),
            &["update 2001 returned"],
        ),
        // spec: 65
        Row(
            "extension_with_the_same_mail_is_taken_over_whatever_the_case",
            step()
                .with_extension(90, "1090", foreign("P3@Contoso.Example"))
                .with_person(person(3)),
            policy(),
            &["bind 1090 samemail"],
        ),
        // spec: 66
        Row(
            "same_mail_without_the_box_leaves_the_person_out",
            step()
                .with_extension(90, "1090", foreign("p3@contoso.example"))
                .with_person(person(3)),
            rule(|p| p.users.bind_same_email = false),
            &["skip duplicatemail"],
        ),
        Row(
            "two_extensions_with_the_mail_are_not_guessed_between",
            step()
                .with_extension(90, "1090", foreign("p3@contoso.example"))
                .with_extension(91, "1091", foreign("P3@contoso.example"))
                .with_person(person(3)),
            policy(),
            &["skip ambiguousmatch"],
        ),
        Row(
            "two_newcomers_with_one_mail_are_both_left_out",
            step()
                .with_person(person(3))
                .with_person(person(4))
                .edit_person(4, |u| u.mail = Some("P3@contoso.example".into())),
            policy(),
            &["skip duplicatemail", "skip duplicatemail"],
        ),
        Row(
            "newcomer_with_the_mail_of_a_bound_person_is_left_out",
            step()
                .with_person(person(3))
                .edit_person(3, |u| u.mail = Some("p1@contoso.example".into())),
            policy(),
            &["skip duplicatemail"],
        ),
        Row(
            "address_that_a_leaver_frees_goes_to_the_newcomer_after_the_deletion",
            step()
                .without_person(1)
                .with_person(person(3))
                .edit_person(3, |u| u.mail = Some("p1@contoso.example".into())),
            policy(),
            &["delete 2001 accountdeleted", "create 2000 newinscope"],
        ),
        Row(
            "chain_of_addresses_moves_in_order",
            step()
                .edit_person(1, |u| u.mail = Some("p2@contoso.example".into()))
                .edit_person(2, |u| u.mail = Some("new@contoso.example".into())),
            policy(),
            &["update 2002 attributeschanged", "update 2001 attributeschanged"],
        ),
        Row(
            "exchanged_addresses_wait_for_a_person",
            step()
                .edit_person(1, |u| u.mail = Some("p2@contoso.example".into()))
                .edit_person(2, |u| u.mail = Some("p1@contoso.example".into())),
            policy(),
            &["skip duplicatemail", "skip duplicatemail"],
        ),
        Row(
            "bound_person_whose_address_is_taken_gets_the_other_fields",
            step()
                .with_extension(90, "1090", foreign("taken@contoso.example"))
                .edit_person(1, |u| {
                    u.mail = Some("taken@contoso.example".into());
                    u.job_title = Some("Manager".into());
                }),
            policy(),
            &["update 2001 attributeschanged"],
        ),
        // spec: 65, 71, 77
        Row(
            "changed_title_is_carried",
            step().edit_person(1, |u| u.job_title = Some("Manager".into())),
            policy(),
            &["update 2001 attributeschanged"],
        ),
        Row(
            "cleared_mobile_is_cleared",
            step().edit_person(1, |u| u.mobile_phone = None),
            policy(),
            &["update 2001 attributeschanged"],
        ),
        // spec: 74, 75, 76, 77
        Row(
            "hand_made_change_is_put_back",
            step().edit_extension(11, |f| f.title = "Boss".into()),
            policy(),
            &["update 2001 drift"],
        ),
        Row(
            "mail_in_another_case_is_no_drift",
            step().edit_extension(11, |f| f.email = "P1@CONTOSO.example".into()),
            policy(),
            &[],
        ),
        // spec: 74
        Row(
            "extension_deleted_by_hand_is_made_again_with_its_number",
            step().remove_extension(crate::domain::ids::ExtensionId(11)),
            policy(),
            &["create 2001 deletedonpbx"],
        ),
        Row(
            "extension_that_the_list_shows_is_not_gone_though_it_was_not_read_in_full",
            {
                let mut world = step();
                world.phone_system.details.clear();
                world
            },
            policy(),
            &[],
        ),
        Row(
            "unfinished_create_whose_number_the_list_shows_waits_until_it_is_read_in_full",
            {
                let mut world = step().intended(1, "2001");
                world
                    .phone_system
                    .details
                    .remove(&crate::domain::ids::ExtensionId(11));
                world
            },
            policy(),
            &[],
        ),
        Row(
            "leaver_whose_extension_the_list_shows_is_not_struck_off",
            {
                let mut world = step().without_person(1);
                world
                    .phone_system
                    .details
                    .remove(&crate::domain::ids::ExtensionId(11));
                world
            },
            policy(),
            &[],
        ),
        Row(
            "leaver_whose_extension_is_gone_is_only_struck_off",
            step()
                .without_person(1)
                .remove_extension(crate::domain::ids::ExtensionId(11)),
            policy(),
            &["delete 2001 accountdeleted"],
        ),
        Row(
            "extension_whose_key_was_reused_is_not_ours",
            {
                let mut world = step().without_person(1);
                let mut stranger = world.phone_system.details[&crate::domain::ids::ExtensionId(11)].clone();
                stranger.number = "4711".into();
                stranger.fields = foreign("stranger@contoso.example");
                world.phone_system.details.insert(stranger.id, stranger);
                world
            },
            policy(),
            &["delete 2001 accountdeleted"],
        ),
        // spec: 59
        Row(
            "number_is_read_from_a_property",
            step().with_person(person(3)),
            property(None),
            &["create 3003 newinscope"],
        ),
        Row(
            "person_without_a_number_is_left_out",
            step()
                .with_person(person(3))
                .edit_person(3, |u| u.number_values.clear()),
            property(None),
            &["skip nonumber"],
        ),
        Row(
            "person_with_an_unusable_number_is_left_out",
            step()
                .with_person(person(3))
                .edit_person(3, |u| u.number_values = vec!["+41 44".into()]),
            property(None),
            &["skip numberinvalid"],
        ),
        Row(
            "number_of_a_foreign_extension_is_taken",
            step()
                .with_extension(90, "3003", foreign(""))
                .with_person(person(3)),
            property(None),
            &["skip numbertaken"],
        ),
        Row(
            "number_named_by_two_people_goes_to_neither",
            step()
                .with_person(person(3))
                .with_person(person(4))
                .edit_person(4, |u| u.number_values = vec!["3003".into()]),
            property(None),
            &["skip numbertaken", "skip numbertaken"],
        ),
        Row(
            "number_of_a_leaver_is_given_after_the_deletion",
            step()
                .without_person(1)
                .with_person(person(3))
                .edit_person(3, |u| u.number_values = vec!["2001".into()]),
            property(None),
            &["delete 2001 accountdeleted", "create 2001 newinscope"],
        ),
        Row(
            "changed_number_property_renumbers_nothing",
            step(),
            property(None),
            &[],
        ),
        Row(
            "unfinished_create_is_made_with_the_number_kept",
            step().with_person(person(3)).intended(3, "2007"),
            policy(),
            &["create 2007 newinscope"],
        ),
        Row(
            "finished_create_without_an_answer_is_recognised",
            {
                let fields = crate::domain::mapping::desired_fields(&person(3), &number("2007")).fields;
                step()
                    .with_person(person(3))
                    .intended(3, "2007")
                    .with_extension(90, "2007", fields)
            },
            policy(),
            &["update 2007 recovered"],
        ),
        Row(
            "unfinished_create_whose_number_went_to_a_stranger_gets_another",
            step().with_person(person(3)).intended(3, "2007").with_extension(
                90,
                "2007",
                foreign("s@contoso.example"),
            ),
            policy(),
            &["create 2000 newinscope"],
        ),
        Row(
            "unfinished_create_of_a_leaver_is_struck_off",
            step().intended(3, "2007"),
            policy(),
            &["delete 2007 accountdeleted"],
        ),
    ]
}

#[test]
fn every_row_of_the_table_holds() {
    let mut wrong = Vec::new();
    for Row(name, world, policy, expected) in rows() {
        let got = story(&world, &policy);
        if got != expected {
            wrong.push(format!("{name}: {got:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn many(count: u32) -> World {
    (1..=count).fold(empty(), |world, n| {
        world.with_bound(person(n), i64::from(n), &format!("{}", 2000 + n))
    })
}

fn judged(world: &World, policy: &Policy) -> Checked {
    check(plan(world, policy), world, policy)
}

fn without(world: World, leavers: std::ops::RangeInclusive<u32>) -> World {
    leavers.fold(world, World::without_person)
}

#[test]
fn removals_up_to_the_limit_need_nobodys_word() {
    let checked = judged(&without(many(100), 1..=10), &policy());
    assert_eq!((checked.held.len(), checked.plan.operations.len()), (0, 10));
}

#[test]
fn removals_over_the_limit_wait_while_the_rest_goes_on() {
    let world = without(many(100), 1..=11)
        .edit_person(50, |u| u.job_title = Some("Boss".into()))
        .with_person(person(500));
    let checked = judged(&world, &policy());
    assert_eq!((checked.held.len(), checked.plan.operations.len()), (11, 2));
    assert_eq!(
        checked.held_because.unwrap(),
        "11 of 100 extensions would be removed; more than 10 need an approval"
    );
}

#[test]
fn the_limit_is_the_smaller_of_number_and_share_but_never_under_ten_by_share() {
    let safety = |max_removals, max_removals_percent| crate::domain::settings::SafetySettings {
        max_removals,
        max_removals_percent,
    };
    assert_eq!(removal_limit(&safety(500, 5), 50), 10);
    assert_eq!(removal_limit(&safety(500, 5), 1_000), 50);
    assert_eq!(removal_limit(&safety(500, 5), 100_000), 500);
    assert_eq!(removal_limit(&safety(3, 5), 1_000), 3);
    assert_eq!(removal_limit(&safety(0, 100), 1_000), 0);
}

#[test]
fn a_directory_that_returns_nobody_always_holds() {
    let checked = judged(&without(many(3), 1..=3), &policy());
    assert_eq!((checked.held.len(), checked.plan.operations.len()), (3, 0));
    assert_eq!(
        checked.held_because.unwrap(),
        "the directory returned nobody at all"
    );
}

#[test]
fn a_fall_by_a_fifth_since_the_last_good_run_holds() {
    let policy = rule(|p| {
        p.safety.max_removals_percent = 100;
        p.last_good_managed = Some(100);
    });
    assert!(judged(&without(many(100), 1..=20), &policy).held.is_empty());
    assert_eq!(judged(&without(many(100), 1..=21), &policy).held.len(), 21);
}

#[test]
fn what_waits_for_a_held_removal_waits_too() {
    let policy = rule(|p| p.safety.max_removals = 0);
    let world = step()
        .without_person(1)
        .with_person(person(3))
        .edit_person(3, |u| u.mail = Some("p1@contoso.example".into()));
    let checked = judged(&world, &policy);
    assert!(checked.plan.operations.is_empty());
    assert_eq!(
        checked.plan.skipped.iter().map(|s| s.reason).collect::<Vec<_>>(),
        [Reason::DependencyFailed]
    );
}

// spec: 46
#[test]
fn no_more_is_made_than_the_licence_allows_and_the_rest_is_named() {
    let mut world = (3..=6)
        .map(person)
        .fold(step(), World::with_person)
        .without_person(2);
    world.phone_system.capacity.extensions = 4;
    world.phone_system.capacity.used = 2;
    let checked = judged(&world, &policy());
    let created = checked
        .plan
        .operations
        .iter()
        .filter(|op| op.extension().is_none())
        .count();
    assert_eq!(created, 3, "two licences are free and one is freed by the leaver");
    assert_eq!(
        checked.plan.skipped.iter().map(|s| s.reason).collect::<Vec<_>>(),
        [Reason::CapacityReached]
    );
}

// spec: 67
#[test]
fn the_welcome_mail_goes_with_a_first_create_to_an_address_alone() {
    let policy = rule(|p| p.users.send_welcome_email = true);
    let world = step()
        .remove_extension(crate::domain::ids::ExtensionId(11))
        .with_person(person(3))
        .with_person(person(4))
        .edit_person(4, |u| (u.mail, u.user_principal_name) = (None, None));
    let welcomed: Vec<_> = plan(&world, &policy)
        .operations
        .into_iter()
        .filter(|op| op.welcome)
        .map(|op| op.user)
        .collect();
    assert_eq!(welcomed, [user_id(3)]);
}

#[test]
fn a_value_that_does_not_fit_is_reported_with_the_operation_and_again_while_in_step() {
    let world = step()
        .with_person(person(3))
        .edit_person(3, |u| u.mobile_phone = Some("9".repeat(40)));
    let first = plan(&world, &policy());
    let operation = &first.operations[0];
    assert_eq!(
        operation.notes,
        ["Mobile Number was left out: the PBX takes at most 31 characters"]
    );
    let world = world.clone().apply(operation);
    let second = plan(&world, &policy());
    assert!(second.is_empty());
    assert_eq!(
        second.remarks.iter().map(|r| r.reason).collect::<Vec<_>>(),
        [Reason::FieldInvalid]
    );
}

#[test]
fn a_plan_reads_well() {
    let world = step()
        .with_extension(90, "1090", foreign("p3@contoso.example"))
        .with_person(person(3))
        .with_person(person(4))
        .edit_person(4, |u| u.mail = Some("p1@contoso.example".into()))
        .with_person(person(5))
        .edit_person(5, |u| u.given_name = Some("x".repeat(70)))
        .with_person(person(6))
        .edit_person(6, |u| u.account_enabled = false)
        .edit_person(1, |u| u.job_title = Some("Manager".into()))
        .without_person(2);
    insta::assert_snapshot!(render(&plan(&world, &policy())), @r#"
    delete   2002     Person 002: the account was deleted in Entra
    update   2001     Person 001: values changed in Entra; Job Title "Engineer" -> "Manager"
    bind     1090     Person 003: an extension with the same mail address is taken over; First Name "Foreign" -> "Person"; Last Name "" -> "003"; Mobile Number "" -> "+41441234567"; Job Title "" -> "Engineer"
    create   2000     Person 005: chosen by the rules, without an extension so far; First Name was cut to 63 characters, the most the PBX takes
    skip     -        Person 004: the mail address is not free: Person 001 has the same address in Entra
    1 left alone: the account is disabled
    4 to do, 0 in step
    "#);
}
