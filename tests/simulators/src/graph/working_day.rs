//! What a person shows in Teams on a working day: they come, meet, call, focus, eat and leave, each at times of their own
//! that follow from who they are. Equal people and minutes give equal words.

use uuid::Uuid;

/// One thing after another takes so many minutes.
const SLOT: u32 = 20;

/// What a person does in a slot; most of it is being there.
const DOINGS: [(&str, &str); 10] = [
    ("Available", "Available"),
    ("Available", "Available"),
    ("AvailableIdle", "Available"),
    ("Busy", "InAMeeting"),
    ("Busy", "InAMeeting"),
    ("Busy", "InACall"),
    ("Available", "Available"),
    ("Away", "Away"),
    ("DoNotDisturb", "Presenting"),
    ("DoNotDisturb", "Focusing"),
];

/// Availability and activity at a minute of the day.
pub fn at(person: Uuid, minute_of_day: u32) -> (&'static str, &'static str) {
    let own = draw(person, u32::MAX);
    let (comes, eats, leaves) = (
        7 * 60 + 40 + own % 80,
        12 * 60 + own % 50,
        16 * 60 + 20 + own % 110,
    );
    match minute_of_day {
        minute if minute < comes || minute >= leaves => ("Offline", "Offline"),
        minute if (eats..eats + 30).contains(&minute) => ("BeRightBack", "BeRightBack"),
        minute => {
            // Everybody changes at another minute.
            let slot = (minute + own % SLOT) / SLOT;
            let doing = usize::try_from(draw(person, slot)).unwrap_or_default() % DOINGS.len();
            DOINGS.get(doing).copied().unwrap_or(("Available", "Available"))
        }
    }
}

/// A number that looks random and is always the same (FNV-1a).
fn draw(person: Uuid, about: u32) -> u32 {
    let bytes = person.as_bytes().iter().copied().chain(about.to_be_bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_day_begins_and_ends_offline_and_has_lunch_and_changes_in_between() {
        for person in (1..200_u128).map(|n| Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))) {
            let day: Vec<_> = (0..24 * 60).map(|minute| at(person, minute)).collect();
            assert_eq!((day[0].0, day[23 * 60].0), ("Offline", "Offline"));
            let words: BTreeSet<_> = day.iter().map(|(availability, _)| *availability).collect();
            assert!(words.contains("BeRightBack") && words.len() >= 4, "{words:?}");
            let moves = day.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!((8..60).contains(&moves), "{moves}");
        }
    }
}
