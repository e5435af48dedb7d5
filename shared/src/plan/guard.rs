//! The guard on removals, the same for every kind of object: how many may go without a person's word.

use crate::domain::settings::SafetySettings;

/// A removal limit below this many would hold everyday work of small tenants.
const ALWAYS_ALLOWED: u64 = 10;

/// What a plan would remove of one kind of object.
#[derive(Debug, Clone)]
pub struct Removing {
    /// The objects, in the plural.
    pub what: &'static str,
    /// How many would go.
    pub removals: u64,
    /// How many are ours now.
    pub managed: u64,
    /// How many the last good run left.
    pub managed_before: Option<u64>,
    /// Set when the source had nothing of this kind at all: how to say so.
    pub source_is_empty: Option<&'static str>,
}

impl Removing {
    /// Why a person has to look first; `None`: nobody has to.
    pub fn hold_reason(&self, safety: &SafetySettings) -> Option<String> {
        let Self {
            what,
            removals,
            managed,
            managed_before,
            source_is_empty,
        } = self;
        if *removals == 0 {
            return None;
        }
        let limit = removal_limit(safety, *managed);
        let left = managed.saturating_sub(*removals);
        let shrinks = managed_before.filter(|before| left * 5 < before * 4 && *removals > ALWAYS_ALLOWED);
        if let Some(sentence) = source_is_empty {
            return Some((*sentence).to_owned());
        }
        if *removals > limit {
            return Some(format!(
                "{removals} of {managed} {what} would be removed; more than {limit} need an approval"
            ));
        }
        shrinks.map(|before| {
            format!("{left} {what} would remain of {before} at the last good run: down by a fifth")
        })
    }
}

/// Most removals of a kind that need nobody's word.
pub fn removal_limit(safety: &SafetySettings, managed: u64) -> u64 {
    let share = u64::from(safety.max_removals_percent).saturating_mul(managed) / 100;
    u64::from(safety.max_removals).min(share.max(ALWAYS_ALLOWED))
}
