//! The planner by property: what must hold for every world, whatever was read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::domain::contact::{ContactRow, PbxContactId};
use crate::domain::contact_binding::{ContactStage, PhonebookBinding};
use crate::domain::operation_record::ObjectKind;
use crate::domain::phonebook::{PhonebookId, PhonebookRow};

use super::check::check;
use super::operation::ContactOperation;
use super::plan;
use super::snapshot::{ContactWorld, MailboxRole, Unreadable};
use super::world_builder::{contact, contact_id, empty, key, mailbox, now, policy};

/// What happened to contact `n` of a mailbox since the world was in step.
#[derive(Debug, Clone)]
enum Fate {
    InStep,
    New,
    Gone,
    Changed,
    Numberless,
    DoubleOf(u32),
    Drifted,
    OutOfBook,
    DeletedOnPbx,
    Intended,
    Forgotten,
    Foreign,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::InStep),
        3 => Just(Fate::New),
        2 => Just(Fate::Gone),
        1 => Just(Fate::Changed),
        1 => Just(Fate::Numberless),
        1 => (1u32..6).prop_map(Fate::DoubleOf),
        1 => Just(Fate::Drifted),
        1 => Just(Fate::OutOfBook),
        1 => Just(Fate::DeletedOnPbx),
        1 => Just(Fate::Intended),
        1 => Just(Fate::Forgotten),
        1 => Just(Fate::Foreign),
    ]
}

/// What happened to a mailbox.
#[derive(Debug, Clone, Copy)]
enum BoxFate {
    Stays,
    Unreadable,
    OutOfScope,
    BookDeleted,
    BookRenamed,
    NewName,
}

fn box_fate() -> impl Strategy<Value = BoxFate> {
    prop_oneof![
        4 => Just(BoxFate::Stays),
        1 => Just(BoxFate::Unreadable),
        1 => Just(BoxFate::OutOfScope),
        1 => Just(BoxFate::BookDeleted),
        1 => Just(BoxFate::BookRenamed),
        1 => Just(BoxFate::NewName),
    ]
}

type Story = Vec<(bool, BoxFate, Vec<Fate>)>;

fn story() -> impl Strategy<Value = Story> {
    let one = (any::<bool>(), box_fate(), prop::collection::vec(fate(), 0..6));
    prop::collection::vec(one, 1..4)
}

fn world_of(story: &Story) -> ContactWorld {
    let mut world = empty();
    for (owner, (personal, _, fates)) in (1u128..).zip(story) {
        let role = if *personal {
            MailboxRole::Personal
        } else {
            MailboxRole::Shared
        };
        let before: Vec<_> = (1u32..)
            .zip(fates)
            .filter(|(_, fate)| !matches!(fate, Fate::New))
            .map(|(n, _)| (n, contact(n)))
            .collect();
        world = world.with_mailbox(owner, role, &before);
    }
    world = world.in_step(&policy());
    for (owner, (_, _, fates)) in (1u128..).zip(story) {
        for (n, fate) in (1u32..).zip(fates) {
            world = befall(world, owner, n, fate);
        }
    }
    for (owner, (_, fate, _)) in (1u128..).zip(story) {
        world = befall_box(world, owner, *fate);
    }
    // The PBX counts who is left in its phonebooks.
    world.carry_out(&[]);
    world
}

fn befall(mut world: ContactWorld, owner: u128, n: u32, fate: &Fate) -> ContactWorld {
    let bound = world
        .bindings
        .get(&key(owner, n))
        .and_then(|binding| Some(binding.bound()?.id));
    let row = bound.and_then(|id| world.rows.get_mut(&id));
    match (fate, row) {
        (Fate::Drifted, Some(row)) => row.company = "By hand".into(),
        (Fate::OutOfBook, Some(row)) => row.phonebooks.clear(),
        (Fate::Foreign, Some(row)) => {
            (row.name, row.remark) = ("Somebody".into(), String::new());
            row.numbers
                .values_mut()
                .for_each(|number| *number = "4711".into());
        }
        (Fate::DeletedOnPbx, Some(_)) => drop(bound.and_then(|id| world.rows.remove(&id))),
        (Fate::Intended, Some(_)) => {
            let binding = world.bindings.get_mut(&key(owner, n)).unwrap();
            binding.stage = ContactStage::Intended { at: now() };
        }
        (Fate::Forgotten, Some(_)) => drop(world.bindings.remove(&key(owner, n))),
        _ => {}
    }
    world.edit(owner, |contacts| match fate {
        Fate::New => drop(contacts.insert(contact_id(n), contact(n))),
        Fate::Gone => drop(contacts.remove(&contact_id(n))),
        Fate::Changed => contacts.get_mut(&contact_id(n)).unwrap().job_title = "Buyer".into(),
        Fate::Numberless => contacts.get_mut(&contact_id(n)).unwrap().mobile_phone.clear(),
        Fate::DoubleOf(other) => drop(contacts.insert(contact_id(n), contact(*other))),
        _ => {}
    })
}

