//! What waits to be told. Something is struck off only after it was told, or after a day in vain. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::alert::{AlertChange, AlertChannel, AlertMessage, AlertState, News, Tries, after};
use crate::domain::ids::AlertId;

/// How long an attendant has before another may try the same: mail through a slow PBX takes half a minute each.
pub(super) const ATTENDANCE: SignedDuration = SignedDuration::from_mins(5);
/// After so long a message is of no use to anybody: what still is so is told again by then.
const WORTH_TELLING: SignedDuration = SignedDuration::from_hours(24);
/// Until the first repetition, doubled with each failure.
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(1);
/// Most messages that wait: what flaps for a day while a channel is down must not outgrow the item.
const MOST: usize = 50;

/// One message on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Errand {
    pub channel: AlertChannel,
    pub message: AlertId,
}

/// What became of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Done, or of no use any more.
    Over,
    /// Not yet, or not to everybody.
    NotYet {
        /// Because of this.
        problem: String,
        /// Mail addresses that have it all the same.
        served: BTreeSet<String>,
    },
}

impl Told {
    /// To nobody, because of this.
    pub fn not_yet(problem: impl Into<String>) -> Self {
        Self::NotYet {
            problem: problem.into(),
            served: BTreeSet::new(),
        }
    }
}

/// Puts news into the outbox, as one message. History gets what began or ended; somebody is told everything. Answers what
/// had to give way: the oldest that wait.
pub(super) fn put(
    state: &mut AlertState,
    id: AlertId,
    news: Vec<News>,
    channels: &BTreeSet<AlertChannel>,
    now: Timestamp,
) -> Vec<AlertMessage> {
    let for_history = news.iter().any(|news| news.change != AlertChange::Reminder);
    let history = for_history.then_some(AlertChannel::History);
    let waiting: std::collections::BTreeMap<_, _> = channels
        .iter()
        .copied()
        .chain(history)
        .map(|channel| (channel, first_try(now)))
        .collect();
    if news.is_empty() || waiting.is_empty() {
        return Vec::new();
    }
    state.outbox.push(AlertMessage {
        id,
        at: now,
        news,
        waiting,
    });
    let beyond = state.outbox.len().saturating_sub(MOST);
    state.outbox.drain(..beyond).collect()
}

fn first_try(now: Timestamp) -> Tries {
    Tries {
        failed: 0,
        next_at: now,
        problem: None,
        served: BTreeSet::new(),
    }
}

/// Takes up what is due, beside what this attendant has already: nobody else tries it for as long as an attendance. On each
/// channel oldest first, and nothing before what came earlier: no recovery is heard of before its failure.
pub(super) fn take_up(state: &mut AlertState, errands: &mut Vec<Errand>, now: Timestamp) {
    let mut blocked = BTreeSet::new();
    for message in &mut state.outbox {
        for (channel, tries) in &mut message.waiting {
            let errand = Errand {
                channel: *channel,
                message: message.id,
            };
            if blocked.contains(channel) || errands.contains(&errand) {
                continue;
            }
            if tries.next_at > now {
                blocked.insert(*channel);
                continue;
            }
            tries.next_at = after(now, ATTENDANCE);
            errands.push(errand);
        }
    }
}

/// In the order in which they are run: channel by channel, and on each in the order of the outbox.
pub(super) fn in_order(mut errands: Vec<Errand>) -> Vec<Errand> {
    errands.sort_by_key(|errand| errand.channel);
    errands
}

/// Whether a try that failed now was the last one.
pub(super) fn is_given_up(message: &AlertMessage, now: Timestamp) -> bool {
    after(message.at, WORTH_TELLING) <= now
}

/// Notes what became of an errand.
pub(super) fn settle(state: &mut AlertState, (errand, told): (&Errand, &Told), now: Timestamp) {
    let found = state
        .outbox
        .iter_mut()
        .find(|message| message.id == errand.message);
    if let Some(message) = found {
        match told {
            Told::Over => {
                message.waiting.remove(&errand.channel);
            }
            Told::NotYet { problem, served } => {
                if let Some(tries) = message.waiting.get_mut(&errand.channel) {
                    tries.served.extend(served.iter().cloned());
                    tries.next_at = after(now, back_off(tries.failed));
                    tries.failed = tries.failed.saturating_add(1);
                    tries.problem = Some(problem.clone());
                }
            }
        }
    }
    state.outbox.retain(|message| !message.waiting.is_empty());
}

