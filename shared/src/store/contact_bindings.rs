//! Contacts and phonebooks that are ours. Both lie in one partition, so one query reads them; each is written in a
//! transaction that proves the lease and carries the record of what was done.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::error::{Cause, StoreError};
use super::item::{Row, body, instant, nanos, row};
use super::keys::{Key, Partition};
use super::paging::{Listing, Page};
use super::{Lease, Store};
use crate::domain::contact::{CardDigest, ContactId, ContactKey, PbxContactId};
use crate::domain::contact_binding::{
    BoundContact, ContactBinding, ContactStage, PhonebookBinding, PhonebookStage,
};
use crate::domain::ids::ConnectionId;
use crate::domain::mailbox::{MailboxId, MailboxRole};
use crate::domain::operation_record::OperationRecord;
use crate::domain::phonebook::PhonebookId;

/// A contact; half a million of them may be read for one run, so attribute names are one or two letters.
#[derive(Serialize, Deserialize)]
struct ContactRow {
    /// Mailbox.
    m: MailboxId,
    /// What that is for.
    r: MailboxRole,
    /// Graph's key.
    g: ContactId,
    /// Our key.
    k: ContactKey,
    /// Name.
    nm: String,
    /// The PBX's key.
    x: Option<PbxContactId>,
    /// Digest of what was written.
    d: Option<CardDigest>,
    /// Bound at, or intended at.
    t: i64,
    /// Written at.
    w: Option<i64>,
}

/// A phonebook.
#[derive(Serialize, Deserialize)]
struct BookRow {
    m: MailboxId,
    r: MailboxRole,
    nm: String,
    x: Option<PhonebookId>,
    t: i64,
    w: Option<i64>,
}

/// Everything of a PBX's contacts that is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnContacts {
    /// Contacts.
    pub contacts: BTreeMap<ContactKey, ContactBinding>,
    /// Phonebooks, by the mailbox that they are for.
    pub books: BTreeMap<MailboxId, PhonebookBinding>,
}

/// How sort keys of contacts begin.
const CONTACT: &str = "C#";
/// How sort keys of phonebooks begin.
const BOOK: &str = "B#";

fn contact_key(connection: ConnectionId, key: ContactKey) -> Key {
    Partition::contacts(connection).at(format!("{CONTACT}{key}"))
}

fn book_key(connection: ConnectionId, mailbox: MailboxId) -> Key {
    Partition::contacts(connection).at(format!("{BOOK}{mailbox}"))
}

impl Store {
    /// All of them; whole or an error.
    pub async fn own_contacts(&self, connection: ConnectionId) -> Result<OwnContacts, StoreError> {
        let mut own = OwnContacts::default();
        let listing = Listing::of(&Partition::contacts(connection));
        self.each_row(&listing, "reading the contacts that are ours", |found| {
            if is_book(&found) {
                let book = read_book(found)?;
                own.books.insert(book.mailbox, book);
            } else {
                let contact = read_contact(found)?;
                own.contacts.insert(contact.key, contact);
            }
            Ok(())
        })
        .await?;
        Ok(own)
    }

