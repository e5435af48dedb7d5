//! Whatever happens to a connection and wherever its attendant is cut: everything is told at least once on each channel, and
//! nobody hears of a recovery who has not heard of the failure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::decide::decide;
use super::judge::tests::{at, well};
use super::judge::{Facts, Silence};
use super::outbox::{ATTENDANCE, Errand, Told, put, settle, take_up};
use crate::domain::alert::{AlertChange, AlertChannel, AlertKind, AlertState, News, after};
use crate::domain::ids::AlertId;

/// Where an attendance is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    BeforeTheWrite,
    BeforeTelling,
    AfterTelling,
}

/// One hour of a connection's life.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Hour {
    failures: u32,
    attention: bool,
    held: bool,
    silent: bool,
    lost: bool,
    off: bool,
    cut: Cut,
    /// Channels that do not work.
    down: BTreeSet<AlertChannel>,
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        4 => Just(Cut::Nowhere),
        1 => Just(Cut::BeforeTheWrite),
        1 => Just(Cut::BeforeTelling),
        1 => Just(Cut::AfterTelling),
    ]
}

fn hour() -> impl Strategy<Value = Hour> {
    let down = prop::collection::btree_set(
        prop_oneof![Just(AlertChannel::Webhook), Just(AlertChannel::Email)],
        0..2,
    );
    let facts = (
        0_u32..4,
        prop::bool::weighted(0.2),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.1),
    );
    (facts, cut(), down).prop_map(
        |((failures, attention, held, silent, lost, off), cut, down)| Hour {
            failures,
            attention,
            held,
            silent,
            lost,
            off,
            cut,
            down,
        },
    )
}

fn facts(hour: &Hour) -> Facts {
    Facts {
        on: !hour.off,
        failures_in_row: hour.failures,
        attention: hour.attention.then(|| "act".to_owned()),
        held: hour.held.then(|| (uuid::Uuid::from_u128(1).into(), 3)),
        presence: hour.silent.then(|| Silence {
            last_good_at: at(0),
            reason: None,
        }),
        lost_subscriptions: hour.lost.then(|| "403".to_owned()).into_iter().collect(),
        expected: None,
        ..well()
    }
}

/// What the world has seen.
#[derive(Default)]
struct World {
    stored: Option<AlertState>,
    /// What was decided and stored, in its order.
    decided: Vec<News>,
    heard: BTreeMap<AlertChannel, Vec<AlertId>>,
    next_id: u128,
}

impl World {
    fn attend(&mut self, hour: &Hour, now: Timestamp) {
        let mut state = self.stored.clone().unwrap_or_else(|| AlertState::to_look_at(now));
        let mut errands = take_up(&mut state, now);
        let mut next_id = self.next_id;
        let mut fresh = || {
            next_id += 1;
            uuid::Uuid::from_u128(next_id).into()
        };
        let channels = BTreeSet::from([AlertChannel::Webhook, AlertChannel::Email]);
        let news = decide(&mut state, &facts(hour), 2, now, &mut fresh);
        put(&mut state, fresh(), news.clone(), &channels, now);
        errands.extend(take_up(&mut state, now));
        self.next_id = next_id;
        if hour.cut == Cut::BeforeTheWrite {
            return;
        }
        self.decided.extend(news);
        self.stored = Some(state.clone());
        if hour.cut == Cut::BeforeTelling {
            return;
        }
        let results = self.tell(&state, errands, &hour.down);
        if hour.cut == Cut::AfterTelling {
            return;
        }
        settle(&mut state, &results, now);
        self.stored = Some(state);
    }

    fn tell(
        &mut self,
        state: &AlertState,
        mut errands: Vec<Errand>,
        down: &BTreeSet<AlertChannel>,
    ) -> Vec<(Errand, Told)> {
        errands.sort();
        let mut results = Vec::new();
        for errand in errands {
            if down.contains(&errand.channel) {
                results.push((errand, Told::NotYet("down".to_owned())));
                continue;
            }
            let mut messages = state.outbox.iter();
            let message = messages
                .find(|message| message.id == errand.message)
                .expect("taken up from it");
            let ids = message.news.iter().map(|news| news.id);
            self.heard.entry(errand.channel).or_default().extend(ids);
            results.push((errand, Told::Over));
        }
        results
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn everything_is_told_at_least_once_and_no_recovery_without_its_failure(
        hours in prop::collection::vec(hour(), 1..30),
    ) {
        let mut world = World::default();
        for (n, hour) in (0..).zip(&hours) {
            world.attend(hour, at(n));
        }
        // Afterwards nothing changes any more, and everything works.
        let last = Hour { cut: Cut::Nowhere, down: BTreeSet::new(), ..hours.last().cloned().unwrap() };
        for n in (0..).take(3) {
            let hours = i64::try_from(hours.len()).unwrap();
            world.attend(&last, after(at(hours + n), ATTENDANCE));
        }
        for channel in [AlertChannel::Webhook, AlertChannel::Email] {
            let heard: BTreeSet<AlertId> = world.heard.get(&channel).into_iter().flatten().copied().collect();
            for news in &world.decided {
                prop_assert!(heard.contains(&news.id), "{channel:?} never heard {news:?}");
            }
        }
        let mut open: BTreeSet<AlertKind> = BTreeSet::new();
        for news in &world.decided {
            let kind = news.alert.kind();
            match news.change {
                AlertChange::Raised => { open.insert(kind); }
                AlertChange::Reminder => prop_assert!(open.contains(&kind)),
                AlertChange::Cleared => prop_assert!(open.remove(&kind)),
            }
        }
    }

    #[test]
    fn an_attendance_without_news_tells_nothing(hour in hour()) {
        let mut world = World::default();
        let calm = Hour { cut: Cut::Nowhere, down: BTreeSet::new(), ..hour };
        world.attend(&calm, at(0));
        let told = world.decided.len();
        for minute in 1..30 {
            world.attend(&calm, after(at(0), SignedDuration::from_mins(minute)));
        }
        prop_assert_eq!(world.decided.len(), told);
        prop_assert!(world.stored.unwrap().outbox.is_empty());
    }
}
