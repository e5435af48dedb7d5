//! What of everything that is wrong is news, and when to look again. Pure; what it decides is stored before it is told.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::judge::{Facts, wrong};
use crate::domain::alert::{Alert, AlertChange, AlertKind, AlertState, News, OpenAlert, after};
use crate::domain::ids::AlertId;
use crate::domain::secret_warning::next_step;

/// Nobody is reminded of one thing more often.
const REMIND_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Somebody looks so often though nothing asks for it: a process may have died between what it did and asking for a look.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Takes what is wrong now into the state; answers what of it is to be told. `fresh` makes ids.
pub(super) fn decide(
    state: &mut AlertState,
    facts: &Facts,
    failed_runs: u32,
    now: Timestamp,
    fresh: &mut dyn FnMut() -> AlertId,
) -> Vec<News> {
    // What was told as failing is over with a run that goes well, not with more patience.
    let failing = state.open.contains_key(&AlertKind::SyncFailing);
    let mut present = wrong(facts, if failing { 1 } else { failed_runs }, now);
    let mut news = Vec::new();
    for kind in AlertKind::ALL {
        let told = match (state.open.get_mut(&kind), present.remove(&kind)) {
            (None, None) => None,
            (None, Some(alert)) => Some(raise(&mut state.open, alert, now)),
            (Some(known), Some(alert)) => still(known, alert, now),
            (Some(_), None) if facts.resting.contains(&kind) => None,
            (Some(_), None) => over(&mut state.open, kind, facts.wanted.contains(&kind)),
        };
        news.extend(told.map(|(change, open)| News {
            id: fresh(),
            change,
            since: open.since,
            alert: open.alert,
        }));
    }
    state.look_at = next_look(&state.open, facts, now);
    news
}

fn raise(
    open: &mut BTreeMap<AlertKind, OpenAlert>,
    alert: Alert,
    now: Timestamp,
) -> (AlertChange, OpenAlert) {
    let raised = OpenAlert {
        alert,
        since: now,
        told_at: now,
    };
    open.insert(raised.alert.kind(), raised.clone());
    (AlertChange::Raised, raised)
}

fn still(known: &mut OpenAlert, alert: Alert, now: Timestamp) -> Option<(AlertChange, OpenAlert)> {
    let change = if alert.is_worse_than(&known.alert) {
        AlertChange::Raised
    } else if alert.kind().reminds() && after(known.told_at, REMIND_EVERY) <= now {
        AlertChange::Reminder
    } else {
        known.alert = alert;
        return None;
    };
    known.alert = alert;
    known.told_at = now;
    Some((change, known.clone()))
}

/// What nobody wants any more is forgotten: an admin did it, and nothing has become well.
fn over(
    open: &mut BTreeMap<AlertKind, OpenAlert>,
    kind: AlertKind,
    wanted: bool,
) -> Option<(AlertChange, OpenAlert)> {
    let known = open.remove(&kind)?;
    wanted.then_some((AlertChange::Cleared, known))
}

/// What is open, for a channel that was set since: it would hear of the recovery alone.
pub(super) fn still_open(state: &AlertState, fresh: &mut dyn FnMut() -> AlertId) -> Vec<News> {
    let open = state.open.values().cloned();
    open.map(|open| News {
        id: fresh(),
        change: AlertChange::Reminder,
        since: open.since,
        alert: open.alert,
    })
    .collect()
}

fn next_look(open: &BTreeMap<AlertKind, OpenAlert>, facts: &Facts, now: Timestamp) -> Timestamp {
    let reminders = open
        .values()
        .filter(|known| known.alert.kind().reminds())
        .map(|known| after(known.told_at, REMIND_EVERY));
    let missing = facts
        .expected
        .filter(|_| !open.contains_key(&AlertKind::NoGoodRun))
        .map(super::judge::Expected::missing_from);
    let step = facts.secret_ends_at.and_then(|end| next_step(end, now));
    let earliest = reminders.chain(missing).chain(step).min();
    let latest = after(now, LOOK_EVERY);
    earliest.map_or(latest, |at| at.min(latest))
}

