//! What is to be written, and what became of it. Pure: the same people and the same answers give the same word.

use std::collections::BTreeMap;

use crate::domain::ids::EntraUserId;
use crate::domain::presence::{Member, Standing, TeamsStatus};
use crate::domain::settings::PresenceMapping;
use crate::ports::ShownPresence;

/// A status that a person's extension is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Their place.
    pub place: usize,
    /// What Teams shows now.
    pub status: TeamsStatus,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// It is on the extension.
    Done,
    /// The PBX will not have it.
    Refused,
    /// It was not carried out: the next poll decides anew.
    NotSent,
    /// It may have been carried out: the next poll looks first.
    Unknown,
}

/// Who shows something else than what was dealt with last. Of whom nothing is known, and whose last write is not cleared
/// up, there is no change.
pub(super) fn changes(
    members: &[Member],
    standings: &[Standing],
    known: &BTreeMap<EntraUserId, TeamsStatus>,
) -> Vec<Change> {
    let people = members.iter().zip(standings).enumerate();
    let change = |(place, (member, standing)): (usize, (&Member, &Standing))| {
        let status = *known.get(&member.user)?;
        let news = standing.carried != Some(status) && standing.intended.is_none();
        news.then_some(Change { place, status })
    };
    people.filter_map(change).collect()
}

/// Before a write.
pub(super) fn intend(standing: Standing, status: TeamsStatus) -> Standing {
    Standing {
        intended: Some(status),
        ..standing
    }
}

/// After it.
pub(super) fn conclude(standing: Standing, carry: Carry) -> Standing {
    let Some(status) = standing.intended else {
        return standing;
    };
    match carry {
        Carry::Done => Standing::after(status),
        Carry::Refused => Standing {
            refused: true,
            ..Standing::after(status)
        },
        Carry::NotSent => Standing {
            intended: None,
            ..standing
        },
        Carry::Unknown => standing,
    }
}

/// What a poll that died, or heard no answer, left of a write, by what the extension shows minutes later; `None`: there is
/// no such extension. A value that is neither the old nor the new one was set by hand, and stays.
pub(super) fn settle(standing: Standing, mapping: PresenceMapping, shown: Option<ShownPresence>) -> Standing {
    let Some(status) = standing.intended else {
        return standing;
    };
    let is_on = |status| shown == Some(ShownPresence::Standard(mapping.target(status)));
    let carry = match standing.carried {
        _ if shown.is_none() => Carry::Refused,
        _ if is_on(status) => Carry::Done,
        // What it showed before is not known; it is the first word of Teams about this person.
        None => Carry::NotSent,
        Some(before) if is_on(before) => Carry::NotSent,
        Some(_) => Carry::Done,
    };
    conclude(standing, carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::ExtensionPresence;

    fn member(user: u128) -> Member {
        Member {
            user: uuid::Uuid::from_u128(user).into(),
            extension: crate::domain::ids::ExtensionId(1),
            mapping: PresenceMapping::default(),
        }
    }

    #[test]
    fn the_whole_truth_about_changes() {
        let statuses = || TeamsStatus::ALL.into_iter().map(Some).chain([None]);
        for carried in statuses() {
            for intended in statuses() {
                for known in statuses() {
                    let standing = Standing {
                        carried,
                        intended,
                        refused: false,
                    };
                    let known_of: BTreeMap<_, _> =
                        known.map(|status| (member(1).user, status)).into_iter().collect();
                    let found = changes(&[member(1)], &[standing], &known_of);
                    let wanted = match (intended, known) {
                        (None, Some(status)) if carried != Some(status) => vec![Change { place: 0, status }],
                        _ => vec![],
                    };
                    assert_eq!(found, wanted, "{standing:?} {known:?}");
                }
            }
        }
    }

    #[test]
    fn a_write_that_was_cut_off_is_judged_by_what_the_extension_shows() {
        let mapping = PresenceMapping::default();
        let was = |carried| Standing {
            carried,
            intended: Some(TeamsStatus::Busy),
            refused: false,
        };
        let shows = |presence| Some(ShownPresence::Standard(presence));
        let before = Some(TeamsStatus::Available);
        let left = |carried| Standing {
            carried,
            intended: None,
            refused: false,
        };
        let done = Standing::after(TeamsStatus::Busy);
        let rows = [
            ("it was carried out", before, shows(ExtensionPresence::Away), done),
            (
                "it was not",
                before,
                shows(ExtensionPresence::Available),
                left(before),
            ),
            (
                "set by hand",
                before,
                shows(ExtensionPresence::BusinessTrip),
                done,
            ),
            (
                "set by hand, of the company's own",
                before,
                Some(ShownPresence::Other),
                done,
            ),
            (
                "gone",
                before,
                None,
                Standing {
                    refused: true,
                    ..done
                },
            ),
            (
                "first word, carried out",
                None,
                shows(ExtensionPresence::Away),
                done,
            ),
            (
                "first word, not carried out",
                None,
                shows(ExtensionPresence::Lunch),
                left(None),
            ),
        ];
        for (name, carried, shown, wanted) in rows {
            assert_eq!(settle(was(carried), mapping, shown), wanted, "{name}");
        }
    }
}
