//! A phonebook of the PBX, and what is left to do about it in the portal.

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::mailbox::{MailboxId, MailboxRole};

use crate::use_cases::{KeptPhonebook, Phonebook};

/// Where a phonebook is made visible; the Open API cannot.
const SHARED: &str = "Nobody sees it until you say so on the PBX: Extension and Trunk > Client Permission > Contact Visibility.";
/// The same for one person's contacts.
const PERSONAL: &str =
    "Let its owner alone see it on the PBX: Extension and Trunk > Client Permission > Contact Visibility.";

/// A phonebook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PhonebookView {
    /// The PBX's key.
    id: i64,
    name: String,
    /// How many contacts are in it.
    contacts: u64,
    /// Whether it holds every company contact, personal ones included.
    holds_all_contacts: bool,
    /// Whether contact sync keeps it; it then must not be edited by hand.
    synced: bool,
    /// What kind of mailbox it is for, if it is synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<MailboxRole>,
    /// Object id of the mailbox's account, if it is synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<MailboxId>,
    /// Whether its visibility still has to be set in the PBX portal. The PBX does not tell whether that was done; an admin
    /// says so.
    needs_visibility: bool,
    /// Since when it is visible, as an admin says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    visible_since: Option<Timestamp>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'static str>,
}

impl PhonebookView {
    pub fn of(phonebook: Phonebook) -> Self {
        let Phonebook {
            row,
            binding,
            shown_at,
        } = phonebook;
        let role = binding.as_ref().map(|binding| binding.role);
        Self {
            id: row.id.0,
            name: row.name,
            contacts: row.total,
            holds_all_contacts: row.everyone,
            synced: binding.is_some(),
            role,
            mailbox: binding.map(|binding| binding.mailbox),
            needs_visibility: role.is_some() && shown_at.is_none(),
            visible_since: shown_at.filter(|_| role.is_some()),
            how: role.map(|role| match role {
                MailboxRole::Personal => PERSONAL,
                MailboxRole::Shared => SHARED,
            }),
        }
    }
}

/// A phonebook that contact sync keeps, and whether it was made visible.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PhonebookVisibilityView {
    /// The PBX's key.
    id: i64,
    name: String,
    role: MailboxRole,
    /// Whether its visibility still has to be set in the PBX portal.
    needs_visibility: bool,
    /// Since when it is visible, as an admin says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    visible_since: Option<Timestamp>,
}

impl PhonebookVisibilityView {
    pub fn of(kept: KeptPhonebook) -> Self {
        let KeptPhonebook {
            id,
            binding,
            shown_at,
        } = kept;
        Self {
            id: id.0,
            name: binding.name,
            role: binding.role,
            needs_visibility: shown_at.is_none(),
            visible_since: shown_at,
        }
    }
}
