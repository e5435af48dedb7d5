//! Presence on both sides: the words of Teams reduced to its six statuses, the six of an extension, who is led from one to
//! the other, and how far that has come for one person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{EntraUserId, ExtensionId};
use super::settings::{ExtensionPresence, OnOff, PresenceMapping, PresenceSettings};

/// A status of Teams, as its menu has them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TeamsStatus {
    /// Available.
    Available,
    /// Busy, in a call, in a meeting.
    Busy,
    /// Do not disturb, presenting, focusing.
    DoNotDisturb,
    /// Be right back.
    BeRightBack,
    /// Appear away, or inactive.
    Away,
    /// Appear offline, or signed out.
    Offline,
}

impl TeamsStatus {
    /// All of them, in the order of the settings.
    pub const ALL: [Self; 6] = [
        Self::Available,
        Self::Busy,
        Self::DoNotDisturb,
        Self::BeRightBack,
        Self::Away,
        Self::Offline,
    ];

    /// Of Graph's two words in any letter case. `None`: they say nothing, or nothing that is known, and nothing follows.
    pub fn of_words(availability: &str, activity: &str) -> Option<Self> {
        if availability.eq_ignore_ascii_case("PresenceUnknown") {
            return None;
        }
        Self::of_word(availability).or_else(|| Self::of_word(activity))
    }

    fn of_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "available" | "availableidle" => Some(Self::Available),
            "busy" | "busyidle" | "inacall" | "inaconferencecall" | "inameeting" => Some(Self::Busy),
            // Teams shows whoever presents or focuses as not to be disturbed.
            "donotdisturb" | "presenting" | "focusing" | "urgentinterruptionsonly" => {
                Some(Self::DoNotDisturb)
            }
            "berightback" => Some(Self::BeRightBack),
            "away" | "inactive" => Some(Self::Away),
            "offline" | "offwork" => Some(Self::Offline),
            _ => None,
        }
    }

    /// Its key in settings and forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Busy => "busy",
            Self::DoNotDisturb => "do_not_disturb",
            Self::BeRightBack => "be_right_back",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }
}

impl ExtensionPresence {
    /// All of them, in the order of the PBX's documentation.
    pub const ALL: [Self; 6] = [
        Self::Available,
        Self::Away,
        Self::BusinessTrip,
        Self::DoNotDisturb,
        Self::Lunch,
        Self::OffWork,
    ];

    /// As the PBX spells it.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
            Self::BusinessTrip => "business_trip",
            Self::DoNotDisturb => "do_not_disturb",
            Self::Lunch => "lunch",
            Self::OffWork => "off_work",
        }
    }

    /// The one that the PBX spells so.
    pub fn of_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|presence| presence.wire() == word)
    }
}

impl PresenceMapping {
    /// Where a status of Teams leads.
    pub fn target(&self, status: TeamsStatus) -> ExtensionPresence {
        match status {
            TeamsStatus::Available => self.available,
            TeamsStatus::Busy => self.busy,
            TeamsStatus::DoNotDisturb => self.do_not_disturb,
            TeamsStatus::BeRightBack => self.be_right_back,
            TeamsStatus::Away => self.away,
            TeamsStatus::Offline => self.offline,
        }
    }

    /// Leads a status elsewhere.
    pub fn set(&mut self, status: TeamsStatus, target: ExtensionPresence) {
        let place = match status {
            TeamsStatus::Available => &mut self.available,
            TeamsStatus::Busy => &mut self.busy,
            TeamsStatus::DoNotDisturb => &mut self.do_not_disturb,
            TeamsStatus::BeRightBack => &mut self.be_right_back,
            TeamsStatus::Away => &mut self.away,
            TeamsStatus::Offline => &mut self.offline,
        };
        *place = target;
    }
}

/// What was decided about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChoice {
    /// Whether they take part.
    pub enabled: bool,
    /// Their own mapping; without one that of their group, or of the connection.
    pub mapping: Option<PresenceMapping>,
    /// Who decided last.
    pub by: ChosenBy,
    /// When.
    pub at: Timestamp,
}

/// Who decided about a person's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// Whoever runs the connector.
    Admin,
    /// The person.
    Person,
}

/// The mapping that holds for a person, or `None` if they are left alone. `of_group`: that of the first group they are in.
pub fn mapping_for(
    settings: &PresenceSettings,
    of_group: Option<PresenceMapping>,
    choice: Option<&PresenceChoice>,
) -> Option<PresenceMapping> {
    let by_default = settings.users_default == OnOff::On;
    if !choice.map_or(by_default, |choice| choice.enabled) {
        return None;
    }
    let own = choice.and_then(|choice| choice.mapping);
    Some(own.or(of_group).unwrap_or(settings.mapping))
}

/// Somebody who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// In Teams.
    pub user: EntraUserId,
    /// On the PBX.
    pub extension: ExtensionId,
    /// From one to the other.
    pub mapping: PresenceMapping,
}

/// How far a person's presence has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The status of Teams that was dealt with last.
    pub carried: Option<TeamsStatus>,
    /// The one that is being written: after a poll that died it may or may not be on the extension.
    pub intended: Option<TeamsStatus>,
    /// The PBX would not have the one that was dealt with last.
    pub refused: bool,
}

