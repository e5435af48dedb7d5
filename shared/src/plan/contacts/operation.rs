//! What a plan of contacts is made of: operations that leave nothing to decide, and what is left alone with the reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{Card, ContactId, ContactKey, PbxContactId};
use crate::domain::contact_binding::BoundContact;
use crate::domain::mailbox::{MailboxId, MailboxRole};
use crate::domain::operation_record::{ObjectKind, OperationKind, Reason};
use crate::domain::phonebook::PhonebookId;

use super::snapshot::MailboxSnapshot;

/// One change to one contact or one phonebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactOperation {
    /// Of which mailbox.
    pub mailbox: MailboxId,
    /// What that was chosen for.
    pub role: MailboxRole,
    /// What to do to what.
    pub change: ContactChange,
    /// Why.
    pub reason: Reason,
    /// Values that did not fit, as sentences.
    pub notes: Vec<String>,
}

/// Which contact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContactName {
    /// Our key.
    pub key: ContactKey,
    /// Graph's key.
    pub contact: ContactId,
    /// For reports.
    pub name: String,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// A phonebook.
    Book(BookChange),
    /// A contact.
    Contact(ContactName, CardChange),
}

/// What to do to a phonebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookChange {
    /// Make it.
    Make {
        /// Its name, which no other phonebook has.
        name: String,
        /// A phonebook of ours that has the name and goes first.
        after: Option<MailboxId>,
    },
    /// An unfinished make had been carried out: note which one it is.
    TakeUp {
        /// Which.
        id: PhonebookId,
        /// Its name.
        name: String,
    },
    /// Put its name, its selection or its members right.
    Mend {
        /// Which; `None`: the one made in this run.
        id: Option<PhonebookId>,
        /// What it is called now, where that changes.
        before: String,
        /// Its name.
        name: String,
        /// It holds every contact and should hold ours alone.
        narrow: bool,
        /// Contacts of ours that it should hold and does not.
        join: BTreeSet<PbxContactId>,
    },
    /// Let it go: others put contacts of their own in it.
    Release {
        /// Which.
        id: PhonebookId,
        /// Its name.
        name: String,
    },
    /// Delete it; `None` if it is gone already and only our record of it remains.
    Delete {
        /// Which.
        id: Option<PhonebookId>,
        /// Its name.
        name: String,
    },
}

/// What to do to a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardChange {
    /// Make it, in the phonebook of its mailbox.
    Create {
        /// As it should be.
        card: Card,
    },
    /// It carries our mark: an unfinished create had been carried out, or our record was lost.
    TakeUp {
        /// Which.
        id: PbxContactId,
        /// Values it has.
        before: BTreeMap<String, String>,
        /// As it should be.
        card: Card,
        /// Whether it is not so already.
        write: bool,
    },
    /// Write it.
    Update {
        /// As bound so far.
        bound: BoundContact,
        /// Values it has.
        before: BTreeMap<String, String>,
        /// As it should be.
        card: Card,
    },
    /// It is right already; note so.
    Note {
        /// As bound so far.
        bound: BoundContact,
        /// As it is.
        card: Card,
    },
    /// Delete it; `None` if it is gone already and only our record of it remains.
    Delete {
        /// Which.
        id: Option<PbxContactId>,
        /// Values it had, where known.
        before: BTreeMap<String, String>,
        /// The phonebook of ours that still holds it.
        leaves: Option<PhonebookId>,
    },
}

/// A contact or a mailbox left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedContact {
    /// Of which mailbox.
    pub mailbox: MailboxId,
    /// `None`: the mailbox itself.
    pub contact: Option<ContactId>,
    /// For reports.
    pub name: String,
    /// Why.
    pub reason: Reason,
    /// What exactly, and what would mend it.
    pub detail: String,
}

impl SkippedContact {
    /// Of a whole mailbox.
    pub fn of_mailbox(
        mailbox: MailboxId,
        snapshot: &MailboxSnapshot,
        reason: Reason,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            mailbox,
            contact: None,
            name: snapshot.name.clone(),
            reason,
            detail: detail.into(),
        }
    }

    /// What is left alone.
    pub fn object(&self) -> ObjectKind {
        if self.contact.is_some() {
            ObjectKind::Contact
        } else {
            ObjectKind::Phonebook
        }
    }
}

