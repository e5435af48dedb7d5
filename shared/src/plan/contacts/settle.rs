//! From what a mailbox's contacts should be, and what the PBX has, to the operations between them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::contact::{CardDigest, ContactId, ContactKey, ContactRow, PbxContactId};
use crate::domain::contact_binding::{BoundContact, ContactBinding, ContactStage, PhonebookBinding};
use crate::domain::operation_record::Reason;
use crate::domain::phonebook::PhonebookId;

use super::ContactPlan;
use super::books::{self, Book, BookState};
use super::cards::{self, Sorted, Wanted};
use super::index::Index;
use super::operation::{
    BookChange, CardChange, ContactChange, ContactName, ContactOperation, SkippedContact,
};
use super::snapshot::{ContactPolicy, ContactWorld, Contents, MailboxId, MailboxRole, MailboxSnapshot};

/// Everything about one mailbox that was read.
pub(super) fn mailbox(
    (world, index): (&ContactWorld, &Index<'_>),
    policy: &ContactPolicy,
    (mailbox, snapshot): (MailboxId, &MailboxSnapshot),
    book: &Book,
    plan: &mut ContactPlan,
) {
    let Contents::Complete(contacts) = &snapshot.contents else {
        return;
    };
    let Sorted { wanted, left } = cards::sort_out(world, policy, (mailbox, snapshot), contacts);
    let desk = Desk {
        world,
        mailbox,
        role: snapshot.role,
        index,
        phonebook: match &book.state {
            BookState::There(row) => Some(row.id),
            BookState::Found(id) => Some(*id),
            BookState::Missing { .. } => None,
        },
    };
    let mut join = BTreeSet::new();
    for (key, wanted) in &wanted {
        desk.contact(key, wanted, plan, &mut join);
    }
    for binding in index.bound.get(&mailbox).into_iter().flatten() {
        if !wanted.contains_key(&binding.key) {
            let left = left.get(&binding.key);
            let reason = left.map_or(Reason::ContactDeleted, |left| left.reason);
            plan.operations.push(desk.remove(binding, desk.phonebook, reason));
        }
    }
    for (key, left) in &left {
        if !world.bindings.contains_key(key) && index.marked.contains_key(key) {
            let binding = unrecorded(&desk, *key, left);
            plan.operations
                .push(desk.remove(&binding, desk.phonebook, left.reason));
        }
    }
    plan.skipped.extend(left.into_values());
    let needed = !wanted.is_empty();
    let bound_name = world.books.get(&mailbox).map(|book| book.name.as_str());
    let operations = [
        books::coming(mailbox, snapshot.role, book, needed),
        books::mending(mailbox, snapshot.role, book, join, bound_name)
            .filter(|_| needed || desk.phonebook.is_some()),
    ];
    let before = plan.operations.len();
    plan.operations.extend(operations.into_iter().flatten());
    plan.phonebooks_unchanged += u64::from(desk.phonebook.is_some() && plan.operations.len() == before);
}

/// A contact that carries our mark though our record of it was lost.
fn unrecorded(desk: &Desk<'_>, key: ContactKey, left: &SkippedContact) -> ContactBinding {
    ContactBinding {
        key,
        mailbox: desk.mailbox,
        role: desk.role,
        contact: left.contact.clone().unwrap_or_else(|| ContactId(String::new())),
        name: left.name.clone(),
        stage: ContactStage::Intended {
            at: Timestamp::UNIX_EPOCH,
        },
    }
}

/// What is bound to a mailbox that the rules no longer choose.
pub(super) fn out_of_scope(world: &ContactWorld, index: &Index<'_>, plan: &mut ContactPlan) {
    let own = world.own_phonebooks();
    for book in world
        .books
        .values()
        .filter(|book| world.is_out_of_scope(book.mailbox, book.role))
    {
        let id = book.phonebook().filter(|id| own.contains_key(id));
        let name = book.name.clone();
        let change = match id {
            Some(id) if index.of_others.contains(&id) => BookChange::Release { id, name },
            _ => BookChange::Delete { id, name },
        };
        plan.operations.push(ContactOperation {
            mailbox: book.mailbox,
            role: book.role,
            change: ContactChange::Book(change),
            reason: Reason::OutOfScope,
            notes: Vec::new(),
        });
    }
    let leaving = world
        .bindings
        .values()
        .filter(|binding| world.is_out_of_scope(binding.mailbox, binding.role));
    for binding in leaving {
        let book = world
            .books
            .get(&binding.mailbox)
            .and_then(PhonebookBinding::phonebook);
        // A phonebook that is deleted first holds nobody any more.
        let stays = book.filter(|id| index.of_others.contains(id));
        let operation = remove((world, index), binding, stays, Reason::OutOfScope);
        plan.operations.push(operation);
    }
}

struct Desk<'a> {
    world: &'a ContactWorld,
    mailbox: MailboxId,
    role: MailboxRole,
    index: &'a Index<'a>,
    phonebook: Option<PhonebookId>,
}

