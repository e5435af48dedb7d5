//! The parts of a connection. Each has a switch of its own in the settings.

use serde::{Deserialize, Serialize};

use super::settings::ConnectionSettings;

/// A part of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// People to extensions.
    Users,
    /// Groups to extension groups.
    Groups,
    /// Outlook contacts to phonebooks.
    Contacts,
    /// Teams presence to extension presence.
    Presence,
    /// Microsoft sign-in for Linkus.
    Sso,
}

impl Part {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::Users,
        Self::Groups,
        Self::Contacts,
        Self::Presence,
        Self::Sso,
    ];

    /// Its section in the settings.
    pub fn key(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Contacts => "contacts",
            Self::Presence => "presence",
            Self::Sso => "sso",
        }
    }

    /// The part with this section.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.key() == key)
    }

    /// Whether it is switched on.
    pub fn is_on(self, settings: &ConnectionSettings) -> bool {
        match self {
            Self::Users => settings.users.enabled,
            Self::Groups => settings.groups.enabled,
            Self::Contacts => settings.contacts.enabled,
            Self::Presence => settings.presence.enabled,
            Self::Sso => settings.sso.enabled,
        }
    }

    /// Switches it on or off.
    pub fn switch(self, settings: &mut ConnectionSettings, on: bool) {
        let switch = match self {
            Self::Users => &mut settings.users.enabled,
            Self::Groups => &mut settings.groups.enabled,
            Self::Contacts => &mut settings.contacts.enabled,
            Self::Presence => &mut settings.presence.enabled,
            Self::Sso => &mut settings.sso.enabled,
        };
        *switch = on;
    }

    /// Whether sync runs make objects on the PBX for it.
    pub fn makes_objects(self) -> bool {
        matches!(self, Self::Users | Self::Groups | Self::Contacts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_a_switch_of_its_own() {
        for part in Part::ALL {
            let mut settings = ConnectionSettings::default();
            part.switch(&mut settings, true);
            let on: Vec<Part> = Part::ALL
                .into_iter()
                .filter(|part| part.is_on(&settings))
                .collect();
            assert_eq!(on, [part]);
            assert_eq!(Part::named(part.key()), Some(part));
            part.switch(&mut settings, false);
            assert_eq!(settings, ConnectionSettings::default());
        }
    }
}
