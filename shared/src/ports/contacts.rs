//! What contact sync needs of the outside: mailboxes to read, and a PBX's contacts and phonebooks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Deleted, DirectoryError, PhoneSystemError};
use crate::domain::contact::{Card, ContactId, ContactRow, OutlookContact, PbxContactId};
use crate::domain::mailbox::{MailboxAccount, MailboxId, MailboxPurpose, Unreadable};
use crate::domain::phonebook::{PhonebookId, PhonebookRow};

/// What a mailbox held when it was last read, and from where its changes are read next. Good for the access it was read
/// with: another one may see other folders.
#[derive(Clone, Serialize, Deserialize)]
pub struct MailboxMemory {
    /// Its folders with contacts, by Graph's key.
    pub folders: BTreeMap<String, FolderMemory>,
    /// The link behind which changes of the folders themselves are; `None` where folders may not be listed.
    pub folder_link: Option<String>,
    /// Which of the folders is the default one, once a contact in it told.
    pub default_folder: Option<String>,
    /// When it was last read in full.
    pub read_at: Timestamp,
    /// When this was last stored.
    pub stored_at: Timestamp,
}

/// One folder.
#[derive(Clone, Serialize, Deserialize)]
pub struct FolderMemory {
    /// The link behind which its changes are.
    pub link: String,
    /// What is in it.
    pub contacts: BTreeMap<ContactId, OutlookContact>,
}

impl MailboxMemory {
    /// Every contact of every folder.
    pub fn contacts(&self) -> BTreeMap<ContactId, OutlookContact> {
        let folders = self.folders.values();
        folders.flat_map(|folder| folder.contacts.clone()).collect()
    }
}

impl std::fmt::Debug for MailboxMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // People's contacts, and links with state tokens of the directory.
        write!(f, "MailboxMemory({} folders)", self.folders.len())
    }
}

/// A mailbox as it is now.
#[derive(Debug, Clone)]
pub struct MailboxRead {
    /// All of it, to be remembered.
    pub memory: MailboxMemory,
    /// Whether anything of it changed since what was remembered.
    pub changed: bool,
}

/// Why a mailbox was not read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// This mailbox alone; others may be fine.
    #[error("the mailbox was not read ({detail})")]
    Unreadable {
        /// Why.
        why: Unreadable,
        /// Status, code and request id.
        detail: String,
    },
    /// No mailbox can be read now.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Reads of mailboxes. Every answer is whole: a read that broke off is an error, never fewer contacts. Repeating any of
/// them is safe.
#[async_trait]
pub trait Mailboxes: Send + Sync {
    /// The contacts of a mailbox: what changed since `memory`, or all of them where that is not known any more.
    async fn read_contacts(
        &self,
        mailbox: MailboxId,
        memory: Option<MailboxMemory>,
    ) -> Result<MailboxRead, MailboxError>;
    /// What the mailboxes of these accounts are for.
    async fn purposes(
        &self,
        accounts: &BTreeSet<MailboxId>,
    ) -> Result<BTreeMap<MailboxId, MailboxPurpose>, DirectoryError>;
    /// The account with this sign-in name or mail address.
    async fn lookup_account(&self, address: &str) -> Result<Option<MailboxAccount>, DirectoryError>;
    /// Accounts that have a mail address: those whose name or address begins with `search`, or all.
    async fn list_accounts(&self, search: Option<&str>) -> Result<Vec<MailboxAccount>, DirectoryError>;
}

/// What to change about a phonebook; the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhonebookPatch {
    /// A new name.
    pub name: Option<String>,
    /// Make it hold chosen contacts only.
    pub narrow: bool,
    /// Contacts to add.
    pub add: Vec<PbxContactId>,
    /// Contacts to take out; they stay on the PBX.
    pub remove: Vec<PbxContactId>,
}

/// The company contacts and phonebooks of one PBX. A write is never repeated by the client once it may have been carried
/// out; [`PhoneSystemError::OutcomeUnknown`]: look before repeating.
#[async_trait]
pub trait ContactBook: Send + Sync {
    /// Every company contact; whole or an error.
    async fn list_contacts(&self) -> Result<Vec<ContactRow>, PhoneSystemError>;
    /// Contacts in whose row `text` occurs.
    async fn search_contacts(&self, text: &str) -> Result<Vec<ContactRow>, PhoneSystemError>;
    /// Every phonebook; whole or an error.
    async fn list_phonebooks(&self) -> Result<Vec<PhonebookRow>, PhoneSystemError>;
    /// Whether this contact exists.
    async fn has_contact(&self, id: PbxContactId) -> Result<bool, PhoneSystemError>;
    /// Makes a contact in a phonebook. There may be two with the same values: nothing of a contact is unique.
    async fn create_contact(
        &self,
        card: &Card,
        phonebook: PhonebookId,
    ) -> Result<PbxContactId, PhoneSystemError>;
    /// Writes all values of a contact. Repeating is safe.
    async fn update_contact(&self, id: PbxContactId, card: &Card) -> Result<(), PhoneSystemError>;
    /// Takes a contact out of every phonebook. Repeating is safe.
    async fn clear_phonebooks_of(&self, id: PbxContactId) -> Result<(), PhoneSystemError>;
    /// Deletes a contact that no phonebook holds. Repeating is safe: gone already is success.
    async fn delete_contact(&self, id: PbxContactId) -> Result<Deleted, PhoneSystemError>;
    /// Makes an empty phonebook.
    async fn create_phonebook(&self, name: &str) -> Result<PhonebookId, PhoneSystemError>;
    /// Changes a phonebook. Repeating is safe.
    async fn update_phonebook(&self, id: PhonebookId, patch: &PhonebookPatch)
    -> Result<(), PhoneSystemError>;
    /// Deletes a phonebook; its contacts stay. Repeating is safe: gone already is success.
    async fn delete_phonebook(&self, id: PhonebookId) -> Result<Deleted, PhoneSystemError>;
}
