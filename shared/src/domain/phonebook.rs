//! Phonebooks of the PBX, which its portal calls company contact groups, and how much one PBX takes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most characters of a phonebook's name, as the PBX portal takes them.
pub const MAX_PHONEBOOK_NAME: usize = 63;

/// A PBX with fewer extensions than this is a small one.
const LARGE: u64 = 1000;

/// The PBX's own key of a phonebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct PhonebookId(pub i64);

impl fmt::Display for PhonebookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the list call says of a phonebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonebookRow {
    /// The PBX's key.
    pub id: PhonebookId,
    /// Unique on the PBX.
    pub name: String,
    /// How many contacts are in it.
    pub total: u64,
    /// Whether it takes in every company contact; at most one does.
    pub everyone: bool,
}

/// How much fits on a PBX of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactLimits {
    /// Personal contacts of one person.
    pub per_person: usize,
    /// Company contacts.
    pub contacts: u64,
    /// Phonebooks.
    pub phonebooks: u64,
}

impl ContactLimits {
    /// Of a PBX that is licensed for so many extensions.
    pub fn of(extensions: u64) -> Self {
        if extensions < LARGE {
            Self {
                per_person: 100,
                contacts: 200_000,
                phonebooks: 200,
            }
        } else {
            Self {
                per_person: 500,
                contacts: 500_000,
                phonebooks: 500,
            }
        }
    }
}

/// `text` cut to the length of a phonebook's name.
pub fn phonebook_name(text: &str) -> String {
    let text = super::mapping::one_line(text);
    let cut: String = text.chars().take(MAX_PHONEBOOK_NAME).collect();
    cut.trim_end().to_owned()
}

/// The name of the phonebook that holds one person's contacts.
pub fn personal_phonebook_name(owner: &str) -> String {
    with_ending(owner, " - Outlook")
}

/// `name` with an ending that stays whole when the name has to be cut.
pub fn with_ending(name: &str, ending: &str) -> String {
    let room = MAX_PHONEBOOK_NAME.saturating_sub(ending.chars().count());
    let name = super::mapping::one_line(name);
    let cut: String = name.chars().take(room).collect();
    format!("{}{ending}", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_pbx_decides_how_much_fits() {
        assert_eq!(ContactLimits::of(999).per_person, 100);
        assert_eq!(ContactLimits::of(999).phonebooks, 200);
        assert_eq!(ContactLimits::of(1000).per_person, 500);
        assert_eq!(ContactLimits::of(1000).contacts, 500_000);
    }

    #[test]
    fn endings_stay_whole() {
        assert_eq!(personal_phonebook_name("Ada  Example"), "Ada Example - Outlook");
        let long = personal_phonebook_name(&"x".repeat(100));
        assert_eq!(long.chars().count(), MAX_PHONEBOOK_NAME);
        assert!(long.ends_with(" - Outlook"));
    }
}
