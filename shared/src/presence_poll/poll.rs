//! One message of the presence queue. One poll of a connection at a time: whoever moves its due time has it, and one that
//! dies leaves it to the next.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;
use uuid::Uuid;

use super::Poller;
use super::failure::Failure;
use super::round::{Outcome, Round};
use crate::deadline::Deadline;
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::metrics::PRESENCE;
use crate::ports::SideError;
use crate::store::{
    PollCounts, PollHolder, PollReport, PresenceProblem, PresenceWork, Roster, Store, StoreError, later,
};

/// How long a poll is left alone after its last sign of life: less than the time to the next one.
const HOLD: Duration = Duration::from_secs(45);
/// How often it gives a sign: two may be lost.
const SIGN_EVERY: Duration = Duration::from_secs(15);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollEnd {
    /// Somebody else was faster, or there is nothing to do.
    NothingDue,
    /// A poll of this connection is under way.
    HeldByAnother,
    /// Presence is switched off, or the connection is.
    Off,
    /// Outside office hours, which begin again then.
    Closed(Timestamp),
    /// It was good.
    Polled(PollCounts),
    /// It was not; the connection says why.
    Failed(PollCounts),
}

/// The message could not be dealt with. What was begun, the next poll clears up.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection's settings make no client.
    #[error("the connection cannot be used: {0}")]
    Sides(#[from] SideError),
    /// Another poll took the connection over.
    #[error("the poll gave no sign of life for too long, and another one took over")]
    Lost,
}

/// Polls the presence of one connection, if that is due. No more is begun once `deadline` has passed. Every line that is
/// logged meanwhile names the connection.
pub async fn poll_due(
    poller: &Poller,
    connection: ConnectionId,
    deadline: &Deadline,
) -> Result<PollEnd, PollError> {
    let span = tracing::error_span!("poll", connection.id = %connection);
    poll_claimed(poller, connection, deadline).instrument(span).await
}

async fn poll_claimed(
    poller: &Poller,
    connection: ConnectionId,
    deadline: &Deadline,
) -> Result<PollEnd, PollError> {
    let claimed = match claim(poller, connection).await? {
        Ok(claimed) => claimed,
        Err(end) => return Ok(end),
    };
    let claim = &claimed;
    // Boxed: the whole poll is in it.
    let work = Box::pin(claim.work(poller, deadline));
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = claim.keep(poller) => Err(PollError::Lost),
    };
    match outcome {
        Ok(outcome) => claim.finish(poller, outcome).await,
        Err(PollError::Lost) => Err(PollError::Lost),
        Err(error) => {
            claim.give_back(&poller.engine.store).await;
            Err(error)
        }
    }
}

/// A poll that is ours to do.
struct Claimed {
    connection: ConnectionId,
    name: String,
    began_at: Timestamp,
    work: PresenceWork,
}

async fn claim(poller: &Poller, connection: ConnectionId) -> Result<Result<Claimed, PollEnd>, StoreError> {
    let store = &poller.engine.store;
    let now = poller.engine.clock.now();
    let Some(read) = store.presence_work(connection).await? else {
        return Ok(Err(PollEnd::NothingDue));
    };
    let mut work = read.value;
    let Some(due) = work.due_at.filter(|due| *due <= now) else {
        return Ok(Err(PollEnd::NothingDue));
    };
    if work.holder.as_ref().is_some_and(|holder| holder.until > now) {
        return Ok(Err(PollEnd::HeldByAnother));
    }
    let name = Uuid::new_v4().to_string();
    work.holder = Some(PollHolder {
        name: name.clone(),
        until: later(now, HOLD),
    });
    // Counted from the due time, so that a step of the scheduler is not lost with every poll; one that is late
    // does not bring two in a row.
    work.due_at = Some(later(due, poller.every).max(later(now, poller.every / 2)));
    if !store
        .save_presence_work(connection, &work, Some(read.version))
        .await?
    {
        return Ok(Err(PollEnd::HeldByAnother));
    }
    Ok(Ok(Claimed {
        connection,
        name,
        began_at: now,
        work,
    }))
}

