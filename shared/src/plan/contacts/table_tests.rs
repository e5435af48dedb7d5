//! The planner by table: one world each, bent in one place.

use crate::domain::contact::{ContactKey, NumberSlot, PbxContactId};
use crate::domain::contact_binding::{ContactBinding, ContactStage, PhonebookBinding, PhonebookStage};
use crate::domain::operation_record::{ObjectKind, OperationKind, Reason};
use crate::domain::phonebook::{ContactLimits, PhonebookId, PhonebookRow};

use super::check::{Checked, check};
use super::operation::{BookChange, CardChange, ContactChange, ContactOperation};
use super::snapshot::{ContactPolicy, ContactWorld, MailboxRole, Unreadable};
use super::world_builder::{contact, contact_id, empty, key, mailbox, now, policy};
use super::{ContactPlan, plan};

type Line = (ObjectKind, OperationKind, Reason);

fn lines(operations: &[ContactOperation]) -> Vec<Line> {
    operations
        .iter()
        .map(|op| (op.object(), op.kind(), op.reason))
        .collect()
}

fn judged_by(world: &ContactWorld, policy: &ContactPolicy) -> Checked {
    check(plan(world, policy), world, policy)
}

fn judged(world: &ContactWorld) -> Checked {
    judged_by(world, &policy())
}

fn planned(world: &ContactWorld) -> ContactPlan {
    judged(world).plan
}

/// Reasons for which contacts or mailboxes are left alone, with their names.
fn left(plan: &ContactPlan) -> Vec<(&str, Reason)> {
    plan.skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason))
        .collect()
}

const CONTACT: ObjectKind = ObjectKind::Contact;
const BOOK: ObjectKind = ObjectKind::Phonebook;
const CREATE: OperationKind = OperationKind::Create;
const UPDATE: OperationKind = OperationKind::Update;
const DELETE: OperationKind = OperationKind::Delete;

// spec: 112, 114
#[test]
fn a_mailbox_becomes_a_phonebook_with_its_contacts() {
    let plan = planned(&empty().shared(1, 2));
    let new = Reason::NewInScope;
    assert_eq!(
        lines(&plan.operations),
        [
            (BOOK, CREATE, new),
            (CONTACT, CREATE, new),
            (CONTACT, CREATE, new)
        ]
    );
}

#[test]
fn what_is_in_step_is_left_as_it_is() {
    let world = empty().shared(1, 3).personal(2, 2).in_step(&policy());
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!((plan.unchanged, plan.phonebooks_unchanged), (5, 2));
}

#[test]
fn ten_thousand_contacts_in_step_need_nothing() {
    let world = empty().shared(1, 10_000).in_step(&policy());
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!(plan.unchanged, 10_000);
}

#[test]
fn a_double_whose_record_was_lost_goes_by_its_mark() {
    let mut world = empty().shared(1, 2).in_step(&policy());
    world.bindings.remove(&key(1, 2));
    let world = world.edit(1, |contacts| {
        let one = contacts[&contact_id(1)].clone();
        contacts.insert(contact_id(2), one);
    });
    let plan = planned(&world);
    assert_eq!(
        lines(&plan.operations),
        [(CONTACT, DELETE, Reason::DuplicateContact)]
    );
}

#[test]
fn a_mailbox_without_contacts_gets_no_phonebook() {
    assert!(planned(&empty().shared(1, 0)).is_empty());
}

// spec: 115
#[test]
fn what_was_changed_by_hand_is_put_back() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    world.row_mut(1, 1).company = "By hand".into();
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, UPDATE, Reason::Drift)]
    );
    let mut world = empty().shared(1, 1).in_step(&policy());
    world
        .row_mut(1, 1)
        .numbers
        .insert(NumberSlot::BusinessFax, "1".into());
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, UPDATE, Reason::Drift)]
    );
    let mut world = empty().shared(1, 1).in_step(&policy());
    world.row_mut(1, 1).phonebooks.clear();
    assert_eq!(
        lines(&planned(&world).operations),
        [(BOOK, UPDATE, Reason::Drift)]
    );
    let mut world = empty().shared(1, 1).in_step(&policy());
    world.phonebook_mut(1).name = "By hand".into();
    assert_eq!(
        lines(&planned(&world).operations),
        [(BOOK, UPDATE, Reason::Drift)]
    );
}