impl Standing {
    /// A status is on the extension.
    pub fn after(carried: TeamsStatus) -> Self {
        Self {
            carried: Some(carried),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_WORDS: [(&str, Option<TeamsStatus>); 18] = [
        ("Available", Some(TeamsStatus::Available)),
        ("AvailableIdle", Some(TeamsStatus::Available)),
        ("Away", Some(TeamsStatus::Away)),
        ("BeRightBack", Some(TeamsStatus::BeRightBack)),
        ("Busy", Some(TeamsStatus::Busy)),
        ("BusyIdle", Some(TeamsStatus::Busy)),
        ("DoNotDisturb", Some(TeamsStatus::DoNotDisturb)),
        ("Offline", Some(TeamsStatus::Offline)),
        ("focusing", Some(TeamsStatus::DoNotDisturb)),
        ("inACall", Some(TeamsStatus::Busy)),
        ("inAMeeting", Some(TeamsStatus::Busy)),
        ("inAConferenceCall", Some(TeamsStatus::Busy)),
        ("presenting", Some(TeamsStatus::DoNotDisturb)),
        ("UrgentInterruptionsOnly", Some(TeamsStatus::DoNotDisturb)),
        ("Inactive", Some(TeamsStatus::Away)),
        ("OffWork", Some(TeamsStatus::Offline)),
        ("PresenceUnknown", None),
        ("HoldingACoffee", None),
    ];

    fn mapping(shift: usize) -> PresenceMapping {
        let mut mapping = PresenceMapping::default();
        for (index, status) in TeamsStatus::ALL.into_iter().enumerate() {
            mapping.set(status, ExtensionPresence::ALL[(index + shift) % 6]);
        }
        mapping
    }

    // spec: 130, 131, 132
    #[test]
    fn the_mapping_has_six_rows_with_the_documented_targets_and_the_pbxs_own_words() {
        let shown = TeamsStatus::ALL.map(|status| PresenceMapping::default().target(status).wire());
        assert_eq!(
            shown,
            [
                "available",
                "away",
                "do_not_disturb",
                "lunch",
                "off_work",
                "off_work"
            ]
        );
        let words = ExtensionPresence::ALL.map(ExtensionPresence::wire);
        let documented = [
            "available",
            "away",
            "business_trip",
            "do_not_disturb",
            "lunch",
            "off_work",
        ];
        assert_eq!(words, documented);
        for word in words {
            assert_eq!(
                ExtensionPresence::of_wire(word).map(ExtensionPresence::wire),
                Some(word)
            );
            assert_eq!(
                serde_json::to_value(ExtensionPresence::of_wire(word)).unwrap(),
                word
            );
        }
        assert_eq!(ExtensionPresence::of_wire("lunch_break"), None);
    }

    #[test]
    fn every_word_counts_in_any_letter_case_and_a_new_one_leaves_the_word_to_the_activity() {
        for (word, status) in OF_WORDS {
            for word in [word.to_owned(), word.to_lowercase(), word.to_uppercase()] {
                assert_eq!(TeamsStatus::of_words(&word, ""), status, "{word}");
                // The availability decides; only what it does not know is asked of the activity.
                let wanted = status
                    .or_else(|| (!word.eq_ignore_ascii_case("PresenceUnknown")).then_some(TeamsStatus::Busy));
                assert_eq!(TeamsStatus::of_words(&word, "InACall"), wanted, "{word}");
            }
        }
        assert_eq!(TeamsStatus::of_words("", ""), None);
        assert_eq!(
            TeamsStatus::of_words("Available", "OutOfOffice"),
            Some(TeamsStatus::Available)
        );
    }

    // spec: 128, 129, 130, 133, 135
    #[test]
    fn every_availability_meets_every_mapping_and_every_choice() {
        let at = Timestamp::UNIX_EPOCH;
        let mappings = [PresenceMapping::default(), mapping(0), mapping(1), mapping(4)];
        for users_default in [OnOff::On, OnOff::Off] {
            let settings = PresenceSettings {
                users_default,
                ..PresenceSettings::default()
            };
            for of_group in [None, Some(mapping(2))] {
                for (enabled, own) in [(true, None), (false, None)]
                    .into_iter()
                    .chain(mappings.map(|own| (true, Some(own))))
                    .chain(mappings.map(|own| (false, Some(own))))
                {
                    let choice = PresenceChoice {
                        enabled,
                        mapping: own,
                        by: ChosenBy::Person,
                        at,
                    };
                    let held = mapping_for(&settings, of_group, Some(&choice));
                    // The person's word stands over the default, their mapping over the group's, that over the connection's.
                    let wanted = enabled.then(|| own.or(of_group).unwrap_or(settings.mapping));
                    assert_eq!(held, wanted);
                    for (word, status) in OF_WORDS {
                        let target = held
                            .zip(TeamsStatus::of_words(word, ""))
                            .map(|(m, s)| m.target(s));
                        let row = status.and_then(|s| TeamsStatus::ALL.iter().position(|row| *row == s));
                        let expected = wanted.zip(row).map(|(m, row)| rows(m)[row]);
                        assert_eq!(target, expected, "{word} {users_default:?} {choice:?}");
                    }
                }
                let untold = mapping_for(&settings, of_group, None);
                let wanted = of_group.unwrap_or(settings.mapping);
                assert_eq!(untold, (users_default == OnOff::On).then_some(wanted));
            }
        }
    }

    fn rows(m: PresenceMapping) -> [ExtensionPresence; 6] {
        [
            m.available,
            m.busy,
            m.do_not_disturb,
            m.be_right_back,
            m.away,
            m.offline,
        ]
    }
}
