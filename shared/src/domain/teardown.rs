//! What an admin wants to become of synced objects when a part is paused, or the connection is disabled or disconnected.
//! It stands with the connection until a run has done it, so it survives every crash.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::part::Part;
use super::settings::ConnectionSettings;

/// What becomes of the objects of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// They are deleted from the PBX.
    Delete,
    /// They stay on the PBX and are not ours any more.
    Release,
}

/// How the connection stands once the removals are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeardownEnd {
    /// The parts are paused.
    Paused,
    /// The connection is disabled.
    Disabled,
    /// The connection is disconnected.
    Disconnected,
}

/// Removals that an admin asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Teardown {
    /// How the connection stands afterwards.
    pub ends: TeardownEnd,
    /// What becomes of the objects of which parts.
    pub parts: BTreeMap<Part, Removal>,
    /// When it was asked for.
    pub since: Timestamp,
}

/// The two boxes of the dialogs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Delete the PBX extensions in sync with the users.
    pub extensions: bool,
    /// Delete the PBX extension groups in sync with the groups.
    pub extension_groups: bool,
}

/// What a run has to do for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Keep it in step.
    Sync,
    /// Take its objects away.
    Remove(Removal),
    /// Nothing: it is off.
    Rest,
}

impl Teardown {
    /// Of a part that is paused.
    pub fn of_pause(part: Part, since: Timestamp) -> Self {
        Self {
            ends: TeardownEnd::Paused,
            parts: BTreeMap::from([(part, Removal::Delete)]),
            since,
        }
    }

    /// Of a connection that is disabled; `None` where all is kept.
    pub fn of_disable(ticked: Ticked, since: Timestamp) -> Option<Self> {
        let boxes = [
            (Part::Users, ticked.extensions),
            (Part::Groups, ticked.extension_groups),
        ];
        let parts: BTreeMap<Part, Removal> = boxes
            .into_iter()
            .filter(|(_, ticked)| *ticked)
            .map(|(part, _)| (part, Removal::Delete))
            .collect();
        (!parts.is_empty()).then_some(Self {
            ends: TeardownEnd::Disabled,
            parts,
            since,
        })
    }

    /// Of a connection that is disconnected: what is not deleted is let go.
    pub fn of_disconnect(ticked: Ticked, since: Timestamp) -> Self {
        let removal = |delete| if delete { Removal::Delete } else { Removal::Release };
        Self {
            ends: TeardownEnd::Disconnected,
            parts: BTreeMap::from([
                (Part::Users, removal(ticked.extensions)),
                (Part::Groups, removal(ticked.extension_groups)),
                (Part::Contacts, Removal::Release),
            ]),
            since,
        }
    }

    /// What is to become of a part's objects. One that was switched on again after a pause keeps them.
    pub fn removal(&self, part: Part, settings: &ConnectionSettings) -> Option<Removal> {
        let resumed = self.ends == TeardownEnd::Paused && part.is_on(settings);
        self.parts.get(&part).copied().filter(|_| !resumed)
    }

    /// The same together with what an earlier one has left to take away: one is not called off by asking for another.
    /// `None` where the earlier one goes further.
    pub fn on_top_of(self, earlier: &Self, settings: &ConnectionSettings) -> Option<Self> {
        let goes_as_far = match earlier.ends {
            TeardownEnd::Paused => self.ends != TeardownEnd::Disconnected,
            TeardownEnd::Disabled => self.ends == TeardownEnd::Disabled,
            TeardownEnd::Disconnected => false,
        };
        let mut parts = earlier.parts_left(settings);
        parts.extend(self.parts);
        goes_as_far.then_some(Self { parts, ..self })
    }

    /// What is still to be taken away, and how.
    pub fn parts_left(&self, settings: &ConnectionSettings) -> BTreeMap<Part, Removal> {
        let left = self.left(settings);
        left.filter_map(|part| Some((part, self.removal(part, settings)?)))
            .collect()
    }

    /// Whether another asks for the same, whenever that was.
    pub fn is_like(&self, other: &Self) -> bool {
        self.ends == other.ends && self.parts == other.parts
    }

