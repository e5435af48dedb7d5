//! Mailboxes: whose contacts are read, and what a mailbox is for.

use serde::{Deserialize, Serialize};

use super::ids::EntraUserId;

/// A mailbox is known by the object id of its account: a rename of the address is not another mailbox.
pub type MailboxId = EntraUserId;

/// Where a mailbox's contacts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailboxRole {
    /// A person's own contacts, into a phonebook of theirs.
    Personal,
    /// A shared mailbox's, into a phonebook for many.
    Shared,
}

/// What Exchange says a mailbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailboxPurpose {
    /// Of one person.
    User,
    /// Of several.
    Shared,
    /// Of a room, of equipment, linked, or something newer.
    Other,
    /// The account has no mailbox that can be asked.
    None,
    /// Exchange does not say: a policy keeps the mailbox from us, or the answer is none that we know.
    Hidden,
}

/// An account that has, or may have, a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MailboxAccount {
    /// Its object id.
    pub id: MailboxId,
    /// What it is called.
    pub name: String,
    /// Its mail address.
    pub address: String,
}

/// Why the contacts of a mailbox could not be read. Those that were synced before stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unreadable {
    /// No licence, a guest, still being created, soft-deleted, or on premises.
    NoMailbox,
    /// The account does not exist.
    NoAccount,
    /// The app, or whoever connected, may not read it.
    Denied,
    /// Throttled, moving, or failing beyond our patience.
    Unavailable,
}

impl Unreadable {
    /// To a person, with what would mend it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoMailbox => {
                "the account has no mailbox that can be read; give it a licence, or take it out of the rules"
            }
            Self::NoAccount => "there is no such account; correct the address, or take it out of the rules",
            Self::Denied => {
                "its contacts may not be read: the folder is not shared with the authorised account, or an access policy of Exchange excludes the mailbox"
            }
            Self::Unavailable => "Microsoft Graph could not read it now; the next run tries again",
        }
    }
}
