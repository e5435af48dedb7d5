//! Mailboxes: whose they are, in which state, and the contacts in their folders with everything that ever changed in them.
//! Change reads are made of nothing but these logs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What Exchange makes of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailboxState {
    #[default]
    Normal,
    Shared,
    Room,
    /// No licence, or still being created.
    None,
    OnPremises,
    SoftDeleted,
    /// An access policy keeps applications out.
    Excluded,
}

/// One mailbox.
#[derive(Clone, Debug, Serialize)]
pub struct Mailbox {
    pub state: MailboxState,
    /// Whether the list of folders shows the default one.
    pub default_listed: bool,
    /// Key of the default folder.
    pub default_folder: String,
    pub folders: BTreeMap<String, Folder>,
    /// Folders that came, changed or went.
    pub folder_log: Vec<(String, bool)>,
    /// Who has all of it.
    pub members: BTreeSet<Uuid>,
    /// Counted by `$count` and never returned.
    pub distribution_lists: usize,
}

/// One folder.
#[derive(Clone, Debug, Serialize)]
pub struct Folder {
    pub name: String,
    /// `None`: at the top.
    pub parent: Option<String>,
    /// By their immutable ids.
    pub contacts: BTreeMap<String, Contact>,
    /// Contacts that came, changed (`true`) or went.
    pub log: Vec<(String, bool)>,
    /// Who may read it.
    pub shared_with: BTreeSet<Uuid>,
}

/// One contact.
#[derive(Clone, Debug, Serialize)]
pub struct Contact {
    pub props: Map<String, Value>,
    /// Grows when it is moved, and with it the id of those who did not ask for an immutable one.
    pub moves: u32,
}

impl Mailbox {
    pub fn new(default_folder: String) -> Self {
        let contacts = Folder::new("Contacts", None);
        Self {
            state: MailboxState::Normal,
            default_listed: false,
            folders: [(default_folder.clone(), contacts)].into(),
            default_folder,
            folder_log: Vec::new(),
            members: BTreeSet::new(),
            distribution_lists: 0,
        }
    }

    pub fn folder_mut(&mut self, folder: Option<&str>) -> Option<&mut Folder> {
        let key = folder.unwrap_or(&self.default_folder).to_owned();
        self.folders.get_mut(&key)
    }

    /// The folder that a contact is in.
    pub fn holder_of(&self, contact: &str) -> Option<String> {
        let holds = |(_, folder): &(&String, &Folder)| folder.contacts.contains_key(contact);
        self.folders.iter().find(holds).map(|(key, _)| key.clone())
    }

    /// Folders below `parent` that a list shows.
    pub fn children(&self, parent: Option<&str>) -> impl Iterator<Item = (&String, &Folder)> {
        let hidden = (!self.default_listed).then_some(&self.default_folder);
        self.folders
            .iter()
            .filter(move |(key, folder)| folder.parent.as_deref() == parent && Some(*key) != hidden)
    }
}

impl Folder {
    pub fn new(name: &str, parent: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            contacts: BTreeMap::new(),
            log: Vec::new(),
            shared_with: BTreeSet::new(),
        }
    }

    pub fn put(&mut self, id: &str, contact: Contact) {
        self.contacts.insert(id.to_owned(), contact);
        self.log.push((id.to_owned(), true));
    }

    pub fn take(&mut self, id: &str) -> Option<Contact> {
        let contact = self.contacts.remove(id)?;
        self.log.push((id.to_owned(), false));
        Some(contact)
    }
}

/// The id that a client sees: an immutable one if it asked for those, else one that changes with each move.
pub fn shown_id(id: &str, contact: Option<&Contact>, immutable: bool) -> String {
    match contact {
        Some(contact) if !immutable => format!("AAMkAD{:02}{id}=", contact.moves),
        None if !immutable => format!("AAMkAD00{id}="),
        _ => format!("AAkALg{id}="),
    }
}
