//! How the addresses that are told behave: those that answer slowly are told later, those that hardly answer are told
//! nothing for a while.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Shares of slow answers are judged from so many answers on; the service publishes no figure.
const JUDGED_FROM: usize = 10;

/// How fast an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Quick,
    /// After 3 s.
    Slow,
    /// After 10 s, or never.
    Lost,
}

#[derive(Default)]
struct Receiver {
    answers: VecDeque<(Timestamp, Pace)>,
    held_until: Option<Timestamp>,
    dropped_until: Option<Timestamp>,
}

/// By host and port.
#[derive(Default)]
pub struct Receivers(BTreeMap<String, Receiver>);

impl Receivers {
    /// From when something for this address may be delivered; `None`: it is discarded.
    pub fn admit(&mut self, url: &str, now: Timestamp) -> Option<Timestamp> {
        let receiver = self.0.entry(host(url)).or_default();
        if receiver.dropped_until.is_some_and(|until| until > now) {
            return None;
        }
        Some(receiver.held_until.map_or(now, |until| until.max(now)))
    }

    pub fn note(&mut self, url: &str, pace: Pace, now: Timestamp) {
        let receiver = self.0.entry(host(url)).or_default();
        receiver.answers.push_back((now, pace));
        while receiver
            .answers
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            receiver.answers.pop_front();
        }
        let all = receiver.answers.len();
        if all < JUDGED_FROM {
            return;
        }
        let slow = receiver
            .answers
            .iter()
            .filter(|(_, pace)| *pace != Pace::Quick)
            .count();
        let lost = receiver
            .answers
            .iter()
            .filter(|(_, pace)| *pace == Pace::Lost)
            .count();
        let until = now.saturating_add(WINDOW).unwrap_or(Timestamp::MAX);
        if lost * 100 > all * 15 {
            receiver.dropped_until = Some(until);
        } else if slow * 100 > all * 10 {
            receiver.held_until = Some(until);
        }
    }
}

fn host(url: &str) -> String {
    url::Url::parse(url)
        .ok()
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}
