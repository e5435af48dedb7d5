//! What changed in the directory, by name alone: the news itself is read when a run needs it.

use std::collections::BTreeSet;
use std::fmt;

use uuid::Uuid;

use super::ids::{EntraGroupId, EntraUserId};

/// An object of the directory that is known to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangedObject {
    /// A person.
    User(EntraUserId),
    /// A group: its name or who is in it.
    Group(EntraGroupId),
}

impl ChangedObject {
    /// The reverse of `to_string`; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        match kind {
            "u" => Some(Self::User(id.into())),
            "g" => Some(Self::Group(id.into())),
            _ => None,
        }
    }
}

impl fmt::Display for ChangedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "u:{id}"),
            Self::Group(id) => write!(f, "g:{id}"),
        }
    }
}

/// Changes that wait for a run, or that a run has taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The objects that are known by name.
    pub named: BTreeSet<ChangedObject>,
    /// Whether there may be others: too many to name, or the directory could not say which.
    pub others: bool,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && !self.others
    }

    /// The people among them.
    pub fn people(&self) -> impl Iterator<Item = EntraUserId> {
        self.named.iter().filter_map(|object| match object {
            ChangedObject::User(id) => Some(*id),
            ChangedObject::Group(_) => None,
        })
    }

    /// Whether a group is among them.
    pub fn any_group(&self) -> bool {
        self.named
            .iter()
            .any(|object| matches!(object, ChangedObject::Group(_)))
    }

    /// Adds the other's.
    pub fn join(&mut self, other: Self) {
        let Self { named, others } = other;
        self.named.extend(named);
        self.others |= others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_back_from_its_text() {
        let id = Uuid::from_u128(7);
        for object in [ChangedObject::User(id.into()), ChangedObject::Group(id.into())] {
            assert_eq!(ChangedObject::parse(&object.to_string()), Some(object));
        }
        for text in ["", "u:", "x:00000000-0000-0000-0000-000000000007", "u"] {
            assert_eq!(ChangedObject::parse(text), None, "{text}");
        }
    }
}
