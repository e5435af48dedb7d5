//! Which settings may not change at the moment: those of a paused part, and all of a disabled connection. The switches of
//! the parts are never among them: they are how a part resumes.

use shared::domain::connection::ConnectionStatus;
use shared::domain::settings::ConnectionSettings;

/// What a save would change though it must not, as a sentence.
pub fn forbidden_change(
    status: &ConnectionStatus,
    ever_enabled: bool,
    old: &ConnectionSettings,
    wanted: &ConnectionSettings,
) -> Option<&'static str> {
    let switches_aside = with_switches_of(old.clone(), wanted);
    match status {
        ConnectionStatus::Disconnected => Some("the connection is disconnected: its settings are history"),
        ConnectionStatus::Disabled if switches_aside != *wanted => {
            Some("the connection is disabled: enable it before you change its settings")
        }
        _ => {
            // The users part alone can run, so a connection that ever ran a part and has it off has it paused.
            let stays_paused = ever_enabled && !old.users.enabled && !wanted.users.enabled;
            (stays_paused && old.users != wanted.users)
                .then_some("user sync is paused: resume it before you change its settings")
        }
    }
}

fn with_switches_of(mut settings: ConnectionSettings, other: &ConnectionSettings) -> ConnectionSettings {
    settings.users.enabled = other.users.enabled;
    settings.groups.enabled = other.groups.enabled;
    settings.contacts.enabled = other.contacts.enabled;
    settings.presence.enabled = other.presence.enabled;
    settings.sso.enabled = other.sso.enabled;
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
                "never enabled: free",
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
                true,
                settings(true, 0),
                settings(true, 5),
                true,
            ),
            (
                "disabled: fixed",
                Disabled,
                true,
                settings(true, 0),
                settings(true, 5),
                false,
            ),
            (
                "disabled: switch",
                Disabled,
                true,
                settings(true, 0),
                settings(false, 0),
                true,
            ),
            (
                "disconnected",
                Disconnected,
                true,
                settings(true, 0),
                settings(true, 0),
                false,
            ),
        ];
        for (name, status, ever, old, wanted, allowed) in rows {
            assert_eq!(
                forbidden_change(&status, ever, &old, &wanted).is_none(),
                allowed,
                "{name}"
            );
        }
    }
}