impl Claimed {
    async fn work(&self, poller: &Poller, deadline: &Deadline) -> Result<Outcome, PollError> {
        let store = &poller.engine.store;
        let Some(whole) = store.whole_connection(self.connection).await? else {
            return Ok(Outcome::Gone);
        };
        let round = Round {
            poller,
            work: &self.work,
            connection: whole.connection,
            settings: whole.settings,
            secrets: whole.secrets,
            deadline,
        };
        round.run().await
    }

    /// Returns when the poll is another's.
    async fn keep(&self, poller: &Poller) {
        loop {
            // The process's own life is measured here, whatever clock the work is on.
            tokio::time::sleep(SIGN_EVERY).await;
            let until = later(poller.engine.clock.now(), HOLD);
            let store = &poller.engine.store;
            let kept = store.change_presence_work(self.connection, |work| {
                if let Some(holder) = self.hold_of(work) {
                    holder.until = until;
                }
            });
            match kept.await {
                Ok(Some(work)) if self.holds(&work) => {}
                Ok(_) => return,
                // It holds until it runs out; the next sign may get through.
                Err(error) => {
                    tracing::warn!(connection.id = %self.connection, error = %error, "a poll could not give a sign of life");
                }
            }
        }
    }

    fn holds(&self, work: &PresenceWork) -> bool {
        work.holder
            .as_ref()
            .is_some_and(|holder| holder.name == self.name)
    }

    fn hold_of<'a>(&self, work: &'a mut PresenceWork) -> Option<&'a mut PollHolder> {
        work.holder.as_mut().filter(|holder| holder.name == self.name)
    }

    async fn give_back(&self, store: &Store) {
        let given = store.change_presence_work(self.connection, |work| {
            if self.hold_of(work).is_some() {
                work.holder = None;
            }
        });
        if let Err(error) = given.await {
            tracing::warn!(connection.id = %self.connection, error = %error, "a poll could not be given back; it runs out");
        }
    }

    async fn finish(&self, poller: &Poller, outcome: Outcome) -> Result<PollEnd, PollError> {
        let store = &poller.engine.store;
        if outcome == Outcome::Gone {
            store.drop_presence_work(self.connection).await?;
            return Ok(PollEnd::NothingDue);
        }
        let ended = Ended {
            claim: self,
            now: poller.engine.clock.now(),
            every: poller.every,
        };
        let stored = store.change_presence_work(self.connection, |work| {
            if self.hold_of(work).is_some() {
                ended.note(work, &outcome);
            }
        });
        let stored = stored.await?;
        self.tell(&outcome, stored.as_ref(), ended.now);
        let silent = stored.as_ref().and_then(|work| work.alert_since);
        if silent.is_some() != self.work.alert_since.is_some() {
            store
                .ask_for_alerts(self.connection, poller.engine.clock.now())
                .await;
        }
        Ok(match outcome {
            Outcome::Gone => PollEnd::NothingDue,
            Outcome::Off => PollEnd::Off,
            Outcome::Closed(until) => PollEnd::Closed(until),
            Outcome::Polled {
                counts,
                failure: None,
                ..
            } => PollEnd::Polled(counts),
            Outcome::Polled { counts, .. } => PollEnd::Failed(counts),
        })
    }

    /// One line for a poll that did something, and one each when trouble and silence begin and end.
    fn tell(&self, outcome: &Outcome, stored: Option<&PresenceWork>, now: Timestamp) {
        let Outcome::Polled { counts, failure, .. } = outcome else {
            return;
        };
        // A poll that found nothing to do, which is nearly every one, has no line of its own.
        if counts.changed + counts.written + counts.failed > 0 || failure.is_some() {
            let duration_ms = now.duration_since(self.began_at).as_millis();
            tracing::info!(
                target: PRESENCE.target,
                {
                    connection.id = %self.connection,
                    people = counts.people,
                    known = counts.known,
                    changed = counts.changed,
                    written = counts.written,
                    failed = counts.failed,
                    failed_polls = u64::from(failure.is_some()),
                    duration_ms = u64::try_from(duration_ms).unwrap_or_default(),
                },
                "presence was polled"
            );
        }
        let known = self
            .work
            .problem
            .as_ref()
            .map(|problem| problem.sentence.as_str());
        if let Some(failure) = failure
            .as_ref()
            .filter(|failure| known != Some(failure.sentence.as_str()))
        {
            tracing::warn!(connection.id = %self.connection, error = failure.sentence, "presence could not be carried");
        }
        match (self.work.alert_since, stored.and_then(|work| work.alert_since)) {
            (None, Some(_)) => warn_of_silence(self.connection),
            (Some(_), None) => tracing::info!(connection.id = %self.connection, "presence is carried again"),
            _ => {}
        }
    }
}