// spec: 115
#[test]
fn what_was_deleted_by_hand_is_made_again() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    world
        .rows
        .remove(&world.bindings[&key(1, 1)].bound().unwrap().id.clone());
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, CREATE, Reason::DeletedOnPbx)]
    );

    let mut world = empty().shared(1, 1).in_step(&policy());
    let book = world.books[&mailbox(1)].phonebook().unwrap();
    world.phonebooks.remove(&book);
    world.row_mut(1, 1).phonebooks.clear();
    let again = planned(&world);
    assert_eq!(
        lines(&again.operations),
        [
            (BOOK, CREATE, Reason::DeletedOnPbx),
            (BOOK, UPDATE, Reason::Drift)
        ]
    );
    world.carry_out(&again.operations);
    assert!(planned(&world).is_empty());
}

#[test]
fn a_change_in_outlook_is_told_from_one_on_the_pbx() {
    let world = empty().shared(1, 1).in_step(&policy());
    let world = world.edit(1, |contacts| {
        contacts.get_mut(&contact_id(1)).unwrap().company = "Contoso".into();
    });
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, UPDATE, Reason::AttributesChanged)]
    );
}

#[test]
fn a_contact_that_left_outlook_leaves_the_pbx() {
    let world = empty().shared(1, 3).in_step(&policy());
    let world = world.edit(1, |contacts| drop(contacts.remove(&contact_id(2))));
    let plan = planned(&world);
    assert_eq!(
        lines(&plan.operations),
        [(CONTACT, DELETE, Reason::ContactDeleted)]
    );
    assert_eq!(plan.unchanged, 2);
}

// spec: 120, 121, 122, 123
#[test]
fn an_incomplete_contact_is_named_and_hinders_nobody() {
    let mut numberless = contact(2);
    numberless.mobile_phone.clear();
    let contacts = [(1, contact(1)), (2, numberless)];
    let world = empty().with_mailbox(1, MailboxRole::Shared, &contacts);
    let plan = planned(&world);
    assert_eq!(left(&plan), [("Person 0002", Reason::IncompleteContact)]);
    assert!(plan.skipped[0].detail.contains("mobile, home or business number"));
    assert_eq!(lines(&plan.operations).len(), 2);
    let world = world.in_step(&policy()).edit(1, |contacts| {
        contacts.insert(contact_id(2), contact(2));
    });
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, CREATE, Reason::NewInScope)]
    );
}

#[test]
fn the_same_contact_twice_is_one() {
    let mut double = contact(1);
    double.mobile_phone = "+49 (0)151 55500001".into();
    double.emails = vec!["one@contoso.example".into()];
    let world = empty().with_mailbox(1, MailboxRole::Shared, &[(1, contact(1)), (2, double)]);
    let plan = planned(&world);
    assert_eq!(left(&plan), [("Person 0001", Reason::DuplicateContact)]);
    let ContactChange::Contact(_, CardChange::Create { card }) = &plan.operations[1].change else {
        panic!("{:?}", plan.operations);
    };
    assert_eq!(
        card.email, "one@contoso.example",
        "what one lacks the other gives"
    );
}

#[test]
fn the_first_hundred_by_name_are_a_persons_share() {
    let world = empty().personal(1, 103);
    let plan = planned(&world);
    assert_eq!(plan.operations.len(), 101);
    assert_eq!(
        left(&plan),
        ["Person 0101", "Person 0102", "Person 0103"].map(|name| (name, Reason::CapacityReached))
    );
    // Shared mailboxes have no share, and a large PBX gives five times as much.
    assert_eq!(planned(&empty().shared(1, 103)).operations.len(), 104);
    let large = ContactPolicy {
        limits: ContactLimits::of(1000),
        ..policy()
    };
    assert_eq!(judged_by(&world, &large).plan.operations.len(), 104);
}

