//! Counts of what became of notifications. A flood of forged words must not become a flood of log lines.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use shared::changes::Taken;
use shared::metrics::NOTIFICATIONS;

/// Between two lines of the log about notifications.
const LINES_APART: Duration = Duration::from_secs(10);

/// Why an item was not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its secret word is none of ours.
    Forged,
    /// Its word is right, but it names no subscription, tenant or object.
    Unreadable,
    /// It tells of an event that is not known here.
    Unknown,
}

/// How many items met which end since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// With a forged or missing secret word.
    pub forged: u64,
    /// With a right word, and unreadable otherwise.
    pub unreadable: u64,
    /// Of unknown events.
    pub unknown: u64,
    /// Of no subscription of ours, or of another tenant.
    pub foreign: u64,
    /// Verified, and stored where they mattered.
    pub accepted: u64,
    /// Of those: stored for a run, or for a look.
    pub noted: u64,
    /// Of those: waiting already.
    pub known: u64,
    /// Of those: of no concern.
    pub irrelevant: u64,
    /// Verified, but not stored; Graph comes again with them.
    pub not_stored: u64,
}

impl Tally {
    /// Counts an item that was not listened to.
    pub fn refuse(&mut self, why: Refused) {
        match why {
            Refused::Forged => self.forged += 1,
            Refused::Unreadable => self.unreadable += 1,
            Refused::Unknown => self.unknown += 1,
        }
    }

    /// Counts verified items that were stored where they mattered.
    pub fn accept(&mut self, taken: &Taken) {
        let Taken {
            noted,
            known,
            foreign,
            irrelevant,
        } = *taken;
        self.noted = noted as u64;
        self.known = known as u64;
        self.foreign = foreign as u64;
        self.irrelevant = irrelevant as u64;
        self.accepted = self.noted + self.known + self.irrelevant;
    }

    fn refused(&self) -> u64 {
        self.forged + self.unreadable + self.foreign
    }

    fn add(&mut self, other: &Self) {
        let Self {
            forged,
            unreadable,
            unknown,
            foreign,
            accepted,
            noted,
            known,
            irrelevant,
            not_stored,
        } = other;
        self.forged += forged;
        self.unreadable += unreadable;
        self.unknown += unknown;
        self.foreign += foreign;
        self.accepted += accepted;
        self.noted += noted;
        self.known += known;
        self.irrelevant += irrelevant;
        self.not_stored += not_stored;
    }

    /// What came since `told`, as one line.
    fn tell(&self, told: &Self) {
        macro_rules! line {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    target: NOTIFICATIONS.target,
                    {
                        noted = self.noted - told.noted,
                        known = self.known - told.known,
                        irrelevant = self.irrelevant - told.irrelevant,
                        foreign = self.foreign - told.foreign,
                        forged = self.forged - told.forged,
                        unreadable = self.unreadable - told.unreadable,
                        unknown = self.unknown - told.unknown,
                        not_stored = self.not_stored - told.not_stored,
                    },
                    $message
                )
            };
        }
        if self.refused() > told.refused() {
            line!(warn, "notifications were refused");
        } else {
            line!(info, "notifications came in");
        }
    }
}

#[derive(Default)]
struct Book {
    total: Tally,
    told: Tally,
    told_at: Option<Timestamp>,
}

/// The counts of a process.
#[derive(Default)]
pub struct Counters(Mutex<Book>);

impl Counters {
    /// Adds the counts of one request, and tells of all that came from time to time.
    pub fn add(&self, request: &Tally, now: Timestamp) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.total.add(request);
        let due = book
            .told_at
            .is_none_or(|told| told.checked_add(LINES_APART).is_ok_and(|next| next <= now));
        let (total, told) = (book.total, book.told);
        // What strangers send can be a flood, so it is told of from time to time. What was proven costs a write anyway, and
        // the process may end after it.
        let proven = request.accepted + request.foreign + request.not_stored > 0;
        if total == told || !(due || proven) {
            return;
        }
        total.tell(&told);
        book.told = total;
        book.told_at = Some(now);
    }

    /// The counts so far.
    pub fn total(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::logs::{Logs, all_metrics_of};

    use super::*;

    fn told(counters: &Counters) -> u64 {
        counters.0.lock().unwrap().told.forged
    }

    #[test]
    fn a_flood_is_told_in_few_lines_and_its_end_by_whatever_comes_next() {
        let counters = Counters::default();
        let forged = Tally {
            forged: 1,
            ..Tally::default()
        };
        let start = Timestamp::UNIX_EPOCH;
        for _ in 0..1_000 {
            counters.add(&forged, start);
        }
        assert_eq!((told(&counters), counters.total().forged), (1, 1_000));
        let next = start.checked_add(LINES_APART).unwrap();
        counters.add(&Tally::default(), next);
        assert_eq!(told(&counters), 1_000);
    }

    #[test]
    fn what_came_in_is_told_in_numbers_that_add_up() {
        let logs = Logs::of_function("stack-graph-notifications");
        let counters = Counters::default();
        let taken = Taken {
            noted: 2,
            known: 1,
            ..Taken::default()
        };
        let mut request = Tally::default();
        request.accept(&taken);
        let start = Timestamp::UNIX_EPOCH;
        counters.add(&request, start);
        let metrics = all_metrics_of(&NOTIFICATIONS, &logs.line("notifications came in"));
        assert_eq!((metrics["noted"], metrics["forged"]), (2.0, 0.0));

        // Strangers are told of from time to time, and with whatever was proven, which is told at once.
        let forged = Tally {
            forged: 7,
            ..Tally::default()
        };
        counters.add(&forged, start);
        assert_eq!(logs.lines().len(), 1);
        counters.add(&request, start);
        let metrics = all_metrics_of(&NOTIFICATIONS, &logs.line("notifications were refused"));
        assert_eq!(
            (metrics["noted"], metrics["known"], metrics["forged"]),
            (2.0, 1.0, 7.0)
        );
    }
}
