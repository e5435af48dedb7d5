//! Whatever happens to a connection and wherever its attendant is cut: everything is told at least once on each channel, and
//! nobody hears of a recovery who has not heard of the failure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::decide::decide;
use super::judge::tests::{at, well};
use super::judge::{Facts, Silence};
use super::outbox::{ATTENDANCE, Errand, Told, in_order, put, settle, take_up};
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

/// What a connection is like from one moment to the next.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Moment {
    failures: u32,
    attention: bool,
    held: bool,
    silent: bool,
    lost: bool,
    off: bool,
    /// Until the next.
    minutes: i64,
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

fn moment() -> impl Strategy<Value = Moment> {
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
    (facts, 0_i64..100, cut(), down).prop_map(
        |((failures, attention, held, silent, lost, off), minutes, cut, down)| Moment {
            failures,
            attention,
            held,
            silent,
            lost,
            off,
            minutes,
            cut,
            down,
        },
    )
}

fn facts(moment: &Moment) -> Facts {
    Facts {
        wanted: if moment.off {
            [AlertKind::SecretEnds].into()
        } else {
            AlertKind::ALL.into()
        },
        failures_in_row: moment.failures,
        attention: moment.attention.then(|| "act".to_owned()),
        held: moment.held.then(|| (uuid::Uuid::from_u128(1).into(), 3)),
        presence: moment.silent.then(|| Silence {
            last_good_at: at(0),
            reason: None,
        }),
        lost_subscriptions: moment.lost.then(|| "403".to_owned()).into_iter().collect(),
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
    heard: BTreeMap<AlertChannel, Vec<News>>,
    next_id: u128,
}

impl World {
    /// Something happened, so somebody is asked to look.
    fn ask(&mut self, now: Timestamp) {
        if let Some(state) = &mut self.stored {
            state.look_at = state.look_at.min(now);
        }
    }

    /// What was heard on a channel, each piece of news where it was heard first.
    fn first_heard(&self, channel: AlertChannel) -> Vec<AlertId> {
        let mut known = BTreeSet::new();
        let heard = self.heard.get(&channel).into_iter().flatten();
        heard.map(|news| news.id).filter(|id| known.insert(*id)).collect()
    }

    fn attend(&mut self, moment: &Moment, now: Timestamp) {
        let mut state = self.stored.clone().unwrap_or_else(|| AlertState::to_look_at(now));
        if state.due_at() > now {
            return;
        }
        let mut errands = Vec::new();
        take_up(&mut state, &mut errands, now);
        let mut next_id = self.next_id;
        let mut fresh = || {
            next_id += 1;
            uuid::Uuid::from_u128(next_id).into()
        };
        let channels = BTreeSet::from([AlertChannel::Webhook, AlertChannel::Email]);
        let news = decide(&mut state, &facts(moment), 2, now, &mut fresh);
        let displaced = put(&mut state, fresh(), news.clone(), &channels, now);
        assert!(displaced.is_empty(), "no story is as long as that");
        take_up(&mut state, &mut errands, now);
        self.next_id = next_id;
        if moment.cut == Cut::BeforeTheWrite {
            return;
        }
        self.decided.extend(news);
        self.stored = Some(state.clone());
        if moment.cut == Cut::BeforeTelling {
            return;
        }
        let results = self.tell(&state, errands, &moment.down);
        if moment.cut == Cut::AfterTelling {
            return;
        }
        for (errand, told) in &results {
            settle(&mut state, (errand, told), now);
        }
        self.stored = Some(state);
    }

    fn tell(
        &mut self,
        state: &AlertState,
        errands: Vec<Errand>,
        down: &BTreeSet<AlertChannel>,
    ) -> Vec<(Errand, Told)> {
        let mut results = Vec::new();
        for errand in in_order(errands) {
            if down.contains(&errand.channel) {
                results.push((errand, Told::not_yet("down")));
                continue;
            }
            let mut messages = state.outbox.iter();
            let message = messages
                .find(|message| message.id == errand.message)
                .expect("taken up from it");
            let heard = self.heard.entry(errand.channel).or_default();
            heard.extend(message.news.iter().cloned());
            results.push((errand, Told::Over));
        }
        results
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn everything_is_told_at_least_once_and_in_its_order_on_each_channel(
        moments in prop::collection::vec(moment(), 1..30),
    ) {
        let mut world = World::default();
        let mut now = at(0);
        for moment in &moments {
            world.ask(now);
            world.attend(moment, now);
            now = after(now, SignedDuration::from_mins(moment.minutes));
            // The clock ticks in between, too, and finds what is due.
            world.attend(moment, now);
        }
        // Afterwards nothing changes any more, and everything works.
        let last = Moment { cut: Cut::Nowhere, down: BTreeSet::new(), ..moments.last().cloned().unwrap() };
        for _ in 0..200 {
            now = after(now, ATTENDANCE);
            world.attend(&last, now);
        }
        prop_assert!(world.stored.as_ref().is_none_or(|state| state.outbox.is_empty()));
        let decided: Vec<AlertId> = world.decided.iter().map(|news| news.id).collect();
        for channel in [AlertChannel::Webhook, AlertChannel::Email] {
            prop_assert_eq!(&world.first_heard(channel), &decided, "{:?}", channel);
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
    fn an_attendance_without_news_tells_nothing(moment in moment()) {
        let mut world = World::default();
        let calm = Moment { cut: Cut::Nowhere, down: BTreeSet::new(), ..moment };
        world.attend(&calm, at(0));
        let told = world.decided.len();
        for minute in 1..30 {
            world.attend(&calm, after(at(0), SignedDuration::from_mins(minute)));
        }
        prop_assert_eq!(world.decided.len(), told);
        prop_assert!(world.stored.unwrap().outbox.is_empty());
    }
}