fn befall_box(mut world: ContactWorld, owner: u128, fate: BoxFate) -> ContactWorld {
    let book = world
        .books
        .get(&mailbox(owner))
        .and_then(PhonebookBinding::phonebook);
    match (fate, book) {
        (BoxFate::Unreadable, _) => world.unreadable(owner, Unreadable::Unavailable),
        (BoxFate::OutOfScope, _) => world.without_mailbox(owner),
        (BoxFate::NewName, _) => world.named(owner, "Another name"),
        (BoxFate::BookDeleted, Some(book)) => {
            world.phonebooks.remove(&book);
            for row in world.rows.values_mut() {
                row.phonebooks.remove(&book);
            }
            world
        }
        (BoxFate::BookRenamed, Some(book)) => {
            world.phonebooks.get_mut(&book).unwrap().name = format!("By hand {}", book.0);
            world
        }
        _ => world,
    }
}

/// Contacts and phonebooks that are not ours.
fn foreign(
    world: &ContactWorld,
) -> (
    BTreeMap<PbxContactId, ContactRow>,
    BTreeMap<PhonebookId, PhonebookRow>,
) {
    let (contacts, books) = (world.own_contacts(), world.own_phonebooks());
    let unmarked = |row: &ContactRow| crate::domain::contact::ContactKey::in_remark(&row.remark).is_none();
    let rows = world
        .rows
        .iter()
        .filter(|(id, row)| !contacts.contains_key(id) && unmarked(row));
    let phonebooks = world.phonebooks.iter().filter(|(id, _)| !books.contains_key(id));
    (
        rows.map(|(id, row)| (*id, row.clone())).collect(),
        phonebooks.map(|(id, row)| (*id, row.clone())).collect(),
    )
}

proptest! {
    #[test]
    fn what_was_carried_out_needs_nothing_more(story in story()) {
        let world = world_of(&story).in_step(&policy());
        let again = check(plan(&world, &policy()), &world, &policy());
        prop_assert!(again.plan.is_empty(), "{:#?}", again.plan.operations);
    }

    #[test]
    fn any_prefix_leads_to_the_same_end(story in story(), share in 0.0f64..1.0) {
        let begun = world_of(&story);
        let checked = check(plan(&begun, &policy()), &begun, &policy());
        let mut cut = begun.clone();
        let total = checked.plan.operations.len();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a handful")]
        let prefix = (share * total as f64) as usize;
        cut.carry_out(&checked.plan.operations[..prefix]);
        let (cut, whole) = (cut.in_step(&policy()), begun.in_step(&policy()));
        let told = |world: &ContactWorld| -> BTreeSet<_> {
            world.bindings.values().map(|b| (b.key, b.bound().map(|bound| bound.written))).map(|(k, w)| format!("{k} {w:?}")).collect()
        };
        prop_assert_eq!(told(&cut), told(&whole));
        let names = |world: &ContactWorld| -> BTreeSet<String> { world.phonebooks.values().map(|book| format!("{} {}", book.name, book.total)).collect() };
        prop_assert_eq!(names(&cut), names(&whole));
    }

    #[test]
    fn nothing_foreign_is_touched(story in story()) {
        let before = world_of(&story);
        let after = before.clone().in_step(&policy());
        let (rows, books) = foreign(&before);
        for (id, row) in rows {
            prop_assert_eq!(after.rows.get(&id), Some(&row));
        }
        for (id, book) in books {
            prop_assert_eq!(after.phonebooks.get(&id), Some(&book));
        }
    }

    #[test]
    fn every_contact_is_on_the_pbx_once_or_left_alone_with_a_reason(story in story()) {
        let world = world_of(&story);
        let checked = check(plan(&world, &policy()), &world, &policy());
        let named: BTreeSet<_> = checked.plan.skipped.iter().filter_map(|s| s.contact.clone().map(|c| (s.mailbox, c))).collect();
        let unread: BTreeSet<_> = checked.plan.skipped.iter().filter(|s| s.contact.is_none()).map(|s| s.mailbox).collect();
        let after = world.clone().in_step(&policy());
        for (owner, snapshot) in &world.mailboxes {
            let super::snapshot::Contents::Complete(contacts) = &snapshot.contents else { continue };
            for id in contacts.keys() {
                let key = crate::domain::contact::ContactKey::of(world.connection, *owner, id);
                let marked = after.rows.values().filter(|row| crate::domain::contact::ContactKey::in_remark(&row.remark) == Some(key)).count();
                let left = named.contains(&(*owner, id.clone())) || unread.contains(owner);
                prop_assert!(marked == usize::from(!left), "{key} is there {marked} times, left alone: {left}");
            }
        }
    }

    #[test]
    fn a_held_plan_removes_nothing(story in story()) {
        let world = world_of(&story);
        let mut strict = policy();
        strict.safety.max_removals = 0;
        let checked = check(plan(&world, &strict), &world, &strict);
        if checked.held_because.is_some() {
            prop_assert!(checked.plan.operations.iter().all(|op| !op.is_removal()));
        }
        let removed: BTreeSet<_> = checked.held.iter().filter(|op| op.object() == ObjectKind::Contact).map(ContactOperation::target).collect();
        prop_assert_eq!(removed.len(), checked.held.iter().filter(|op| op.object() == ObjectKind::Contact && op.target().is_some()).count() + usize::from(removed.contains(&None)));
    }

    #[test]
    fn unreadable_mailboxes_keep_everything(story in story()) {
        let world = world_of(&story);
        let checked = check(plan(&world, &policy()), &world, &policy());
        for operation in &checked.plan.operations {
            let unreadable = world.mailboxes.get(&operation.mailbox).is_some_and(|mailbox| {
                matches!(mailbox.contents, super::snapshot::Contents::Unreadable(_))
            });
            prop_assert!(!unreadable);
        }
    }
}