/// Operations of an earlier phase end before those of a later one begin: what frees names and room first, then phonebooks,
/// then contacts, then who is in which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Phonebooks go.
    BooksGo,
    /// Phonebooks get their names: one that was renamed there is known by the contacts in it, which may go.
    BooksNamed,
    /// Phonebooks come.
    BooksCome,
    /// Contacts go.
    ContactsGo,
    /// Contacts come and change.
    ContactsCome,
    /// Phonebooks are put right.
    BooksMend,
}

impl ContactOperation {
    /// When it is done.
    pub fn phase(&self) -> Phase {
        match &self.change {
            ContactChange::Book(BookChange::Delete { .. } | BookChange::Release { .. }) => Phase::BooksGo,
            ContactChange::Book(BookChange::Make { .. } | BookChange::TakeUp { .. }) => Phase::BooksCome,
            ContactChange::Book(BookChange::Mend {
                id: Some(_),
                before,
                name,
                ..
            }) if before != name => Phase::BooksNamed,
            ContactChange::Book(BookChange::Mend { .. }) => Phase::BooksMend,
            ContactChange::Contact(_, CardChange::Delete { .. }) => Phase::ContactsGo,
            ContactChange::Contact(..) => Phase::ContactsCome,
        }
    }

    /// Its place in a plan.
    pub(super) fn order(&self) -> (Phase, MailboxId, Option<&ContactKey>) {
        let key = match &self.change {
            ContactChange::Book(_) => None,
            ContactChange::Contact(name, _) => Some(&name.key),
        };
        (self.phase(), self.mailbox, key)
    }

    /// What it is about.
    pub fn object(&self) -> ObjectKind {
        match self.change {
            ContactChange::Book(_) => ObjectKind::Phonebook,
            ContactChange::Contact(..) => ObjectKind::Contact,
        }
    }

    /// The word it is reported under.
    pub fn kind(&self) -> OperationKind {
        match &self.change {
            ContactChange::Book(BookChange::Make { .. })
            | ContactChange::Contact(_, CardChange::Create { .. }) => OperationKind::Create,
            ContactChange::Book(BookChange::TakeUp { .. })
            | ContactChange::Contact(_, CardChange::TakeUp { .. }) => OperationKind::Bind,
            ContactChange::Book(BookChange::Mend { .. })
            | ContactChange::Contact(_, CardChange::Update { .. } | CardChange::Note { .. }) => {
                OperationKind::Update
            }
            ContactChange::Book(BookChange::Release { .. }) => OperationKind::Release,
            ContactChange::Book(BookChange::Delete { .. })
            | ContactChange::Contact(_, CardChange::Delete { .. }) => OperationKind::Delete,
        }
    }

    /// Whether it takes something away from our care.
    pub fn is_removal(&self) -> bool {
        matches!(self.kind(), OperationKind::Delete | OperationKind::Release)
    }

    /// The PBX's key of what it is about, where that exists.
    pub fn target(&self) -> Option<i64> {
        match &self.change {
            ContactChange::Book(BookChange::TakeUp { id, .. } | BookChange::Release { id, .. }) => Some(id.0),
            ContactChange::Book(BookChange::Delete { id, .. } | BookChange::Mend { id, .. }) => {
                id.map(|id| id.0)
            }
            ContactChange::Book(BookChange::Make { .. }) => None,
            ContactChange::Contact(_, change) => change.target().map(|id| id.0),
        }
    }

    /// Whether something on the PBX goes with it: what is gone already is only struck off our list.
    pub fn takes_away(&self) -> bool {
        self.is_removal() && self.target().is_some()
    }
}

impl BookChange {
    /// The name it has or gets.
    pub fn name(&self) -> &str {
        match self {
            Self::Make { name, .. }
            | Self::TakeUp { name, .. }
            | Self::Mend { name, .. }
            | Self::Release { name, .. }
            | Self::Delete { name, .. } => name,
        }
    }
}

impl CardChange {
    /// The contact on the PBX, where it exists.
    pub fn target(&self) -> Option<PbxContactId> {
        match self {
            Self::Create { .. } => None,
            Self::TakeUp { id, .. } => Some(*id),
            Self::Update { bound, .. } | Self::Note { bound, .. } => Some(bound.id),
            Self::Delete { id, .. } => *id,
        }
    }
}