#[test]
fn names_alike_are_settled_by_id() {
    let alike = |n: u32| {
        let mut contact = contact(n);
        "Same".clone_into(&mut contact.display_name);
        (n, contact)
    };
    let contacts: Vec<_> = (1..=101).map(alike).collect();
    let plan = planned(&empty().with_mailbox(1, MailboxRole::Personal, &contacts));
    assert_eq!(plan.skipped.len(), 1);
    assert_eq!(plan.skipped[0].contact, Some(contact_id(101)));
}

// spec: 108
#[test]
fn a_mailbox_that_cannot_be_read_keeps_what_it_has_and_hinders_nobody() {
    for why in [
        Unreadable::NoMailbox,
        Unreadable::NoAccount,
        Unreadable::Denied,
        Unreadable::Unavailable,
    ] {
        let world = empty()
            .shared(1, 2)
            .in_step(&policy())
            .unreadable(1, why)
            .shared(2, 1);
        let plan = planned(&world);
        assert_eq!(lines(&plan.operations).len(), 2, "{why:?}");
        assert!(plan.operations.iter().all(|op| op.mailbox == mailbox(2)));
        assert_eq!(left(&plan), [("Owner 1", Reason::MailboxUnreadable)]);
    }
}

#[test]
fn a_mailbox_out_of_scope_goes_with_its_phonebook() {
    let world = empty()
        .shared(1, 2)
        .personal(2, 1)
        .in_step(&policy())
        .without_mailbox(1);
    let out = Reason::OutOfScope;
    assert_eq!(
        lines(&planned(&world).operations),
        [
            (BOOK, DELETE, out),
            (CONTACT, DELETE, out),
            (CONTACT, DELETE, out)
        ]
    );
    // A list that is not whole takes nothing away.
    let mut unsure = world.clone();
    unsure.complete.remove(&MailboxRole::Shared);
    assert!(planned(&unsure).is_empty());
}

#[test]
fn a_phonebook_that_others_use_is_let_go() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    let book = world.books[&mailbox(1)].phonebook().unwrap();
    world
        .rows
        .get_mut(&PbxContactId(1))
        .unwrap()
        .phonebooks
        .insert(book);
    let world = world.without_mailbox(1);
    let plan = planned(&world);
    let out = Reason::OutOfScope;
    assert_eq!(
        lines(&plan.operations),
        [(BOOK, OperationKind::Release, out), (CONTACT, DELETE, out)]
    );
    let ContactChange::Contact(_, CardChange::Delete { leaves, .. }) = &plan.operations[1].change else {
        panic!("{:?}", plan.operations);
    };
    assert_eq!(*leaves, Some(book));
}

#[test]
fn a_phonebook_of_the_same_name_is_never_taken_over() {
    let world = empty().shared(1, 2).named(1, "suppliers");
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!(left(&plan), [("Owner 1", Reason::NameTaken)]);
}

#[test]
fn two_mailboxes_that_want_one_name_get_two_phonebooks() {
    let world = empty()
        .shared(1, 1)
        .shared(2, 1)
        .named(1, "Sales")
        .named(2, "Sales");
    let plan = planned(&world);
    let names: Vec<&str> = plan
        .operations
        .iter()
        .filter_map(|op| match &op.change {
            ContactChange::Book(change) => Some(change.name()),
            ContactChange::Contact(..) => None,
        })
        .collect();
    assert_eq!(names, ["Sales", "Sales (0002)"]);
    let world = world.in_step(&policy());
    assert!(planned(&world).is_empty());
    // Who has the name keeps it, whoever else comes.
    let world = world
        .without_mailbox(1)
        .in_step(&policy())
        .shared(1, 1)
        .named(1, "Sales (0002)");
    assert!(planned(&world).skipped.is_empty());
}