fn back_off(failed: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(failed.min(10)).unwrap_or(i32::MAX);
    FIRST_RETRY
        .checked_mul(factor)
        .map_or(LONGEST_RETRY, |wait| wait.min(LONGEST_RETRY))
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::at;
    use super::*;
    use crate::domain::alert::Alert;

    fn id(n: u128) -> AlertId {
        uuid::Uuid::from_u128(n).into()
    }

    fn news(change: AlertChange) -> News {
        News {
            id: id(9),
            change,
            since: at(0),
            alert: Alert::NoGoodRun { last_good_at: at(0) },
        }
    }

    fn with(channels: &[AlertChannel], change: AlertChange) -> AlertState {
        let mut state = AlertState::to_look_at(at(1_000));
        put(
            &mut state,
            id(1),
            vec![news(change)],
            &channels.iter().copied().collect(),
            at(0),
        );
        state
    }

    #[test]
    fn history_has_what_began_or_ended_and_reminders_are_for_channels_alone() {
        let raised = with(&[], AlertChange::Raised);
        assert_eq!(
            raised.outbox[0].waiting.keys().collect::<Vec<_>>(),
            [&AlertChannel::History]
        );
        assert!(with(&[], AlertChange::Reminder).outbox.is_empty());
        let reminder = with(&[AlertChannel::Webhook], AlertChange::Reminder);
        assert_eq!(
            reminder.outbox[0].waiting.keys().collect::<Vec<_>>(),
            [&AlertChannel::Webhook]
        );
    }

    #[test]
    fn what_is_taken_up_is_nobody_elses_until_the_attendance_ends() {
        let mut state = with(&[AlertChannel::Webhook], AlertChange::Raised);
        let first = taken_up(&mut state, at(0));
        let channels: Vec<AlertChannel> = first.iter().map(|errand| errand.channel).collect();
        assert_eq!(channels, [AlertChannel::History, AlertChannel::Webhook]);
        assert!(taken_up(&mut state, at(0)).is_empty());
        // Whoever took it up died.
        assert_eq!(taken_up(&mut state, after(at(0), ATTENDANCE)), first);
    }

    #[test]
    fn on_a_channel_nothing_is_told_before_what_came_earlier() {
        let channels = BTreeSet::from([AlertChannel::Webhook]);
        let mut state = with(&[AlertChannel::Webhook], AlertChange::Raised);
        let failed: Vec<_> = taken_up(&mut state, at(0))
            .into_iter()
            .map(|errand| (errand, Told::not_yet("down")))
            .collect();
        settle_all(&mut state, &failed, at(0));
        let in_a_minute = after(at(0), FIRST_RETRY);
        put(
            &mut state,
            id(2),
            vec![news(AlertChange::Cleared)],
            &channels,
            at(0),
        );
        assert!(taken_up(&mut state, at(0)).is_empty());
        assert_eq!(state.due_at(), in_a_minute);
        let both: Vec<AlertId> = in_order(taken_up(&mut state, in_a_minute))
            .into_iter()
            .filter(|errand| errand.channel == AlertChannel::Webhook)
            .map(|errand| errand.message)
            .collect();
        assert_eq!(both, [id(1), id(2)]);
    }

    fn settle_all(state: &mut AlertState, results: &[(Errand, Told)], now: Timestamp) {
        for (errand, told) in results {
            settle(state, (errand, told), now);
        }
    }

    fn taken_up(state: &mut AlertState, now: Timestamp) -> Vec<Errand> {
        let mut errands = Vec::new();
        take_up(state, &mut errands, now);
        errands
    }

    #[test]
    fn one_channel_that_fails_keeps_the_message_for_itself_alone_and_waits_longer_each_time() {
        let mut state = with(&[AlertChannel::Webhook], AlertChange::Raised);
        let errands = taken_up(&mut state, at(0));
        let results: Vec<(Errand, Told)> = errands
            .into_iter()
            .map(|errand| match errand.channel {
                AlertChannel::History => (errand, Told::Over),
                _ => (errand, Told::not_yet("HTTP status 500")),
            })
            .collect();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            settle_all(&mut state, &results, now);
            let tries = &state.outbox[0].waiting[&AlertChannel::Webhook];
            waits.push(tries.next_at.duration_since(now).as_mins());
            now = tries.next_at;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(state.due_at(), now);
        assert!(!is_given_up(&state.outbox[0], at(23)) && is_given_up(&state.outbox[0], at(24)));
        let over: Vec<_> = results
            .into_iter()
            .map(|(errand, _)| (errand, Told::Over))
            .collect();
        settle_all(&mut state, &over, now);
        assert!(state.outbox.is_empty());
    }

    #[test]
    fn the_outbox_has_an_end() {
        let mut state = AlertState::to_look_at(at(0));
        let mut gone = 0;
        for n in 0..60 {
            let news = vec![news(AlertChange::Raised)];
            gone += put(
                &mut state,
                id(n),
                news,
                &BTreeSet::from([AlertChannel::Webhook]),
                at(0),
            )
            .len();
        }
        assert_eq!((state.outbox.len(), state.outbox[0].id, gone), (MOST, id(10), 10));
    }
}
