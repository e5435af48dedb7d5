//! What the directory says of a person, reduced to what a sync needs.

use serde::{Deserialize, Serialize};

use super::ids::EntraUserId;

/// One person as Microsoft Graph returned them. A property never set and one set empty are both `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraUser {
    /// Immutable object id.
    pub id: EntraUserId,
    /// Up to 256 characters.
    pub display_name: Option<String>,
    /// Up to 64 characters.
    pub given_name: Option<String>,
    /// Up to 64 characters.
    pub surname: Option<String>,
    /// The sign-in name; a guest's contains `#EXT#`.
    pub user_principal_name: Option<String>,
    /// The primary mail address, if there is a mailbox.
    pub mail: Option<String>,
    /// Free text.
    pub mobile_phone: Option<String>,
    /// Up to 128 characters.
    pub job_title: Option<String>,
    /// Whether sign-in is allowed. Graph leaves it out only when not asked for it.
    pub account_enabled: bool,
    /// Null on old objects, which are members.
    pub user_type: UserType,
    /// The texts found at the property that the number rule names, in their order; empty without such a rule.
    pub number_values: Vec<String>,
}

/// Member of the directory, or guest in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// Of this organisation.
    Member,
    /// Invited from another one.
    Guest,
}

/// What a change read says of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// The person as they are now.
    Present(Box<EntraUser>),
    /// Deleted, restorable for 30 days, or gone for good.
    Removed(EntraUserId),
}

impl EntraUser {
    /// The address the extension gets: mail, else the sign-in name unless it is a guest's, else none.
    pub fn address(&self) -> Option<&str> {
        let own_name = self
            .user_principal_name
            .as_deref()
            .filter(|name| !name.contains("#EXT#"));
        self.mail
            .as_deref()
            .filter(|mail| !mail.trim().is_empty())
            .or(own_name)
    }
}