#[test]
fn a_name_is_handed_on_once_it_is_free() {
    let world = empty().shared(1, 1).named(1, "Sales").in_step(&policy());
    let world = world.without_mailbox(1).shared(2, 1).named(2, "Sales");
    let plan = planned(&world);
    let kinds: Vec<(ObjectKind, OperationKind)> = plan
        .operations
        .iter()
        .map(|op| (op.object(), op.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            (BOOK, DELETE),
            (BOOK, CREATE),
            (CONTACT, DELETE),
            (CONTACT, CREATE)
        ]
    );
    // Where the removal waits for a person, the newcomer waits too.
    let mut strict = policy();
    strict.safety.max_removals = 0;
    let judged = judged_by(&world, &strict);
    assert_eq!(judged.held.len(), 2);
    assert!(judged.plan.is_empty());
    assert!(
        judged
            .plan
            .skipped
            .iter()
            .all(|skipped| skipped.reason == Reason::DependencyFailed)
    );
}

#[test]
fn personal_contacts_wait_while_a_phonebook_shows_everything() {
    let everyone = PhonebookRow {
        id: PhonebookId(9),
        name: "All Company Contacts_Phonebook".into(),
        total: 1,
        everyone: true,
    };
    let mut world = empty().personal(1, 1).shared(2, 1);
    world.phonebooks.insert(everyone.id, everyone);
    let plan = planned(&world);
    assert!(
        plan.operations.iter().all(|op| op.mailbox == mailbox(2)),
        "the other half goes on"
    );
    assert_eq!(left(&plan), [("Owner 1", Reason::VisibilityNotAcknowledged)]);
    assert!(plan.skipped[0].detail.contains("acknowledged_visibility"));
    let acknowledged = ContactPolicy {
        acknowledged_visibility: true,
        ..policy()
    };
    assert_eq!(judged_by(&world, &acknowledged).plan.operations.len(), 4);
}

#[test]
fn a_create_whose_answer_was_lost_is_recognised_by_its_mark() {
    let world = empty().shared(1, 1).in_step(&policy());
    let mut intended = world.clone();
    let binding = intended.bindings.get_mut(&key(1, 1)).unwrap();
    binding.stage = ContactStage::Intended { at: now() };
    let plan = planned(&intended);
    assert_eq!(
        lines(&plan.operations),
        [(CONTACT, OperationKind::Bind, Reason::Recovered)]
    );
    intended.carry_out(&plan.operations);
    assert_eq!(intended, world);
    // Without any record the same, so the table can be lost.
    let mut forgotten = world.clone();
    forgotten.bindings.clear();
    assert_eq!(
        lines(&planned(&forgotten).operations),
        [(CONTACT, OperationKind::Bind, Reason::Recovered)]
    );
    // An intent that came to nothing is made.
    let mut undone = intended.clone();
    let id = world.bindings[&key(1, 1)].bound().unwrap().id;
    undone.rows.remove(&id);
    undone.bindings.get_mut(&key(1, 1)).unwrap().stage = ContactStage::Intended { at: now() };
    assert_eq!(
        lines(&planned(&undone).operations),
        [(CONTACT, CREATE, Reason::NewInScope)]
    );
}

#[test]
fn an_unfinished_phonebook_is_recognised_while_it_is_empty() {
    let mut world = empty().shared(1, 1);
    let intent = PhonebookBinding {
        mailbox: mailbox(1),
        role: MailboxRole::Shared,
        name: "Owner 1".into(),
        stage: PhonebookStage::Intended { at: now() },
    };
    world.books.insert(mailbox(1), intent);
    let made = PhonebookRow {
        id: PhonebookId(7),
        name: "Owner 1".into(),
        total: 0,
        everyone: false,
    };
    world.phonebooks.insert(made.id, made);
    let plan = planned(&world);
    assert_eq!(
        lines(&plan.operations),
        [
            (BOOK, OperationKind::Bind, Reason::Recovered),
            (CONTACT, CREATE, Reason::NewInScope)
        ]
    );
    world.phonebooks.get_mut(&PhonebookId(7)).unwrap().total = 3;
    assert_eq!(
        left(&planned(&world)),
        [("Owner 1", Reason::NameTaken)],
        "somebody filled it by hand"
    );
}