    /// The parts whose objects are still to be taken away.
    pub fn left<'a>(&'a self, settings: &'a ConnectionSettings) -> impl Iterator<Item = Part> + 'a {
        let wanted = |part: &Part| self.removal(*part, settings).is_some();
        self.parts.keys().copied().filter(wanted)
    }
}

/// What a run of this connection has to do for a part.
pub fn duty(part: Part, connection: &Connection, settings: &ConnectionSettings) -> Duty {
    let teardown = connection.teardown.as_ref();
    match teardown.and_then(|teardown| teardown.removal(part, settings)) {
        Some(removal) => Duty::Remove(removal),
        None if connection.status.may_run() && part.is_on(settings) => Duty::Sync,
        None => Duty::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticked(extensions: bool, extension_groups: bool) -> Ticked {
        Ticked {
            extensions,
            extension_groups,
        }
    }

    // spec: 170, 176
    #[test]
    fn both_boxes_of_a_dialog_are_independent_of_each_other() {
        let now = Timestamp::UNIX_EPOCH;
        let deleted = |teardown: Option<Teardown>| -> Vec<Part> {
            let parts = teardown.map(|teardown| teardown.parts).unwrap_or_default();
            parts
                .into_iter()
                .filter(|(_, removal)| *removal == Removal::Delete)
                .map(|(part, _)| part)
                .collect()
        };
        let rows = [
            (false, false, vec![]),
            (true, false, vec![Part::Users]),
            (false, true, vec![Part::Groups]),
            (true, true, vec![Part::Users, Part::Groups]),
        ];
        for (extensions, groups, expected) in rows {
            let boxes = ticked(extensions, groups);
            assert_eq!(deleted(Teardown::of_disable(boxes, now)), expected);
            assert_eq!(deleted(Some(Teardown::of_disconnect(boxes, now))), expected);
        }
    }

    // spec: 180
    #[test]
    fn only_a_disconnection_lets_go_of_what_it_does_not_delete() {
        let now = Timestamp::UNIX_EPOCH;
        let off = ConnectionSettings::default();
        let disconnected = Teardown::of_disconnect(ticked(false, false), now);
        assert_eq!(disconnected.removal(Part::Users, &off), Some(Removal::Release));
        assert_eq!(Teardown::of_disable(ticked(false, false), now), None);
        let paused = Teardown::of_pause(Part::Users, now);
        assert_eq!(paused.removal(Part::Groups, &off), None);
    }

    // spec: 161, 170
    #[test]
    fn a_second_word_takes_away_more_and_calls_nothing_off() {
        let now = Timestamp::UNIX_EPOCH;
        let mut settings = ConnectionSettings::default();
        let pause = |part| Teardown::of_pause(part, now);
        let (users, groups) = (pause(Part::Users), pause(Part::Groups));
        let both = groups.clone().on_top_of(&users, &settings).unwrap();
        assert_eq!((both.ends, both.parts.len()), (TeardownEnd::Paused, 2));
        let disabled = Teardown::of_disable(ticked(false, true), now).unwrap();
        let all = disabled.clone().on_top_of(&users, &settings).unwrap();
        assert_eq!((all.ends, &all.parts), (TeardownEnd::Disabled, &both.parts));
        assert_eq!(groups.clone().on_top_of(&disabled, &settings), None);
        let last = Teardown::of_disconnect(ticked(true, true), now);
        assert_eq!(disabled.clone().on_top_of(&last, &settings), None);
        // What was resumed meanwhile is kept.
        settings.users.enabled = true;
        let groups_alone = disabled.clone().on_top_of(&users, &settings);
        assert_eq!(groups_alone, Some(disabled));
    }

    #[test]
    fn a_part_that_is_resumed_keeps_what_was_to_be_deleted() {
        let paused = Teardown::of_pause(Part::Users, Timestamp::UNIX_EPOCH);
        let mut settings = ConnectionSettings::default();
        assert_eq!(paused.left(&settings).collect::<Vec<_>>(), [Part::Users]);
        settings.users.enabled = true;
        assert_eq!(paused.left(&settings).count(), 0);
    }
}
