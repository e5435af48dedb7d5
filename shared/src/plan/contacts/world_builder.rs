//! A world of contacts in few words, and a PBX that carries plans out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::operation::{BookChange, CardChange, ContactChange, ContactOperation};
use super::snapshot::{
    ContactPolicy, ContactWorld, Contents, MailboxId, MailboxRole, MailboxSnapshot, Unreadable,
};
use crate::domain::contact::{
    Card, CardDigest, ContactId, ContactKey, ContactRow, OutlookContact, PbxContactId,
};
use crate::domain::contact_binding::{
    BoundContact, ContactBinding, ContactStage, PhonebookBinding, PhonebookStage,
};
use crate::domain::ids::ConnectionId;
use crate::domain::phone_number::Country;
use crate::domain::phonebook::{ContactLimits, PhonebookId, PhonebookRow};
use crate::domain::settings::SafetySettings;

pub(super) fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

pub(super) fn connection() -> ConnectionId {
    ConnectionId::from(Uuid::from_u128(1))
}

/// Mailbox `n`; its first four digits differ too.
pub(super) fn mailbox(n: u128) -> MailboxId {
    MailboxId::from(Uuid::from_u128((n << 112) | n))
}

pub(super) fn contact_id(n: u32) -> ContactId {
    ContactId(format!("contact-{n:04}"))
}

pub(super) fn key(owner: u128, n: u32) -> ContactKey {
    ContactKey::of(connection(), mailbox(owner), &contact_id(n))
}

/// A complete contact, different for each `n`.
pub(super) fn contact(n: u32) -> OutlookContact {
    OutlookContact {
        display_name: format!("Person {n:04}"),
        given_name: "Person".into(),
        surname: format!("{n:04}"),
        mobile_phone: format!("0151 5550 {n:04}"),
        ..OutlookContact::default()
    }
}

pub(super) fn policy() -> ContactPolicy {
    ContactPolicy {
        country: Country::parse("DE").unwrap(),
        limits: ContactLimits::of(500),
        acknowledged_visibility: false,
        safety: SafetySettings::default(),
        last_good_managed: None,
    }
}

/// Both kinds of mailboxes are listed in full, nothing is on the PBX but what is not ours.
pub(super) fn empty() -> ContactWorld {
    let foreign = ContactRow {
        id: PbxContactId(1),
        name: "Foreign".into(),
        company: "Old".into(),
        email: String::new(),
        remark: "by hand".into(),
        numbers: [(crate::domain::contact::NumberSlot::Home, "1".into())].into(),
        phonebooks: [PhonebookId(1)].into(),
    };
    let book = PhonebookRow {
        id: PhonebookId(1),
        name: "Suppliers".into(),
        total: 1,
        everyone: false,
    };
    ContactWorld {
        connection: connection(),
        mailboxes: BTreeMap::new(),
        complete: [MailboxRole::Personal, MailboxRole::Shared].into(),
        resting: BTreeSet::new(),
        bindings: BTreeMap::new(),
        books: BTreeMap::new(),
        rows: [(foreign.id, foreign)].into(),
        phonebooks: [(book.id, book)].into(),
    }
}

impl ContactWorld {
    pub(super) fn with_mailbox(
        mut self,
        owner: u128,
        role: MailboxRole,
        contacts: &[(u32, OutlookContact)],
    ) -> Self {
        let contents = contacts
            .iter()
            .map(|(n, contact)| (contact_id(*n), contact.clone()))
            .collect();
        let snapshot = MailboxSnapshot {
            role,
            name: format!("Owner {owner}"),
            phonebook: format!("Owner {owner}"),
            contents: Contents::Complete(contents),
        };
        self.mailboxes.insert(mailbox(owner), snapshot);
        self
    }

    /// A shared mailbox with contacts 1 to `count`.
    pub(super) fn shared(self, owner: u128, count: u32) -> Self {
        let contacts: Vec<_> = (1..=count).map(|n| (n, contact(n))).collect();
        self.with_mailbox(owner, MailboxRole::Shared, &contacts)
    }

    pub(super) fn personal(self, owner: u128, count: u32) -> Self {
        let contacts: Vec<_> = (1..=count).map(|n| (n, contact(n))).collect();
        self.with_mailbox(owner, MailboxRole::Personal, &contacts)
    }

    pub(super) fn edit(
        mut self,
        owner: u128,
        change: impl FnOnce(&mut BTreeMap<ContactId, OutlookContact>),
    ) -> Self {
        if let Contents::Complete(contacts) = &mut self.mailboxes.get_mut(&mailbox(owner)).unwrap().contents {
            change(contacts);
        }
        self
    }

    pub(super) fn unreadable(mut self, owner: u128, why: Unreadable) -> Self {
        self.mailboxes.get_mut(&mailbox(owner)).unwrap().contents = Contents::Unreadable(why);
        self
    }

    pub(super) fn without_mailbox(mut self, owner: u128) -> Self {
        self.mailboxes.remove(&mailbox(owner));
        self
    }

