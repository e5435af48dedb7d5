//! Our record that this contact of this mailbox is that contact on the PBX, and this mailbox that phonebook. Without one,
//! nothing on the PBX is touched.

use jiff::Timestamp;

use super::contact::{CardDigest, ContactId, ContactKey, PbxContactId};
use super::mailbox::{MailboxId, MailboxRole};
use super::phonebook::PhonebookId;

/// A contact and its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactBinding {
    /// Our key of the contact.
    pub key: ContactKey,
    /// Of which mailbox.
    pub mailbox: MailboxId,
    /// What that was taken for.
    pub role: MailboxRole,
    /// Graph's key of the contact.
    pub contact: ContactId,
    /// Its name, for lists.
    pub name: String,
    /// How far it has come.
    pub stage: ContactStage,
}

/// How far the binding of a contact has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactStage {
    /// A create was about to be sent: the contact may or may not exist. If it does, it carries our mark.
    Intended {
        /// When.
        at: Timestamp,
    },
    /// The contact on the PBX is ours.
    Bound(BoundContact),
}

/// The counterpart of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundContact {
    /// The PBX's key.
    pub id: PbxContactId,
    /// What was last written or found right.
    pub written: CardDigest,
    /// Since when it is ours.
    pub bound_at: Timestamp,
    /// When it was last written.
    pub written_at: Timestamp,
}

impl ContactBinding {
    /// The counterpart, unless it is only intended.
    pub fn bound(&self) -> Option<&BoundContact> {
        match &self.stage {
            ContactStage::Intended { .. } => None,
            ContactStage::Bound(bound) => Some(bound),
        }
    }
}

/// A mailbox and its phonebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonebookBinding {
    /// Whose.
    pub mailbox: MailboxId,
    /// What kind of mailbox it was taken for.
    pub role: MailboxRole,
    /// The name the phonebook has, or was to get.
    pub name: String,
    /// How far it has come.
    pub stage: PhonebookStage,
}

/// How far the binding of a phonebook has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhonebookStage {
    /// A create was about to be sent, under a name that no phonebook had: the phonebook may or may not exist, empty.
    Intended {
        /// When.
        at: Timestamp,
    },
    /// The phonebook is ours.
    Bound {
        /// The PBX's key.
        id: PhonebookId,
        /// Since when.
        bound_at: Timestamp,
        /// When it was last written.
        written_at: Timestamp,
    },
}

impl PhonebookBinding {
    /// The phonebook, unless it is only intended.
    pub fn phonebook(&self) -> Option<PhonebookId> {
        match self.stage {
            PhonebookStage::Intended { .. } => None,
            PhonebookStage::Bound { id, .. } => Some(id),
        }
    }
}
