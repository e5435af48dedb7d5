//! What was read before deciding, and how much of the world it covers. Absence means something only inside the coverage.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::binding::Binding;
use crate::domain::entra_user::EntraUser;
use crate::domain::extension::{Capacity, Extension, ExtensionRow};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::number::ExtensionNumber;
use crate::domain::settings::{SafetySettings, UserSettings};
use crate::domain::teardown::Removal;

/// Whose absence from the directory may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Everyone's: the read was whole.
    Complete,
    /// Only these people's.
    Only(BTreeSet<EntraUserId>),
}

impl Coverage {
    /// Whether this person was looked for.
    pub fn covers(&self, user: EntraUserId) -> bool {
        match self {
            Self::Complete => true,
            Self::Only(users) => users.contains(&user),
        }
    }
}

/// The directory's side.
#[derive(Debug, Clone)]
pub struct DirectorySnapshot {
    /// People found.
    pub users: BTreeMap<EntraUserId, EntraUser>,
    /// Whose absence from `users` is a fact.
    pub coverage: Coverage,
    /// Members of the scope's groups, where the scope is by group.
    pub scope_members: BTreeSet<EntraUserId>,
    /// Members of the excluded groups.
    pub excluded_members: BTreeSet<EntraUserId>,
}

/// The PBX's side.
#[derive(Debug, Clone)]
pub struct PhoneSystemSnapshot {
    /// Every extension beyond those in `details`, or `None` where the run had no need to list them.
    pub rows: Option<BTreeMap<ExtensionId, ExtensionRow>>,
    /// The extensions read in full: bound ones, those that may be taken over, those of an unfinished create.
    pub details: BTreeMap<ExtensionId, Extension>,
    /// How many more fit.
    pub capacity: Capacity,
}

impl PhoneSystemSnapshot {
    /// The mail address of an extension; empty if it has none.
    pub fn address_of(&self, id: ExtensionId) -> &str {
        let in_full = self
            .details
            .get(&id)
            .map(|extension| extension.fields.email.as_str());
        let row = || {
            self.rows
                .as_ref()
                .and_then(|rows| rows.get(&id))
                .map(|row| row.email.as_str())
        };
        in_full.or_else(row).unwrap_or_default()
    }

    /// Key, number and address of every extension that was listed; nothing where none were.
    pub fn listed(&self) -> impl Iterator<Item = (ExtensionId, &str, &str)> {
        let in_full = self
            .details
            .values()
            .map(|e| (e.id, e.number.as_str(), e.fields.email.as_str()));
        let rows = self.rows.iter().flat_map(BTreeMap::values);
        let others = rows.filter(|row| !self.details.contains_key(&row.id));
        let all = in_full.chain(others.map(|row| (row.id, row.number.as_str(), row.email.as_str())));
        all.filter(|_| self.rows.is_some())
    }
}

/// Everything that was read.
#[derive(Debug, Clone)]
pub struct World {
    /// The directory's side.
    pub directory: DirectorySnapshot,
    /// The PBX's side.
    pub phone_system: PhoneSystemSnapshot,
    /// What is ours.
    pub bindings: BTreeMap<EntraUserId, Binding>,
    /// Numbers the PBX refused though no extension has them: queues and the like.
    pub refused_numbers: BTreeSet<ExtensionNumber>,
}

/// What an admin decided, and the instant it is applied at.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Rules for people.
    pub users: UserSettings,
    /// Set when an admin takes everything away: whatever the rules say.
    pub removal: Option<Removal>,
    /// The guard on removals.
    pub safety: SafetySettings,
    /// Now, for the days of grace.
    pub now: Timestamp,
    /// How many objects the last good run left managed.
    pub last_good_managed: Option<u64>,
}