    pub(super) fn named(mut self, owner: u128, phonebook: &str) -> Self {
        phonebook.clone_into(&mut self.mailboxes.get_mut(&mailbox(owner)).unwrap().phonebook);
        self
    }

    /// As a run without trouble would leave it.
    pub(super) fn in_step(mut self, policy: &ContactPolicy) -> Self {
        let checked = super::check::check(super::plan(&self, policy), &self, policy);
        self.carry_out(&checked.plan.operations);
        self
    }

    /// The row of our contact.
    pub(super) fn row_mut(&mut self, owner: u128, n: u32) -> &mut ContactRow {
        let id = self.bindings[&key(owner, n)].bound().unwrap().id;
        self.rows.get_mut(&id).unwrap()
    }

    pub(super) fn phonebook_mut(&mut self, owner: u128) -> &mut PhonebookRow {
        let id = self.books[&mailbox(owner)].phonebook().unwrap();
        self.phonebooks.get_mut(&id).unwrap()
    }

    pub(super) fn carry_out(&mut self, operations: &[ContactOperation]) {
        for operation in operations {
            self.apply(operation);
        }
        self.count_members();
    }

    fn count_members(&mut self) {
        for book in self.phonebooks.values_mut() {
            let members = self.rows.values().filter(|row| row.phonebooks.contains(&book.id));
            book.total = members.count() as u64;
        }
    }

    fn next_row(&self) -> PbxContactId {
        PbxContactId(self.rows.keys().next_back().map_or(100, |id| id.0.max(100) + 1))
    }

    fn apply(&mut self, operation: &ContactOperation) {
        match &operation.change {
            ContactChange::Book(change) => self.apply_book(operation, change),
            ContactChange::Contact(name, change) => {
                let owner = operation.mailbox;
                let (id, card) = match change {
                    CardChange::Create { card } => {
                        let Some(book) = self.books.get(&owner).and_then(PhonebookBinding::phonebook) else {
                            return;
                        };
                        let id = self.next_row();
                        self.rows.insert(id, row(id, card, [book].into()));
                        (id, card)
                    }
                    CardChange::TakeUp { id, card, .. } => (*id, card),
                    CardChange::Update { bound, card, .. } | CardChange::Note { bound, card } => {
                        (bound.id, card)
                    }
                    CardChange::Delete { id, .. } => {
                        if let Some(id) = id {
                            self.rows.remove(id);
                        }
                        self.bindings.remove(&name.key);
                        return;
                    }
                };
                let books = self.rows[&id].phonebooks.clone();
                self.rows.insert(id, row(id, card, books));
                let bound = BoundContact {
                    id,
                    written: CardDigest::of(card),
                    bound_at: now(),
                    written_at: now(),
                };
                let binding = ContactBinding {
                    key: name.key,
                    mailbox: owner,
                    role: operation.role,
                    contact: name.contact.clone(),
                    name: name.name.clone(),
                    stage: ContactStage::Bound(bound),
                };
                self.bindings.insert(name.key, binding);
            }
        }
    }

    fn apply_book(&mut self, operation: &ContactOperation, change: &BookChange) {
        let owner = operation.mailbox;
        let (id, name) = match change {
            BookChange::Make { name, .. } => {
                let id = PhonebookId(
                    self.phonebooks
                        .keys()
                        .next_back()
                        .map_or(100, |id| id.0.max(100) + 1),
                );
                let row = PhonebookRow {
                    id,
                    name: name.clone(),
                    total: 0,
                    everyone: false,
                };
                self.phonebooks.insert(id, row);
                (id, name)
            }
            BookChange::TakeUp { id, name } => (*id, name),
            BookChange::Mend { id, name, join, .. } => {
                let Some(id) = id.or_else(|| self.books.get(&owner).and_then(PhonebookBinding::phonebook))
                else {
                    return;
                };
                let row = self.phonebooks.get_mut(&id).unwrap();
                row.name.clone_from(name);
                row.everyone = false;
                for contact in join {
                    if let Some(row) = self.rows.get_mut(contact) {
                        row.phonebooks.insert(id);
                    }
                }
                (id, name)
            }
            BookChange::Release { .. } => {
                self.books.remove(&owner);
                return;
            }
            BookChange::Delete { id, .. } => {
                if let Some(id) = id {
                    self.phonebooks.remove(id);
                    for row in self.rows.values_mut() {
                        row.phonebooks.remove(id);
                    }
                }
                self.books.remove(&owner);
                return;
            }
        };
        let stage = PhonebookStage::Bound {
            id,
            bound_at: now(),
            written_at: now(),
        };
        let binding = PhonebookBinding {
            mailbox: owner,
            role: operation.role,
            name: name.clone(),
            stage,
        };
        self.books.insert(owner, binding);
    }
}

pub(super) fn row(id: PbxContactId, card: &Card, phonebooks: BTreeSet<PhonebookId>) -> ContactRow {
    ContactRow {
        id,
        name: card.name(),
        company: card.company.clone(),
        email: card.email.clone(),
        remark: card.remark.clone(),
        numbers: card.numbers.clone(),
        phonebooks,
    }
}
