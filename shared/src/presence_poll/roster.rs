//! Who sits where. Seats are full from the first to the last, so that so many people need no more questions to Graph than
//! they must; whoever stays keeps seat and standing, so that few items change when few people do.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::EntraUserId;
use crate::domain::presence::{Member, Standing};

/// Somebody in their seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub member: Member,
    pub standing: Standing,
}

/// Who is to take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These, and nobody else.
    All(BTreeMap<EntraUserId, Member>),
    /// Of these people those that are members; of the others nothing is said.
    Only(BTreeMap<EntraUserId, Option<Member>>),
}

impl Wanted {
    fn about(&self, seat: &Seat) -> Option<Seat> {
        let member = match self {
            Self::All(members) => members.get(&seat.member.user).copied(),
            Self::Only(people) => match people.get(&seat.member.user) {
                Some(said) => *said,
                None => Some(seat.member),
            },
        }?;
        let same_extension = member.extension == seat.member.extension;
        Some(Seat {
            member,
            // On another extension nothing was ever written.
            standing: if same_extension {
                seat.standing
            } else {
                Standing::default()
            },
        })
    }

    fn members(&self) -> Vec<Member> {
        match self {
            Self::All(members) => members.values().copied().collect(),
            Self::Only(people) => people.values().flatten().copied().collect(),
        }
    }
}

/// The seats as they are to be. People who sit twice, as after a change that was cut off, keep their first seat.
pub(super) fn reseat(seats: &[Seat], wanted: &Wanted) -> Vec<Seat> {
    let mut seated = BTreeSet::new();
    let mut row: Vec<Option<Seat>> = seats
        .iter()
        .map(|seat| wanted.about(seat).filter(|seat| seated.insert(seat.member.user)))
        .collect();
    let mut newcomers = wanted
        .members()
        .into_iter()
        .filter(|member| !seated.contains(&member.user))
        .map(|member| Seat {
            member,
            standing: Standing::default(),
        });
    for empty in row.iter_mut().filter(|seat| seat.is_none()) {
        *empty = newcomers.next();
    }
    row.extend(newcomers.map(Some));
    close_up(row)
}

/// Those at the end move into the seats that stayed empty.
fn close_up(mut row: Vec<Option<Seat>>) -> Vec<Seat> {
    let people = row.iter().flatten().count();
    let mut movers = row.split_off(people.min(row.len())).into_iter().flatten();
    row.into_iter()
        .filter_map(|seat| seat.or_else(|| movers.next()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::ExtensionId;
    use crate::domain::presence::TeamsStatus;
    use crate::domain::settings::PresenceMapping;

    fn member(user: u8, extension: i64) -> Member {
        Member {
            user: uuid::Uuid::from_u128(u128::from(user)).into(),
            extension: ExtensionId(extension),
            mapping: PresenceMapping::default(),
        }
    }

    fn seat(user: u8) -> Seat {
        Seat {
            member: member(user, i64::from(user)),
            standing: Standing::after(TeamsStatus::Busy),
        }
    }

    fn all(members: impl IntoIterator<Item = Member>) -> Wanted {
        Wanted::All(members.into_iter().map(|member| (member.user, member)).collect())
    }

    fn users(seats: &[Seat]) -> Vec<u128> {
        seats
            .iter()
            .map(|seat| seat.member.user.as_uuid().as_u128())
            .collect()
    }

    #[test]
    fn whoever_stays_keeps_their_seat_and_holes_are_filled_by_newcomers_and_from_the_end() {
        let seats: Vec<Seat> = (1..=6).map(seat).collect();
        let stay = all([1, 3, 5, 6]
            .map(|n| member(n, i64::from(n)))
            .into_iter()
            .chain([member(9, 9)]));
        let new = reseat(&seats, &stay);
        assert_eq!(users(&new), [1, 9, 3, 6, 5]);
        assert_eq!(new[1].standing, Standing::default());
        assert_eq!(new[3].standing, Standing::after(TeamsStatus::Busy));
        assert_eq!(reseat(&new, &stay), new);
    }

    #[test]
    fn a_new_extension_starts_anew_and_a_new_mapping_does_not() {
        let moved = reseat(&[seat(1)], &all([member(1, 77)]));
        assert_eq!(moved[0].standing, Standing::default());
        let mut other = member(1, 1);
        other.mapping.busy = crate::domain::settings::ExtensionPresence::Lunch;
        let mapped = reseat(&[seat(1)], &all([other]));
        assert_eq!((mapped[0].member, mapped[0].standing), (other, seat(1).standing));
    }

    #[test]
    fn of_people_who_were_not_looked_at_nothing_changes() {
        let seats: Vec<Seat> = (1..=3).map(seat).collect();
        let said = BTreeMap::from([
            (member(2, 2).user, None),
            (member(8, 8).user, Some(member(8, 8))),
            (member(9, 9).user, None),
        ]);
        assert_eq!(users(&reseat(&seats, &Wanted::Only(said))), [1, 8, 3]);
    }

    proptest! {
        #[test]
        fn everybody_wanted_sits_once_and_nobody_else(
            before in prop::collection::vec(0u8..40, 0..40),
            wanted in prop::collection::btree_set(0u8..40, 0..40),
        ) {
            let seats: Vec<Seat> = before.iter().copied().map(seat).collect();
            let wants = all(wanted.iter().map(|n| member(*n, i64::from(*n))));
            let new = reseat(&seats, &wants);
            let mut sitting = users(&new);
            sitting.sort_unstable();
            let expected: Vec<u128> = wanted.iter().copied().map(u128::from).collect();
            prop_assert_eq!(sitting, expected);
            // Whoever was there and stays has not started anew.
            for sits in &new {
                let was = seats.iter().find(|seat| seat.member.user == sits.member.user);
                prop_assert_eq!(sits.standing, was.map(|was| was.standing).unwrap_or_default());
            }
            prop_assert_eq!(reseat(&new, &wants), new);
        }
    }
}
