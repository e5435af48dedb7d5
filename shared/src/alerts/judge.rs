//! What is wrong with a connection. Pure: everything was read before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::alert::{Alert, AlertKind, LEAST_PATIENCE, after};
use crate::domain::ids::SyncRunId;
use crate::domain::secret_warning::SecretWarning;
use crate::domain::settings::{Day, Frequency, Schedule};

/// Who is content with a run a week is content to hear of its absence a day later.
const WEEKLY_MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// A reason is for reading; what is longer is in the console.
const LONGEST_REASON: usize = 300;

/// What is known of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whose absence would be missed. An admin who switched something off knows that it does not happen, and that it goes
    /// wrong no more is no recovery.
    pub wanted: BTreeSet<AlertKind>,
    /// Of what nothing can be said at the moment: it stays as it was.
    pub resting: BTreeSet<AlertKind>,
    /// Runs that failed in a row.
    pub failures_in_row: u32,
    /// What somebody has to do.
    pub attention: Option<String>,
    /// Why the last run failed.
    pub run_error: Option<String>,
    /// The run whose removals wait, and how many.
    pub held: Option<(SyncRunId, u64)>,
    /// When runs are expected: since when none was good, and for how long none needs to be.
    pub expected: Option<Expected>,
    /// Presence is wanted, and no poll was good for ten minutes.
    pub presence: Option<Silence>,
    /// When the app's secret or certificate ends.
    pub secret_ends_at: Option<Timestamp>,
    /// Why Graph does not tell of changes: a sentence for each kind of object.
    pub lost_subscriptions: Vec<String>,
}

/// Runs that are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    /// When the last good one ended, or when they were first expected.
    pub good_at: Timestamp,
    /// From one to the next at most.
    pub patience: SignedDuration,
}

impl Expected {
    /// From when on a good run is missing.
    pub fn missing_from(self) -> Timestamp {
        after(self.good_at, self.patience)
    }
}

/// Presence that is not carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    pub last_good_at: Timestamp,
    pub reason: Option<String>,
}

/// Everything that is wrong. `failed_runs`: so many in a row are an alert.
pub(super) fn wrong(facts: &Facts, failed_runs: u32, now: Timestamp) -> BTreeMap<AlertKind, Alert> {
    let secret = facts
        .secret_ends_at
        .and_then(|end| SecretWarning::reached(end, now))
        .map(|SecretWarning { ends_at, days }| Alert::SecretEnds { ends_at, days });
    let silence = facts.presence.as_ref().map(|silence| Alert::PresenceSilent {
        last_good_at: silence.last_good_at,
        reason: silence.reason.as_deref().map(short),
    });
    let missing = facts.expected.filter(|expected| expected.missing_from() <= now);
    let alerts = [
        secret,
        failing(facts, failed_runs),
        facts
            .held
            .map(|(run, removals)| Alert::PlanHeld { run, removals }),
        missing.map(|expected| Alert::NoGoodRun {
            last_good_at: expected.good_at,
        }),
        silence,
        lost(&facts.lost_subscriptions),
    ];
    let alerts = alerts.into_iter().flatten();
    alerts
        .map(|alert| (alert.kind(), alert))
        .filter(|(kind, _)| facts.wanted.contains(kind))
        .collect()
}

fn failing(facts: &Facts, failed_runs: u32) -> Option<Alert> {
    let needs_attention = facts.attention.is_some();
    let reason = facts.attention.as_ref().or(facts.run_error.as_ref());
    (needs_attention || facts.failures_in_row >= failed_runs).then(|| Alert::SyncFailing {
        failures: facts.failures_in_row,
        needs_attention,
        reason: reason.map(|text| short(text)),
    })
}

fn lost(subscriptions: &[String]) -> Option<Alert> {
    (!subscriptions.is_empty()).then(|| Alert::SubscriptionLost {
        lost: u32::try_from(subscriptions.len()).unwrap_or(u32::MAX),
        reason: subscriptions.first().map(|text| short(text)),
    })
}

/// One line, not too long, nothing that a terminal or a mail would obey.
fn short(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().map(visible).take(LONGEST_REASON).collect();
    if text.chars().nth(LONGEST_REASON).is_some() {
        shown.push('…');
    }
    shown
}

/// How long it may take from one scheduled run to the good end of the next.
pub(super) fn patience(schedule: &Schedule) -> SignedDuration {
    match schedule.frequency {
        Frequency::Daily => LEAST_PATIENCE,
        Frequency::Weekly => SignedDuration::from_hours(24 * longest_gap(schedule)) + WEEKLY_MARGIN,
    }
}

