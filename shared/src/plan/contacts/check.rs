//! Judges any plan of contacts before it runs: nothing that is not ours, nothing twice, no more than fits, and no mass
//! removal without a person's word. What fails is taken out and reported; the rest goes on.

use std::collections::BTreeSet;

use crate::domain::contact::{ContactKey, PbxContactId};
use crate::domain::mailbox::MailboxId;
use crate::domain::operation_record::{ObjectKind, Reason};
use crate::plan::guard::Removing;

use super::ContactPlan;
use super::operation::{BookChange, CardChange, ContactChange, ContactOperation, SkippedContact};
use super::snapshot::{ContactPolicy, ContactWorld, Contents};

/// A plan that may run, and removals that wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What may run.
    pub plan: ContactPlan,
    /// Removals that wait.
    pub held: Vec<ContactOperation>,
    /// Why they wait.
    pub held_because: Option<String>,
}

/// Judges `plan`.
pub fn check(mut plan: ContactPlan, world: &ContactWorld, policy: &ContactPolicy) -> Checked {
    take_out_foreign(&mut plan, world);
    let held_because = hold_reason(&plan, world, policy);
    let mut held = Vec::new();
    if held_because.is_some() {
        (held, plan.operations) = plan
            .operations
            .into_iter()
            .partition(ContactOperation::is_removal);
        take_out_waiting_names(&mut plan, &held);
    }
    take_out_beyond_capacity(&mut plan, world, policy);
    plan.sort();
    Checked {
        plan,
        held,
        held_because,
    }
}

fn removals(plan: &ContactPlan, object: ObjectKind) -> u64 {
    let of_kind = |op: &&ContactOperation| op.object() == object && op.takes_away();
    plan.operations.iter().filter(of_kind).count() as u64
}

fn hold_reason(plan: &ContactPlan, world: &ContactWorld, policy: &ContactPolicy) -> Option<String> {
    let contacts = Removing {
        what: "contacts",
        removals: removals(plan, ObjectKind::Contact),
        managed: world.bindings.len() as u64,
        managed_before: policy.last_good_managed,
        source_is_empty: mailboxes_are_empty(world).then_some("the mailboxes returned no contact at all"),
    };
    let phonebooks = Removing {
        what: "phonebooks",
        removals: removals(plan, ObjectKind::Phonebook),
        managed: world.books.len() as u64,
        managed_before: None,
        source_is_empty: None,
    };
    contacts
        .hold_reason(&policy.safety)
        .or_else(|| phonebooks.hold_reason(&policy.safety))
}

/// Mailboxes were read, and there was not one contact in them.
fn mailboxes_are_empty(world: &ContactWorld) -> bool {
    let mut read = world
        .mailboxes
        .values()
        .filter_map(|mailbox| match &mailbox.contents {
            Contents::Complete(contacts) => Some(contacts.is_empty()),
            Contents::Unreadable(_) => None,
        });
    let mut any = false;
    read.all(|empty| {
        any = true;
        empty
    }) && any
}

/// Only what a binding or our mark says is ours is ever touched, and once.
fn take_out_foreign(plan: &mut ContactPlan, world: &ContactWorld) {
    let own_books = world.own_phonebooks();
    let own = world.own_contacts();
    let mut seen: BTreeSet<PbxContactId> = BTreeSet::new();
    let mut kept = Vec::new();
    for operation in std::mem::take(&mut plan.operations) {
        let ours = match &operation.change {
            ContactChange::Contact(name, change) => {
                let by_binding = |id: PbxContactId| own.get(&id).is_some_and(|key| **key == name.key);
                let by_mark = |id: PbxContactId| {
                    let row = world.rows.get(&id);
                    row.and_then(|row| ContactKey::in_remark(&row.remark)) == Some(name.key)
                };
                change
                    .target()
                    .is_none_or(|id| (by_binding(id) || by_mark(id)) && seen.insert(id))
            }
            ContactChange::Book(BookChange::TakeUp { .. }) => true,
            ContactChange::Book(_) => {
                let target = operation.target();
                target.is_none_or(|id| {
                    own_books
                        .iter()
                        .any(|(own, mailbox)| own.0 == id && *mailbox == operation.mailbox)
                        || is_just_found(world, &operation)
                })
            }
        };
        if ours {
            kept.push(operation);
        } else {
            plan.skipped
                .push(taken_out(&operation, Reason::AmbiguousMatch, "it is not ours"));
        }
    }
    plan.operations = kept;
}