/// What is written down of a poll that ended.
struct Ended<'a> {
    claim: &'a Claimed,
    now: Timestamp,
    every: Duration,
}

impl Ended<'_> {
    fn note(&self, work: &mut PresenceWork, outcome: &Outcome) {
        work.holder = None;
        match outcome {
            Outcome::Gone => {}
            Outcome::Off => {
                work.wanted_since = None;
                work.due_at = None;
                (work.problem, work.alert_since, work.closed_until) = (None, None, None);
                work.failures_in_row = 0;
            }
            Outcome::Closed(until) => {
                work.closed_until = Some(*until);
                work.alert_since = None;
                self.due(work, Some(*until));
            }
            Outcome::Polled {
                counts,
                roster,
                failure,
            } => {
                if let Some(roster) = roster {
                    self.seat(work, roster);
                }
                work.last = Some(PollReport {
                    began_at: self.claim.began_at,
                    ended_at: self.now,
                    counts: *counts,
                });
                match failure {
                    None => self.good(work),
                    Some(failure) => self.bad(work, failure),
                }
            }
        }
    }

    /// Somebody decided about people meanwhile: about them everything is still to be made out.
    fn seat(&self, work: &mut PresenceWork, roster: &Roster) {
        let taken: &BTreeSet<EntraUserId> = &self.claim.work.touched;
        if work.roster == self.claim.work.roster {
            work.roster = Some(roster.clone());
            work.touched.retain(|user| !taken.contains(user));
        }
    }

    fn good(&self, work: &mut PresenceWork) {
        work.last_good_at = Some(self.now);
        (work.problem, work.alert_since, work.closed_until) = (None, None, None);
        work.failures_in_row = 0;
    }

    fn bad(&self, work: &mut PresenceWork, failure: &Failure) {
        work.failures_in_row = work.failures_in_row.saturating_add(1);
        let since = work.problem.as_ref().filter(|known| known.kind == failure.kind);
        work.problem = Some(PresenceProblem {
            kind: failure.kind,
            sentence: failure.sentence.clone(),
            since: since.map_or(self.now, |known| known.since),
        });
        let wait = failure.wait(work.failures_in_row, self.every);
        self.due(work, wait.map(|wait| later(self.now, wait)));
        // Without another poll nobody would notice.
        if wait.is_none() || work.is_silent(self.now) {
            work.alert_since.get_or_insert(self.now);
        }
    }

    /// Somebody who asked for a poll meanwhile gets it.
    fn due(&self, work: &mut PresenceWork, at: Option<Timestamp>) {
        if work.due_at == self.claim.work.due_at {
            work.due_at = at;
        }
    }
}

fn warn_of_silence(connection: ConnectionId) {
    tracing::warn!(connection.id = %connection, "presence was not carried for ten minutes");
}

/// Tells, once, of polls that are due and do not come. For whoever sends the hints.
pub async fn tell_of_silence(
    store: &Store,
    connection: ConnectionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(before) = store.presence_work(connection).await? else {
        return Ok(());
    };
    if before.value.alert_since.is_some() || !before.value.is_silent(now) {
        return Ok(());
    }
    let after = store.change_presence_work(connection, |work| {
        if work.is_silent(now) {
            work.alert_since.get_or_insert(now);
        }
    });
    if after.await?.is_some_and(|work| work.alert_since == Some(now)) {
        warn_of_silence(connection);
        store.ask_for_alerts(connection, now).await;
    }
    Ok(())
}
