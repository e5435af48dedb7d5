//! Who may use the console with their Microsoft account: people, groups, or holders of an app role, each with a role of
//! ours. Nobody is named by address.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{EntraGroupId, EntraUserId};
use super::role::Role;

/// Most entries of a list: a list that long wants a group.
const MAX_ENTRIES: usize = 200;

/// Who may use the console through one connection's tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleAccess {
    /// Each with what it gives; the highest role counts.
    pub entries: Vec<AccessEntry>,
}

/// Whom an entry lets in, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessEntry {
    /// Whom.
    pub who: Who,
    /// What they may do.
    pub role: Role,
    /// For every connection of the installation; otherwise for this one alone.
    #[serde(default)]
    pub everywhere: bool,
}

/// Whom an entry lets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// One person, by object id.
    Person(EntraUserId),
    /// Everybody in a group, nested ones included.
    Group(EntraGroupId),
    /// Holders of an app role of the app registration, by its value.
    AppRole(String),
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Their role.
    pub role: Role,
    /// For every connection.
    pub everywhere: bool,
    /// It rests on an app role, which only a sign-in shows.
    pub by_app_role: bool,
}

impl ConsoleAccess {
    /// What is wrong with it, as pointer and sentence.
    pub fn problems(&self) -> Vec<(String, &'static str)> {
        let mut problems = Vec::new();
        if self.entries.len() > MAX_ENTRIES {
            problems.push(("/entries".to_owned(), "takes at most 200 entries; use a group"));
        }
        for (index, entry) in self.entries.iter().enumerate() {
            if let Who::AppRole(value) = &entry.who
                && (value.is_empty() || value.len() > 120 || value.contains(char::is_whitespace))
            {
                let pointer = format!("/entries/{index}/who/app_role");
                problems.push((
                    pointer,
                    "write the value of an app role, 1 to 120 characters without blanks",
                ));
            }
        }
        problems
    }

    /// The groups that it names.
    pub fn groups(&self) -> BTreeSet<EntraGroupId> {
        self.entries
            .iter()
            .filter_map(|entry| match entry.who {
                Who::Group(group) => Some(group),
                Who::Person(_) | Who::AppRole(_) => None,
            })
            .collect()
    }

    /// What this person may do, who is in these of the groups and holds these app roles; `None`: nothing.
    pub fn rights(
        &self,
        user: EntraUserId,
        groups: &BTreeSet<EntraGroupId>,
        app_roles: &BTreeSet<String>,
    ) -> Option<Rights> {
        let fits = |entry: &&AccessEntry| match &entry.who {
            Who::Person(person) => *person == user,
            Who::Group(group) => groups.contains(group),
            Who::AppRole(value) => app_roles.contains(value),
        };
        let rights = |entry: &AccessEntry| Rights {
            role: entry.role,
            everywhere: entry.everywhere,
            by_app_role: matches!(entry.who, Who::AppRole(_)),
        };
        // Of equal ones the one that can be looked up without a sign-in.
        self.entries
            .iter()
            .filter(fits)
            .map(rights)
            .max_by_key(|rights| (rights.role, rights.everywhere, !rights.by_app_role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(last: u8) -> EntraUserId {
        EntraUserId::from(uuid::Uuid::from_u128(u128::from(last)))
    }

    fn group(last: u8) -> EntraGroupId {
        EntraGroupId::from(uuid::Uuid::from_u128(u128::from(last)))
    }

    fn entry(who: Who, role: Role, everywhere: bool) -> AccessEntry {
        AccessEntry {
            who,
            role,
            everywhere,
        }
    }

    #[test]
    fn the_highest_role_counts_and_strangers_have_none() {
        let access = ConsoleAccess {
            entries: vec![
                entry(Who::Person(user(1)), Role::Viewer, true),
                entry(Who::Group(group(9)), Role::Operator, false),
                entry(Who::AppRole("console.admin".to_owned()), Role::Admin, false),
            ],
        };
        let none = BTreeSet::new();
        let roles = BTreeSet::from(["console.admin".to_owned()]);
        let in_group = BTreeSet::from([group(9)]);
        assert_eq!(access.rights(user(2), &none, &BTreeSet::new()), None);
        let by_name = access.rights(user(1), &none, &BTreeSet::new()).unwrap();
        assert_eq!((by_name.role, by_name.everywhere), (Role::Viewer, true));
        let by_group = access.rights(user(1), &in_group, &BTreeSet::new()).unwrap();
        assert_eq!((by_group.role, by_group.everywhere), (Role::Operator, false));
        let by_role = access.rights(user(2), &in_group, &roles).unwrap();
        assert_eq!((by_role.role, by_role.by_app_role), (Role::Admin, true));
    }

    #[test]
    fn entries_are_written_plainly_and_checked() {
        let text = r#"{"entries":[{"who":{"app_role":"console admin"},"role":"admin"}]}"#;
        let access: ConsoleAccess = serde_json::from_str(text).unwrap();
        assert_eq!(access.problems()[0].0, "/entries/0/who/app_role");
        assert!(
            serde_json::from_str::<ConsoleAccess>(r#"{"entries":[{"who":{"mail":"a@b"},"role":"admin"}]}"#)
                .is_err()
        );
    }
}