/// Since when runs are expected.
pub(super) fn watched_since(before: Option<Timestamp>, expected: bool, now: Timestamp) -> Option<Timestamp> {
    expected.then(|| before.unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::{at, well};
    use super::*;

    /// A story told hour by hour: what is so, and what is told.
    fn told(state: &mut AlertState, facts: &Facts, hour: i64) -> Vec<(AlertChange, AlertKind)> {
        let news = decide(state, facts, 2, at(hour), &mut || AlertId::generate(at(hour)));
        news.into_iter()
            .map(|news| (news.change, news.alert.kind()))
            .collect()
    }

    fn fresh() -> AlertState {
        AlertState::to_look_at(at(0))
    }

    #[test]
    fn failure_reminder_and_recovery_are_told_once_each() {
        use AlertChange::{Cleared, Raised, Reminder};
        let failing = Facts {
            failures_in_row: 2,
            expected: None,
            ..well()
        };
        let calm = Facts {
            expected: None,
            ..well()
        };
        let mut state = fresh();
        assert_eq!(told(&mut state, &calm, 0), []);
        let kind = AlertKind::SyncFailing;
        for (hour, facts, wanted) in [
            (1, &failing, vec![(Raised, kind)]),
            (2, &failing, vec![]),
            (24, &failing, vec![]),
            (25, &failing, vec![(Reminder, kind)]),
            (26, &failing, vec![]),
            (27, &calm, vec![(Cleared, kind)]),
            (28, &calm, vec![]),
        ] {
            assert_eq!(told(&mut state, facts, hour), wanted, "hour {hour}");
        }
    }

    #[test]
    fn what_comes_to_need_a_person_is_told_again() {
        let mut state = fresh();
        let failing = Facts {
            failures_in_row: 2,
            ..well()
        };
        let worse = Facts {
            attention: Some("the secret has expired".into()),
            ..failing.clone()
        };
        told(&mut state, &failing, 0);
        assert_eq!(
            told(&mut state, &worse, 1),
            [(AlertChange::Raised, AlertKind::SyncFailing)]
        );
        // That it needs nobody any more is no news while runs fail.
        assert_eq!(told(&mut state, &failing, 2), []);
    }

    // spec: 156
    #[test]
    fn the_end_of_a_secret_is_told_at_each_step_and_not_between() {
        let mut state = fresh();
        let facts = Facts {
            secret_ends_at: Some(at(61 * 24)),
            expected: None,
            ..well()
        };
        let days: Vec<i64> = (0..=70)
            .filter(|day| !told(&mut state, &facts, day * 24).is_empty())
            .collect();
        assert_eq!(days, [1, 31, 47, 54, 60, 61]);
        let replaced = Facts {
            secret_ends_at: Some(at(900 * 24)),
            ..facts
        };
        let cleared = [(AlertChange::Cleared, AlertKind::SecretEnds)];
        assert_eq!(told(&mut state, &replaced, 71 * 24), cleared);
    }

    #[test]
    fn switching_a_connection_off_is_no_recovery() {
        let mut state = fresh();
        let failing = Facts {
            failures_in_row: 2,
            ..well()
        };
        let off = Facts {
            wanted: [AlertKind::SecretEnds].into(),
            ..failing.clone()
        };
        told(&mut state, &failing, 0);
        assert_eq!(told(&mut state, &off, 1), []);
        assert!(state.open.is_empty());
        assert_eq!(
            told(&mut state, &failing, 2),
            [(AlertChange::Raised, AlertKind::SyncFailing)]
        );
    }

    #[test]
    fn more_patience_is_no_recovery_and_neither_is_a_rest() {
        let mut state = fresh();
        let bad = Facts {
            failures_in_row: 2,
            presence: Some(super::super::judge::Silence {
                last_good_at: at(-1),
                reason: None,
            }),
            ..well()
        };
        told(&mut state, &bad, 0);
        let three = decide(&mut state, &bad, 5, at(1), &mut || AlertId::generate(at(1)));
        assert_eq!(three, [], "failing until a run goes well");
        let evening = Facts {
            presence: None,
            resting: [AlertKind::PresenceSilent].into(),
            ..bad.clone()
        };
        assert_eq!(told(&mut state, &evening, 2), []);
        assert_eq!(told(&mut state, &bad, 3), [], "in the morning it is still so");
        let paused = Facts {
            wanted: [AlertKind::SyncFailing, AlertKind::SecretEnds].into(),
            presence: None,
            ..bad
        };
        assert_eq!(told(&mut state, &paused, 4), []);
        assert!(!state.open.contains_key(&AlertKind::PresenceSilent));
    }

    #[test]
    fn what_is_open_is_known_as_it_is_now() {
        let mut state = fresh();
        let mut failing = Facts {
            failures_in_row: 2,
            ..well()
        };
        told(&mut state, &failing, 0);
        failing.failures_in_row = 9;
        assert_eq!(told(&mut state, &failing, 1), []);
        assert!(matches!(
            state.open[&AlertKind::SyncFailing].alert,
            Alert::SyncFailing { failures: 9, .. }
        ));
    }

    #[test]
    fn the_next_look_is_at_the_next_thing_that_time_alone_makes_wrong() {
        let mut state = fresh();
        let calm = well();
        told(&mut state, &calm, 0);
        assert_eq!(state.look_at, at(24));
        told(&mut state, &calm, 24);
        assert_eq!(state.look_at, at(26));
        assert_eq!(
            told(&mut state, &calm, 26),
            [(AlertChange::Raised, AlertKind::NoGoodRun)]
        );
        assert_eq!(state.look_at, at(26 + 24));
    }

    #[test]
    fn runs_are_expected_from_when_they_may_run() {
        assert_eq!(watched_since(None, true, at(5)), Some(at(5)));
        assert_eq!(watched_since(Some(at(1)), true, at(5)), Some(at(1)));
        assert_eq!(watched_since(Some(at(1)), false, at(5)), None);
    }
}