#[test]
fn a_contact_of_somebody_else_under_our_key_is_not_touched() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    let row = world.row_mut(1, 1);
    (row.name, row.remark) = ("Another".into(), "by hand".into());
    row.numbers = [(NumberSlot::Mobile, "1".into())].into();
    let plan = planned(&world);
    assert_eq!(lines(&plan.operations), [(CONTACT, CREATE, Reason::DeletedOnPbx)]);
    let gone = world.clone().edit(1, std::collections::BTreeMap::clear);
    let plan = planned(&gone);
    assert!(
        plan.operations.iter().all(|op| op.target().is_none()),
        "{:?}",
        plan.operations
    );
}

#[test]
fn of_two_contacts_with_one_mark_the_bound_one_is_ours() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    let copy = world.row_mut(1, 1).clone();
    let copied = PbxContactId(999);
    world
        .rows
        .insert(copied, crate::domain::contact::ContactRow { id: copied, ..copy });
    assert!(planned(&world).is_empty());
}

#[test]
fn removals_beyond_the_guard_wait() {
    let world = empty().shared(1, 30).in_step(&policy());
    let few = world
        .clone()
        .edit(1, |contacts| contacts.retain(|id, _| *id > contact_id(10)));
    assert_eq!(judged(&few).held, []);
    let many = world
        .clone()
        .edit(1, |contacts| contacts.retain(|id, _| *id > contact_id(11)));
    let checked = judged(&many);
    assert_eq!(checked.held.len(), 11);
    assert!(checked.held_because.unwrap().contains("11 of 30 contacts"));
    let emptied = world.edit(1, std::collections::BTreeMap::clear);
    assert!(
        judged(&emptied).held_because.is_some(),
        "mailboxes that returned nothing are looked at by a person"
    );
}

#[test]
fn no_more_is_made_than_the_pbx_takes() {
    let tight = ContactPolicy {
        limits: ContactLimits {
            per_person: 100,
            contacts: 3,
            phonebooks: 2,
        },
        ..policy()
    };
    let world = empty().shared(1, 4).shared(2, 1);
    let Checked { plan, .. } = judged_by(&world, &tight);
    assert_eq!(
        lines(&plan.operations).len(),
        3,
        "one phonebook and two contacts: one of each was there"
    );
    let reasons: Vec<Reason> = plan.skipped.iter().map(|skipped| skipped.reason).collect();
    assert_eq!(
        reasons
            .iter()
            .filter(|reason| **reason == Reason::CapacityReached)
            .count(),
        3
    );
    assert!(reasons.contains(&Reason::DependencyFailed));
}

#[test]
fn a_paused_half_is_left_alone() {
    let mut world = empty()
        .shared(1, 2)
        .in_step(&policy())
        .without_mailbox(1)
        .personal(2, 1);
    world.complete.remove(&MailboxRole::Shared);
    world.phonebooks.values_mut().for_each(|book| book.name.push('!'));
    let plan = planned(&world);
    assert!(plan.operations.iter().all(|op| op.mailbox == mailbox(2)));
}

#[test]
fn a_name_of_a_paused_half_is_not_free() {
    let mut world = empty().shared(1, 1).named(1, "Sales").in_step(&policy());
    world = world.without_mailbox(1).personal(2, 1).named(2, "Sales");
    world.complete.remove(&MailboxRole::Shared);
    let plan = planned(&world);
    assert!(plan.is_empty());
    assert_eq!(left(&plan), [("Owner 2", Reason::NameTaken)]);
}

#[test]
fn a_foreign_contact_with_a_stray_mark_is_not_taken_away() {
    let world = empty().shared(1, 1).in_step(&policy());
    let mark = key(5, 5).mark();
    let mut stray = world;
    stray.rows.get_mut(&PbxContactId(1)).unwrap().remark = mark.clone();
    assert_eq!(ContactKey::in_remark(&mark), Some(key(5, 5)));
    assert!(planned(&stray).is_empty());
}