/// Days from one chosen weekday to the next, at most.
fn longest_gap(schedule: &Schedule) -> i64 {
    const WEEK: [Day; 7] = [
        Day::Monday,
        Day::Tuesday,
        Day::Wednesday,
        Day::Thursday,
        Day::Friday,
        Day::Saturday,
        Day::Sunday,
    ];
    let chosen = (0_i64..).zip(WEEK).filter(|(_, day)| schedule.days.contains(day));
    let places: Vec<i64> = chosen.map(|(place, _)| place).collect();
    let next_week = places.first().map(|first| first + 7);
    let nexts = places.iter().copied().skip(1).chain(next_week);
    let gaps = places.iter().zip(nexts).map(|(place, next)| next - place);
    gaps.max().unwrap_or(7)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A connection on which nothing is wrong.
    pub fn well() -> Facts {
        Facts {
            wanted: AlertKind::ALL.into(),
            resting: BTreeSet::new(),
            failures_in_row: 0,
            attention: None,
            run_error: None,
            held: None,
            expected: Some(Expected {
                good_at: at(0),
                patience: SignedDuration::from_hours(26),
            }),
            presence: None,
            secret_ends_at: Some(at(90 * 24)),
            lost_subscriptions: Vec::new(),
        }
    }

    pub fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + hours * 3600).unwrap()
    }

    fn run() -> SyncRunId {
        uuid::Uuid::from_u128(1).into()
    }

    #[test]
    fn each_thing_that_is_wrong_is_one_alert() {
        type Bend = fn(&mut Facts);
        let rows: [(&str, Bend, &[AlertKind]); 12] = [
            ("nothing_is_wrong", |_| {}, &[]),
            ("one_failure_is_waited_for", |f| f.failures_in_row = 1, &[]),
            (
                "the_second_failure_is_told",
                |f| f.failures_in_row = 2,
                &[AlertKind::SyncFailing],
            ),
            (
                "what_needs_a_person_is_told_at_once",
                |f| f.attention = Some("act".into()),
                &[AlertKind::SyncFailing],
            ),
            (
                "held_removals_wait_for_a_person",
                |f| f.held = Some((run(), 7)),
                &[AlertKind::PlanHeld],
            ),
            (
                "a_good_run_a_little_late_is_no_silence",
                |f| f.expected.as_mut().unwrap().good_at = at(-25),
                &[],
            ),
            (
                "a_good_run_is_missing_after_26_hours",
                |f| f.expected.as_mut().unwrap().good_at = at(-26),
                &[AlertKind::NoGoodRun],
            ),
            (
                "presence_is_silent",
                |f| {
                    f.presence = Some(Silence {
                        last_good_at: at(-1),
                        reason: None,
                    });
                },
                &[AlertKind::PresenceSilent],
            ),
            (
                "the_secret_ends",
                |f| f.secret_ends_at = Some(at(24 * 7)),
                &[AlertKind::SecretEnds],
            ),
            (
                "the_secret_has_ended",
                |f| f.secret_ends_at = Some(at(-1)),
                &[AlertKind::SecretEnds],
            ),
            (
                "a_subscription_is_lost",
                |f| f.lost_subscriptions = vec!["403".into()],
                &[AlertKind::SubscriptionLost],
            ),
            (
                "of_a_connection_that_is_off_only_the_secret_matters",
                |f| {
                    f.wanted = [AlertKind::SecretEnds].into();
                    f.failures_in_row = 9;
                    f.held = Some((run(), 7));
                    f.secret_ends_at = Some(at(-1));
                },
                &[AlertKind::SecretEnds],
            ),
        ];
        for (name, bend, kinds) in rows {
            let mut facts = well();
            bend(&mut facts);
            let found: Vec<AlertKind> = wrong(&facts, 2, at(0)).into_keys().collect();
            assert_eq!(found, kinds, "{name}");
        }
    }

    #[test]
    fn patience_follows_the_schedule() {
        let rows: [(&[Day], i64); 4] = [
            (&[Day::Monday], 8),
            (&[Day::Monday, Day::Thursday], 5),
            (&[Day::Sunday, Day::Monday], 7),
            (&[Day::Monday, Day::Wednesday, Day::Friday], 4),
        ];
        let mut schedule = Schedule::default();
        assert_eq!(patience(&schedule), SignedDuration::from_hours(26));
        schedule.frequency = Frequency::Weekly;
        for (days, wanted) in rows {
            schedule.days = days.iter().copied().collect();
            assert_eq!(
                patience(&schedule),
                SignedDuration::from_hours(24 * wanted),
                "{days:?}"
            );
        }
    }

    #[test]
    fn a_reason_is_one_line_with_an_end() {
        let long = "a\r\nb".to_owned() + &"x".repeat(400);
        let shown = short(&long);
        assert!(shown.starts_with("a  b") && shown.chars().count() == 301 && shown.ends_with('…'));
        assert_eq!(short("plain"), "plain");
    }
}