/// A phonebook whose unfinished make was recognised in this very plan.
fn is_just_found(world: &ContactWorld, operation: &ContactOperation) -> bool {
    world
        .books
        .get(&operation.mailbox)
        .is_some_and(|book| book.phonebook().is_none())
        && matches!(operation.change, ContactChange::Book(BookChange::Mend { .. }))
}

/// A phonebook whose name a held one still has, and everything that was to go into it, waits too.
fn take_out_waiting_names(plan: &mut ContactPlan, held: &[ContactOperation]) {
    let held: BTreeSet<MailboxId> = held
        .iter()
        .filter(|op| op.object() == ObjectKind::Phonebook)
        .map(|op| op.mailbox)
        .collect();
    let waits = |op: &ContactOperation| match &op.change {
        ContactChange::Book(BookChange::Make { after, .. }) => {
            after.is_some_and(|first| held.contains(&first))
        }
        _ => false,
    };
    let waiting: BTreeSet<MailboxId> = plan
        .operations
        .iter()
        .filter(|op| waits(op))
        .map(|op| op.mailbox)
        .collect();
    take_out(
        plan,
        |op| waiting.contains(&op.mailbox),
        Reason::DependencyFailed,
        "its phonebook waits for a removal that needs an approval",
    );
}

fn take_out(plan: &mut ContactPlan, which: impl Fn(&ContactOperation) -> bool, reason: Reason, detail: &str) {
    let (out, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.operations).into_iter().partition(which);
    plan.operations = kept;
    plan.skipped
        .extend(out.iter().map(|op| taken_out(op, reason, detail)));
}

fn take_out_beyond_capacity(plan: &mut ContactPlan, world: &ContactWorld, policy: &ContactPolicy) {
    let room = |most: u64, there: usize, object: ObjectKind| {
        let deleted = |op: &&ContactOperation| {
            op.object() == object
                && op.takes_away()
                && !matches!(op.change, ContactChange::Book(BookChange::Release { .. }))
        };
        let freed = plan.operations.iter().filter(deleted).count() as u64;
        (most + freed).saturating_sub(there as u64)
    };
    let mut books = room(
        policy.limits.phonebooks,
        world.phonebooks.len(),
        ObjectKind::Phonebook,
    );
    let mut contacts = room(policy.limits.contacts, world.rows.len(), ObjectKind::Contact);
    let mut without_book = BTreeSet::new();
    let mut kept = Vec::new();
    for operation in std::mem::take(&mut plan.operations) {
        let (room, detail) = match &operation.change {
            ContactChange::Book(BookChange::Make { .. }) => (
                Some(&mut books),
                format!("the PBX takes {} phonebooks", policy.limits.phonebooks),
            ),
            ContactChange::Contact(_, CardChange::Create { .. }) => (
                Some(&mut contacts),
                format!("the PBX takes {} contacts", policy.limits.contacts),
            ),
            _ => (None, String::new()),
        };
        let homeless = without_book.contains(&operation.mailbox) && !operation.is_removal();
        match room {
            _ if homeless => {
                let text = "there is no room for its phonebook";
                plan.skipped
                    .push(taken_out(&operation, Reason::DependencyFailed, text));
            }
            Some(0) => {
                if operation.object() == ObjectKind::Phonebook {
                    without_book.insert(operation.mailbox);
                }
                plan.skipped
                    .push(taken_out(&operation, Reason::CapacityReached, &detail));
            }
            Some(left) => {
                *left -= 1;
                kept.push(operation);
            }
            None => kept.push(operation),
        }
    }
    plan.operations = kept;
}

fn taken_out(operation: &ContactOperation, reason: Reason, detail: &str) -> SkippedContact {
    let (contact, name) = match &operation.change {
        ContactChange::Contact(name, _) => (Some(name.contact.clone()), name.name.clone()),
        ContactChange::Book(change) => (None, change.name().to_owned()),
    };
    SkippedContact {
        mailbox: operation.mailbox,
        contact,
        name,
        reason,
        detail: detail.to_owned(),
    }
}
