//! What the app must be allowed, by what is switched on. Never more than reading.

use super::settings::{ConnectionSettings, ContactAccess};

/// Reads people.
pub const USERS: &str = "User.Read.All";
/// Reads groups and who is in them.
pub const GROUPS: &str = "Group.Read.All";
/// Reads contacts of mailboxes.
pub const CONTACTS: &str = "Contacts.Read";
/// Reads who is available.
pub const PRESENCE: &str = "Presence.Read.All";

/// What every connection needs: people, and the groups that choose them.
pub const ALWAYS: [&str; 2] = [USERS, GROUPS];

/// Tells shared mailboxes from those of people, so that they can be chosen from a list.
pub const SHARED_MAILBOXES: &str = "MailboxSettings.Read";
/// Tells when the app's client secret ends.
pub const SECRET_EXPIRY: &str = "Application.Read.All";

/// A help where they are granted; no part stops without them.
pub const OPTIONAL: [&str; 2] = [SHARED_MAILBOXES, SECRET_EXPIRY];

/// Delegated: reads the contacts that were shared with whoever signed in, also while they are away.
pub const DELEGATED_CONTACTS: [&str; 3] = ["Contacts.Read", "Contacts.Read.Shared", "offline_access"];

/// Application permissions that these settings need.
pub fn application(settings: &ConnectionSettings) -> Vec<&'static str> {
    let mut needed = ALWAYS.to_vec();
    if settings.contacts.enabled && settings.contacts.access == ContactAccess::Application {
        needed.push(CONTACTS);
    }
    if settings.presence.enabled {
        needed.push(PRESENCE);
    }
    needed
}

/// Delegated permissions that these settings need of whoever connects.
pub fn delegated(settings: &ConnectionSettings) -> Vec<&'static str> {
    if settings.contacts.access == ContactAccess::AuthorisedAccount {
        DELEGATED_CONTACTS.to_vec()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: 26, 27, 28, 29, 30, 31
    #[test]
    fn each_part_needs_its_own_permission_and_none_may_write() {
        let mut settings = ConnectionSettings::default();
        assert_eq!(application(&settings), [USERS, GROUPS]);
        assert!(delegated(&settings).is_empty());
        settings.contacts.enabled = true;
        settings.presence.enabled = true;
        assert_eq!(application(&settings), [USERS, GROUPS, CONTACTS, PRESENCE]);
        settings.contacts.access = ContactAccess::AuthorisedAccount;
        assert_eq!(application(&settings), [USERS, GROUPS, PRESENCE]);
        assert!(delegated(&settings).contains(&"offline_access"));
        let all = application(&settings).into_iter().chain(delegated(&settings));
        assert!(all.into_iter().all(|name| !name.contains("Write")));
    }
}
