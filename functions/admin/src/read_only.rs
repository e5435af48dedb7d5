//! Which settings may not change at the moment: those of a paused part, and all of a disabled connection. The switches of
//! the parts are never among them: they are how a part resumes.

use std::collections::BTreeSet;

use shared::domain::connection::ConnectionStatus;
use shared::domain::part::Part;
use shared::domain::settings::ConnectionSettings;

/// What a save would change though it must not, as a sentence. `paused`: the parts that are off and were on before.
pub fn forbidden_change(
    status: &ConnectionStatus,
    paused: &BTreeSet<Part>,
    old: &ConnectionSettings,
    wanted: &ConnectionSettings,
) -> Option<String> {
    match status {
        ConnectionStatus::Disconnected => {
            Some("the connection is disconnected: its settings are history".to_owned())
        }
        ConnectionStatus::Disabled if with_switches_of(old.clone(), wanted) != *wanted => {
            Some("the connection is disabled: enable it before you change its settings".to_owned())
        }
        _ => paused
            .iter()
            .find(|part| !part.is_on(wanted) && !section_is_same(**part, old, wanted))
            .map(|part| {
                let part = part.key();
                format!("{part} is paused: resume it before you change its settings")
            }),
    }
}

fn section_is_same(part: Part, one: &ConnectionSettings, other: &ConnectionSettings) -> bool {
    match part {
        Part::Users => one.users == other.users,
        Part::Groups => one.groups == other.groups,
        Part::Contacts => one.contacts == other.contacts,
        Part::Presence => one.presence == other.presence,
        Part::Sso => one.sso == other.sso,
    }
}

fn with_switches_of(mut settings: ConnectionSettings, other: &ConnectionSettings) -> ConnectionSettings {
    for part in Part::ALL {
        part.switch(&mut settings, part.is_on(other));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(enabled: bool, grace: u32) -> ConnectionSettings {
        let mut settings = ConnectionSettings::default();
        settings.users.enabled = enabled;
        settings.users.delete_grace_days = grace;
        settings
    }

    // spec: 166, 172
    #[test]
    fn a_paused_part_and_a_disabled_connection_keep_their_settings() {
        use ConnectionStatus::{Connected, Disabled, Disconnected};
        let rows = [
            (
                "never on: free",
                Connected,
                false,
                settings(false, 0),
                settings(false, 5),
                true,
            ),
            (
                "paused: fixed",
                Connected,
                true,
                settings(false, 0),
                settings(false, 5),
                false,
            ),
            (
                "paused, unchanged",
                Connected,
                true,
                settings(false, 0),
                settings(false, 0),
                true,
            ),
            (
                "resumed",
                Connected,
                true,
                settings(false, 0),
                settings(true, 5),
                true,
            ),
            (
                "running: free",
                Connected,
                false,
                settings(true, 0),
                settings(true, 5),
                true,
            ),
            (
                "disabled: fixed",
                Disabled,
                false,
                settings(true, 0),
                settings(true, 5),
                false,
            ),
            (
                "disabled: switch",
                Disabled,
                false,
                settings(true, 0),
                settings(false, 0),
                true,
            ),
            (
                "disconnected",
                Disconnected,
                false,
                settings(true, 0),
                settings(true, 0),
                false,
            ),
        ];
        for (name, status, is_paused, old, wanted, allowed) in rows {
            let paused = is_paused.then_some(Part::Users).into_iter().collect();
            assert_eq!(
                forbidden_change(&status, &paused, &old, &wanted).is_none(),
                allowed,
                "{name}"
            );
        }
    }

    // spec: 161
    #[test]
    fn each_part_is_paused_by_itself() {
        let old = ConnectionSettings::default();
        let mut wanted = old.clone();
        wanted.users.delete_grace_days = 5;
        let status = ConnectionStatus::Connected;
        for part in Part::ALL {
            let refused = forbidden_change(&status, &BTreeSet::from([part]), &old, &wanted);
            assert_eq!(refused.is_some(), part == Part::Users, "{part:?}");
        }
    }
}
