//! People and how far their presence has come, packed: 650 people are 17 kilobytes that change when people come and go,
//! and 650 bytes that change with them. An id is 16 random bytes, which no packing makes smaller; so a poll, every minute,
//! reads the small part, and the large one only where it does not know it yet.

use uuid::Uuid;

use super::error::{Cause, StoreError};
use crate::domain::ids::ExtensionId;
use crate::domain::presence::{Member, Standing, TeamsStatus};
use crate::domain::settings::{ExtensionPresence, PresenceMapping};

/// Id, extension, mapping.
const MEMBER: usize = 16 + 8 + 3;
/// Three bits a value: six of them and none.
const BITS: u32 = 3;
const MASK: u32 = 0b111;

pub(super) fn pack_members(members: &[Member]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(members.len() * MEMBER);
    for member in members {
        packed.extend(member.user.as_uuid().as_bytes());
        packed.extend(member.extension.0.to_be_bytes());
        let [_, mapping @ ..] = pack_mapping(member.mapping).to_be_bytes();
        packed.extend(mapping);
    }
    packed
}

pub(super) fn unpack_members(packed: &[u8]) -> Result<Vec<Member>, StoreError> {
    let members = packed.chunks(MEMBER).map(unpack_member);
    members.collect::<Option<_>>().ok_or_else(|| unreadable("people"))
}

fn unpack_member(packed: &[u8]) -> Option<Member> {
    let (id, rest) = packed.split_first_chunk::<16>()?;
    let (extension, rest) = rest.split_first_chunk::<8>()?;
    let [a, b, c] = *<&[u8; 3]>::try_from(rest).ok()?;
    Some(Member {
        user: Uuid::from_bytes(*id).into(),
        extension: ExtensionId(i64::from_be_bytes(*extension)),
        mapping: unpack_mapping(u32::from_be_bytes([0, a, b, c]))?,
    })
}

fn pack_mapping(mapping: PresenceMapping) -> u32 {
    TeamsStatus::ALL.into_iter().fold(0, |packed, status| {
        (packed << BITS) | place(&ExtensionPresence::ALL, mapping.target(status))
    })
}

fn unpack_mapping(mut packed: u32) -> Option<PresenceMapping> {
    let mut mapping = PresenceMapping::default();
    for status in TeamsStatus::ALL.into_iter().rev() {
        mapping.set(status, value(&ExtensionPresence::ALL, packed & MASK).ok()??);
        packed >>= BITS;
    }
    Some(mapping)
}

pub(super) fn pack_standings(standings: &[Standing]) -> Vec<u8> {
    let pack = |standing: &Standing| {
        let of = |status: Option<TeamsStatus>| status.map_or(0, |status| place(&TeamsStatus::ALL, status));
        let packed = of(standing.carried)
            | (of(standing.intended) << BITS)
            | (u32::from(standing.refused) << (2 * BITS));
        // Seven bits.
        u8::try_from(packed).unwrap_or_default()
    };
    standings.iter().map(pack).collect()
}

pub(super) fn unpack_standings(packed: &[u8]) -> Result<Vec<Standing>, StoreError> {
    let unpack = |byte: &u8| {
        let packed = u32::from(*byte);
        Ok(Standing {
            carried: value(&TeamsStatus::ALL, packed & MASK)?,
            intended: value(&TeamsStatus::ALL, (packed >> BITS) & MASK)?,
            refused: packed >> (2 * BITS) == 1,
        })
    };
    let standings: Result<_, NoSuchValue> = packed.iter().map(unpack).collect();
    standings.map_err(|NoSuchValue| unreadable("standings"))
}

/// From one on; zero stands for none.
fn place<T: PartialEq + Copy>(all: &[T; 6], value: T) -> u32 {
    let found = (1..).zip(all).find(|(_, known)| **known == value);
    found.map_or(0, |(place, _)| place)
}

/// The reverse of [`place`].
fn value<T: Copy>(all: &[T; 6], place: u32) -> Result<Option<T>, NoSuchValue> {
    match usize::try_from(place).unwrap_or(usize::MAX).checked_sub(1) {
        None => Ok(None),
        Some(index) => all.get(index).map(|value| Some(*value)).ok_or(NoSuchValue),
    }
}

/// Written by another version, or not by us.
struct NoSuchValue;

fn unreadable(what: &'static str) -> StoreError {
    StoreError::Corrupt {
        what: "packed presence",
        source: Cause(format!("its {what} are cut off or of another version")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status() -> impl Strategy<Value = Option<TeamsStatus>> {
        prop::option::of(prop::sample::select(TeamsStatus::ALL.to_vec()))
    }

    fn member() -> impl Strategy<Value = Member> {
        let targets = prop::collection::vec(prop::sample::select(ExtensionPresence::ALL.to_vec()), 6);
        (any::<u128>(), any::<i64>(), targets).prop_map(|(user, extension, targets)| {
            let mut mapping = PresenceMapping::default();
            for (status, target) in TeamsStatus::ALL.into_iter().zip(targets) {
                mapping.set(status, target);
            }
            Member {
                user: Uuid::from_u128(user).into(),
                extension: ExtensionId(extension),
                mapping,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            members in prop::collection::vec(member(), 0..20),
            standings in prop::collection::vec((status(), status(), any::<bool>()), 0..20),
        ) {
            prop_assert_eq!(&unpack_members(&pack_members(&members)).unwrap(), &members);
            let standings: Vec<Standing> = standings
                .into_iter()
                .map(|(carried, intended, refused)| Standing { carried, intended, refused })
                .collect();
            let packed = pack_standings(&standings);
            prop_assert_eq!(packed.len(), standings.len());
            prop_assert_eq!(&unpack_standings(&packed).unwrap(), &standings);
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = unpack_standings(&bytes);
            prop_assert!(unpack_members(&bytes).is_err() || bytes.len() % MEMBER == 0);
        }
    }
}
