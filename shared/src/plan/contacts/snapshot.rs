//! What was read of mailboxes and of the PBX's contacts before deciding. A contact's absence means something only in a
//! mailbox that was read to its end, a mailbox's only when the list of mailboxes was.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{ContactId, ContactKey, ContactRow, OutlookContact, PbxContactId};
use crate::domain::contact_binding::{ContactBinding, PhonebookBinding};
use crate::domain::ids::ConnectionId;
pub use crate::domain::mailbox::{MailboxId, MailboxRole, Unreadable};
use crate::domain::phone_number::Country;
use crate::domain::phonebook::{ContactLimits, PhonebookId, PhonebookRow};
use crate::domain::settings::SafetySettings;

/// Everything the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactWorld {
    /// Whose contacts these are.
    pub connection: ConnectionId,
    /// The mailboxes that the rules choose, readable or not.
    pub mailboxes: BTreeMap<MailboxId, MailboxSnapshot>,
    /// Roles of which every chosen mailbox is in `mailboxes`: one that is bound and missing there is out of scope.
    pub complete: BTreeSet<MailboxRole>,
    /// Mailboxes of people whose extension is to go and is still there: they are not read and keep what they have.
    pub resting: BTreeSet<MailboxId>,
    /// Contacts that are ours.
    pub bindings: BTreeMap<ContactKey, ContactBinding>,
    /// Phonebooks that are ours.
    pub books: BTreeMap<MailboxId, PhonebookBinding>,
    /// Every company contact of the PBX.
    pub rows: BTreeMap<PbxContactId, ContactRow>,
    /// Every phonebook of the PBX.
    pub phonebooks: BTreeMap<PhonebookId, PhonebookRow>,
}

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxSnapshot {
    /// What it was chosen for.
    pub role: MailboxRole,
    /// What it or its owner is called.
    pub name: String,
    /// The name its phonebook should have.
    pub phonebook: String,
    /// What is in it.
    pub contents: Contents,
}

/// What is in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// All of it.
    Complete(BTreeMap<ContactId, OutlookContact>),
    /// It could not be read: what was synced before stays.
    Unreadable(Unreadable),
}

/// The rules of the decision.
#[derive(Debug, Clone)]
pub struct ContactPolicy {
    /// Of numbers without a country code.
    pub country: Country,
    /// What the PBX takes.
    pub limits: ContactLimits,
    /// An admin has read who may see personal contacts.
    pub acknowledged_visibility: bool,
    /// The guard on removals.
    pub safety: SafetySettings,
    /// Contacts that the last good run left managed.
    pub last_good_managed: Option<u64>,
}

impl ContactWorld {
    /// Whether the rules no longer choose this mailbox.
    pub(super) fn is_out_of_scope(&self, mailbox: MailboxId, role: MailboxRole) -> bool {
        self.complete.contains(&role)
            && !self.mailboxes.contains_key(&mailbox)
            && !self.resting.contains(&mailbox)
    }

    /// Our contacts by the PBX's key.
    pub fn own_contacts(&self) -> BTreeMap<PbxContactId, &ContactKey> {
        self.bindings
            .values()
            .filter_map(|binding| Some((binding.bound()?.id, &binding.key)))
            .collect()
    }
}