impl Desk<'_> {
    fn remove(
        &self,
        binding: &ContactBinding,
        phonebook: Option<PhonebookId>,
        reason: Reason,
    ) -> ContactOperation {
        remove((self.world, self.index), binding, phonebook, reason)
    }

    fn contact(
        &self,
        key: &ContactKey,
        wanted: &Wanted,
        plan: &mut ContactPlan,
        join: &mut BTreeSet<PbxContactId>,
    ) {
        let card = &wanted.mapped.card;
        let bound = self.world.bindings.get(key).and_then(ContactBinding::bound);
        let own = bound
            .and_then(|bound| Some((bound, self.world.rows.get(&bound.id)?)))
            .filter(|(_, row)| row.is_still(key, card));
        let found = self.index.marked.get(key).copied();
        let (change, reason, row) = match (own, found) {
            (Some((bound, row)), _) => {
                let Some((change, reason)) = difference(bound, row, wanted) else {
                    self.in_step(wanted, row, plan, join);
                    return;
                };
                (change, reason, Some(row))
            }
            (None, Some(row)) => {
                let change = CardChange::TakeUp {
                    id: row.id,
                    before: row.values(),
                    card: card.clone(),
                    write: !row.says(card),
                };
                (change, Reason::Recovered, Some(row))
            }
            (None, None) => {
                let reason = if bound.is_some() {
                    Reason::DeletedOnPbx
                } else {
                    Reason::NewInScope
                };
                (CardChange::Create { card: card.clone() }, reason, None)
            }
        };
        if let Some(row) = row {
            self.join(row, join);
        }
        plan.operations.push(ContactOperation {
            mailbox: self.mailbox,
            role: self.role,
            change: ContactChange::Contact(named(*key, wanted), change),
            reason,
            notes: wanted.mapped.notes.clone(),
        });
    }

    fn in_step(
        &self,
        wanted: &Wanted,
        row: &ContactRow,
        plan: &mut ContactPlan,
        join: &mut BTreeSet<PbxContactId>,
    ) {
        self.join(row, join);
        plan.unchanged += 1;
        if !wanted.mapped.notes.is_empty() {
            plan.remarks.push(SkippedContact {
                mailbox: self.mailbox,
                contact: Some(wanted.contact.clone()),
                name: wanted.name.clone(),
                reason: Reason::FieldInvalid,
                detail: wanted.mapped.notes.join("; "),
            });
        }
    }

    fn join(&self, row: &ContactRow, join: &mut BTreeSet<PbxContactId>) {
        let is_in = self.phonebook.is_some_and(|book| row.phonebooks.contains(&book));
        if !is_in {
            join.insert(row.id);
        }
    }
}

/// What has to be done about a contact of ours that is there; `None`: nothing.
fn difference(bound: &BoundContact, row: &ContactRow, wanted: &Wanted) -> Option<(CardChange, Reason)> {
    let card = &wanted.mapped.card;
    let as_written = bound.written == CardDigest::of(card);
    match (row.says(card), as_written) {
        (true, true) => None,
        (true, false) => {
            let change = CardChange::Note {
                bound: bound.clone(),
                card: card.clone(),
            };
            Some((change, Reason::AttributesChanged))
        }
        (false, as_written) => {
            let change = CardChange::Update {
                bound: bound.clone(),
                before: row.values(),
                card: card.clone(),
            };
            let reason = if as_written {
                Reason::Drift
            } else {
                Reason::AttributesChanged
            };
            Some((change, reason))
        }
    }
}

fn named(key: ContactKey, wanted: &Wanted) -> ContactName {
    ContactName {
        key,
        contact: wanted.contact.clone(),
        name: wanted.name.clone(),
    }
}

/// Takes a contact away; one that is gone or no longer ours is only struck off our list.
fn remove(
    (world, index): (&ContactWorld, &Index<'_>),
    binding: &ContactBinding,
    phonebook: Option<PhonebookId>,
    reason: Reason,
) -> ContactOperation {
    let carries = |row: &&ContactRow| ContactKey::in_remark(&row.remark).as_ref() == Some(&binding.key);
    let row = match binding.bound() {
        Some(bound) => world.rows.get(&bound.id).filter(carries),
        // An unfinished create that had been carried out.
        None => index.marked.get(&binding.key).copied(),
    };
    let change = CardChange::Delete {
        id: row.map(|row| row.id),
        before: row.map(ContactRow::values).unwrap_or_default(),
        leaves: phonebook.filter(|id| row.is_some_and(|row| row.phonebooks.contains(id))),
    };
    let name = ContactName {
        key: binding.key,
        contact: binding.contact.clone(),
        name: binding.name.clone(),
    };
    ContactOperation {
        mailbox: binding.mailbox,
        role: binding.role,
        change: ContactChange::Contact(name, change),
        reason,
        notes: Vec::new(),
    }
}