    /// Contacts in the order of their keys.
    pub async fn contact_bindings_page(
        &self,
        connection: ConnectionId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactBinding>, StoreError> {
        let listing = Listing::of(&Partition::contacts(connection)).starting_with(CONTACT);
        self.page(&listing, limit, cursor, "listing contacts")
            .await?
            .try_map(read_contact)
    }

    /// Phonebooks in the order of their mailboxes' ids.
    pub async fn phonebook_bindings_page(
        &self,
        connection: ConnectionId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<PhonebookBinding>, StoreError> {
        let listing = Listing::of(&Partition::contacts(connection)).starting_with(BOOK);
        self.page(&listing, limit, cursor, "listing phonebooks")
            .await?
            .try_map(read_book)
    }

    /// Stores a contact's binding, with the record of what was done. Repeating is safe. [`StoreError::Conflict`]: the
    /// lease is lost.
    pub async fn put_contact_binding(
        &self,
        lease: &Lease,
        binding: &ContactBinding,
        record: Option<&OperationRecord>,
    ) -> Result<(), StoreError> {
        let (bound, since) = match &binding.stage {
            ContactStage::Intended { at } => (None, at),
            ContactStage::Bound(bound) => (Some(bound), &bound.bound_at),
        };
        let stored = ContactRow {
            m: binding.mailbox,
            r: binding.role,
            g: binding.contact.clone(),
            k: binding.key,
            nm: binding.name.clone(),
            x: bound.map(|bound| bound.id),
            d: bound.map(|bound| bound.written),
            t: nanos(*since),
            w: bound.map(|bound| nanos(bound.written_at)),
        };
        let item = row(&contact_key(lease.connection, binding.key), &stored)?;
        self.write_own(lease, self.put_in(item), record, "storing a contact")
            .await
    }

    /// Forgets a contact. Gone already is fine. [`StoreError::Conflict`]: the lease is lost.
    pub async fn forget_contact(
        &self,
        lease: &Lease,
        key: ContactKey,
        record: &OperationRecord,
    ) -> Result<(), StoreError> {
        let gone = self.delete_in(&contact_key(lease.connection, key));
        self.write_own(lease, gone, Some(record), "forgetting a contact")
            .await
    }

    /// Stores a phonebook's binding, with the record of what was done. Repeating is safe. [`StoreError::Conflict`]: the
    /// lease is lost.
    pub async fn put_phonebook_binding(
        &self,
        lease: &Lease,
        binding: &PhonebookBinding,
        record: Option<&OperationRecord>,
    ) -> Result<(), StoreError> {
        let (id, since, written) = match binding.stage {
            PhonebookStage::Intended { at } => (None, at, None),
            PhonebookStage::Bound {
                id,
                bound_at,
                written_at,
            } => (Some(id), bound_at, Some(written_at)),
        };
        let stored = BookRow {
            m: binding.mailbox,
            r: binding.role,
            nm: binding.name.clone(),
            x: id,
            t: nanos(since),
            w: written.map(nanos),
        };
        let item = row(&book_key(lease.connection, binding.mailbox), &stored)?;
        self.write_own(lease, self.put_in(item), record, "storing a phonebook")
            .await
    }

    /// Forgets a phonebook. Gone already is fine. [`StoreError::Conflict`]: the lease is lost.
    pub async fn forget_phonebook(
        &self,
        lease: &Lease,
        mailbox: MailboxId,
        record: &OperationRecord,
    ) -> Result<(), StoreError> {
        let gone = self.delete_in(&book_key(lease.connection, mailbox));
        self.write_own(lease, gone, Some(record), "forgetting a phonebook")
            .await
    }

    /// Drops an intention that came to nothing. [`StoreError::Conflict`]: the lease is lost.
    pub async fn cancel_contact(&self, lease: &Lease, key: ContactKey) -> Result<(), StoreError> {
        let gone = self.delete_in(&contact_key(lease.connection, key));
        self.write_own(lease, gone, None, "dropping the intention of a contact")
            .await
    }

    /// Drops an intention that came to nothing. [`StoreError::Conflict`]: the lease is lost.
    pub async fn cancel_phonebook(&self, lease: &Lease, mailbox: MailboxId) -> Result<(), StoreError> {
        let gone = self.delete_in(&book_key(lease.connection, mailbox));
        self.write_own(lease, gone, None, "dropping the intention of a phonebook")
            .await
    }

    async fn write_own(
        &self,
        lease: &Lease,
        write: TransactWriteItem,
        record: Option<&OperationRecord>,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        let mut items = vec![self.lease_check(lease), write];
        if let Some(record) = record {
            items.push(self.record_in(lease.connection, record)?);
        }
        self.transact(items, doing)
            .await?
            .map_err(|_| StoreError::Conflict { doing })
    }
}

fn is_book(found: &Row) -> bool {
    let sort = found.get("sk").and_then(|value| value.as_s().ok());
    sort.is_some_and(|sort| sort.starts_with(BOOK))
}

fn read_contact(found: Row) -> Result<ContactBinding, StoreError> {
    let stored: ContactRow = body(found, "contact that is ours")?;
    let stage = match (stored.x, stored.d, stored.w) {
        (Some(id), Some(written), Some(at)) => ContactStage::Bound(BoundContact {
            id,
            written,
            bound_at: instant(stored.t),
            written_at: instant(at),
        }),
        (None, None, None) => ContactStage::Intended {
            at: instant(stored.t),
        },
        _ => return Err(half_written("contact that is ours")),
    };
    Ok(ContactBinding {
        key: stored.k,
        mailbox: stored.m,
        role: stored.r,
        contact: stored.g,
        name: stored.nm,
        stage,
    })
}

fn read_book(found: Row) -> Result<PhonebookBinding, StoreError> {
    let stored: BookRow = body(found, "phonebook that is ours")?;
    let stage = match (stored.x, stored.w) {
        (Some(id), Some(at)) => PhonebookStage::Bound {
            id,
            bound_at: instant(stored.t),
            written_at: instant(at),
        },
        (None, None) => PhonebookStage::Intended {
            at: instant(stored.t),
        },
        _ => return Err(half_written("phonebook that is ours")),
    };
    Ok(PhonebookBinding {
        mailbox: stored.m,
        role: stored.r,
        name: stored.nm,
        stage,
    })
}

fn half_written(what: &'static str) -> StoreError {
    StoreError::Corrupt {
        what,
        source: Cause("its stage lacks an attribute".to_owned()),
    }
}