#[test]
fn a_phonebook_made_to_hold_everybody_is_narrowed() {
    let mut world = empty().shared(1, 1).in_step(&policy());
    world.phonebook_mut(1).everyone = true;
    let plan = planned(&world);
    assert!(matches!(
        plan.operations[0].change,
        ContactChange::Book(BookChange::Mend { narrow: true, .. })
    ));
}

#[test]
fn a_binding_without_its_phonebook_still_goes_with_its_mailbox() {
    let mut world = empty().shared(1, 1).in_step(&policy()).without_mailbox(1);
    world.books.clear();
    let binding: &ContactBinding = &world.bindings[&key(1, 1)];
    assert_eq!(binding.role, MailboxRole::Shared);
    assert_eq!(
        lines(&planned(&world).operations),
        [(CONTACT, DELETE, Reason::OutOfScope)]
    );
}

// spec: 115
#[test]
fn a_phonebook_that_somebody_made_under_the_key_of_ours_is_left_alone_and_ours_is_made_again() {
    let mut world = empty().shared(1, 2).in_step(&policy());
    let id = world.phonebook_mut(1).id;
    // A PBX that was set up anew has none of our contacts.
    world
        .rows
        .retain(|_, row| ContactKey::in_remark(&row.remark).is_none());
    "Plumbers".clone_into(&mut world.phonebook_mut(1).name);
    let before = world.phonebooks[&id].clone();
    let plan = planned(&world);
    let again = Reason::DeletedOnPbx;
    assert_eq!(
        lines(&plan.operations),
        [
            (BOOK, CREATE, again),
            (CONTACT, CREATE, again),
            (CONTACT, CREATE, again)
        ]
    );
    let after = world.in_step(&policy());
    assert_eq!(after.phonebooks[&id].name, before.name);
    assert!(planned(&after).is_empty());
}

// spec: 115
#[test]
fn a_strangers_phonebook_under_the_key_of_one_that_leaves_is_not_deleted() {
    let mut world = empty().shared(1, 2).in_step(&policy()).without_mailbox(1);
    let id = world.phonebook_mut(1).id;
    world
        .rows
        .retain(|_, row| ContactKey::in_remark(&row.remark).is_none());
    "Plumbers".clone_into(&mut world.phonebook_mut(1).name);
    let after = world.in_step(&policy());
    assert!(after.phonebooks.contains_key(&id));
    assert!(after.books.is_empty() && after.bindings.is_empty());
}

// spec: 115
#[test]
fn a_phonebook_of_ours_that_was_renamed_is_known_by_the_contacts_in_it() {
    let mut world = empty().shared(1, 2).in_step(&policy());
    let id = world.phonebook_mut(1).id;
    "By hand".clone_into(&mut world.phonebook_mut(1).name);
    let plan = planned(&world);
    assert_eq!(lines(&plan.operations), [(BOOK, UPDATE, Reason::Drift)]);
    assert_eq!(world.in_step(&policy()).phonebooks[&id].name, "Owner 1");
}

#[test]
fn the_mailbox_of_somebody_who_is_leaving_rests() {
    let settled = empty().personal(1, 2).personal(2, 1).in_step(&policy());
    let mut world = settled.clone().without_mailbox(1);
    world.resting.insert(mailbox(1));
    let plan = planned(&world);
    assert!(plan.is_empty() && plan.skipped.is_empty(), "{plan:#?}");
    let taken = world.clone().personal(3, 1).named(3, "Owner 1");
    assert_eq!(left(&planned(&taken)), [("Owner 3", Reason::NameTaken)]);
    world.resting.clear();
    assert_eq!(
        lines(&planned(&world).operations),
        [
            (BOOK, DELETE, Reason::OutOfScope),
            (CONTACT, DELETE, Reason::OutOfScope),
            (CONTACT, DELETE, Reason::OutOfScope)
        ]
    );
}
