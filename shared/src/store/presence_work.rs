//! How carrying presence goes for a connection: when it is due, who is at it, whom it is about, and what the last poll did.
//! Everybody who writes it names the write they read, so that nothing asked for meanwhile is overwritten.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, instant, nanos, number, row, to_doc};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use super::{Store, Version, Versioned};
use crate::domain::ids::{ConnectionId, EntraUserId};

/// So long without a good poll is worth telling somebody: a tenth poll failed, or none came.
pub const SILENCE: SignedDuration = SignedDuration::from_mins(10);
/// More people than this, and everybody is looked at anew instead of them one by one.
const TOUCHED: usize = 200;

/// How carrying presence goes for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceWork {
    /// Since when it is wanted; `None`: it is switched off.
    pub wanted_since: Option<Timestamp>,
    /// Whose poll is under way. May have run out.
    pub holder: Option<PollHolder>,
    /// Who takes part.
    pub roster: Option<Roster>,
    /// People about whom somebody decided anew since.
    pub touched: BTreeSet<EntraUserId>,
    /// What the last poll did.
    pub last: Option<PollReport>,
    /// When the last good poll ended.
    pub last_good_at: Option<Timestamp>,
    /// Outside office hours: until when.
    pub closed_until: Option<Timestamp>,
    /// Why presence is not carried, or not whole.
    pub problem: Option<PresenceProblem>,
    /// Polls that failed since the last one that did not.
    pub failures_in_row: u32,
    /// Since when the silence was told.
    pub alert_since: Option<Timestamp>,
    /// When the next poll is due.
    #[serde(skip)]
    pub due_at: Option<Timestamp>,
}

/// Whose poll is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollHolder {
    /// As the holder calls itself.
    pub name: String,
    /// Until when, unless renewed.
    pub until: Timestamp,
}

/// Who takes part, as last made out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Of which settings and which run; others make another one.
    pub made_of: String,
    /// When.
    pub made_at: Timestamp,
    /// How many people.
    pub people: usize,
}

/// What a poll did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollReport {
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What it counted.
    pub counts: PollCounts,
}

/// What a poll counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PollCounts {
    /// People who take part.
    pub people: usize,
    /// Of them, whose Teams status is known.
    pub known: usize,
    /// Whose status changed.
    pub changed: usize,
    /// Whose extension has it now.
    pub written: usize,
    /// Whose extension does not: the next poll sees to those that may still come.
    pub failed: usize,
}

/// Why presence is not carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceProblem {
    /// What.
    pub kind: ProblemKind,
    /// For an admin, with what would mend it.
    pub sentence: String,
    /// Since when.
    pub since: Timestamp,
}

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The firmware is too old.
    Firmware,
    /// The app may not read presence.
    Permission,
    /// Microsoft did not answer, or refused.
    Microsoft,
    /// The PBX did not answer, or refused.
    Pbx,
    /// The PBX refused our credentials: nothing is tried until somebody acts.
    Halted,
}

impl PresenceWork {
    /// Wanted from now on, and due at once.
    pub fn begin(now: Timestamp) -> Self {
        Self {
            wanted_since: Some(now),
            holder: None,
            roster: None,
            touched: BTreeSet::new(),
            last: None,
            last_good_at: None,
            closed_until: None,
            problem: None,
            failures_in_row: 0,
            alert_since: None,
            due_at: Some(now),
        }
    }

    /// Whether polls are wanted, and none was good for ten minutes.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        let Some(wanted) = self.wanted_since else {
            return false;
        };
        let heard = [Some(wanted), self.last_good_at, self.closed_until];
        let heard = heard.into_iter().flatten().max().unwrap_or(wanted);
        now.duration_since(heard) >= SILENCE
    }

    /// Wants the next poll now, whatever went wrong before.
    pub fn hasten(&mut self, now: Timestamp) {
        self.wanted_since.get_or_insert(now);
        self.due_at = Some(self.due_at.map_or(now, |due| due.min(now)));
        self.failures_in_row = 0;
    }

    /// Notes a person about whom somebody decided anew.
    pub fn touch(&mut self, user: EntraUserId) {
        self.touched.insert(user);
        if self.touched.len() > TOUCHED {
            self.touched.clear();
            self.roster = None;
        }
    }
}

#[derive(Serialize, Deserialize)]
struct WorkRow {
    doc: String,
    rev: Version,
    /// Of the last write, so that one whose answer was lost is recognised.
    mark: String,
    due_at: Option<i64>,
    due_shard: Option<String>,
}

fn read(item: Row) -> Result<Versioned<PresenceWork>, StoreError> {
    const WHAT: &str = "state of presence";
    let stored: WorkRow = body(item, WHAT)?;
    let work: PresenceWork = from_doc(&stored.doc, WHAT)?;
    Ok(Versioned {
        value: PresenceWork {
            due_at: stored.due_at.map(instant),
            ..work
        },
        version: stored.rev,
    })
}

impl Store {
    /// How carrying presence goes; `None` where it was never switched on.
    pub async fn presence_work(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<PresenceWork>>, StoreError> {
        let item = self
            .get(&Key::presence(connection), "reading the state of presence")
            .await?;
        item.map(read).transpose()
    }

    /// Writes it, if it is still as it was read; `None`: as it was read there was none. `false`: somebody wrote meanwhile.
    pub async fn save_presence_work(
        &self,
        connection: ConnectionId,
        work: &PresenceWork,
        read_as: Option<Version>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "storing the state of presence";
        let stored = WorkRow {
            doc: to_doc(work)?,
            rev: read_as.map_or(Version::FIRST, Version::next),
            mark: uuid::Uuid::new_v4().to_string(),
            due_at: work.due_at.map(nanos),
            due_shard: work.due_at.map(|_| due_shard(connection)),
        };
        let condition = match read_as {
            None => Expression::new(VACANT),
            Some(version) => Expression::new("rev = :rev").with(":rev", number(version.0)),
        };
        let item = row(&Key::presence(connection), &stored)?;
        match self.put_if(item, condition, DOING).await? {
            Written::Yes => Ok(true),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<WorkRow>(found, "state of presence"));
                Ok(found.transpose()?.is_some_and(|found| found.mark == stored.mark))
            }
        }
    }

    /// Reads, lets `change` alter it, and writes if it did. Starts again if somebody wrote meanwhile; answers what it is
    /// then, `None` where there is nothing to alter.
    pub async fn change_presence_work(
        &self,
        connection: ConnectionId,
        change: impl Fn(&mut PresenceWork),
    ) -> Result<Option<PresenceWork>, StoreError> {
        let mut patience = Patience::default();
        loop {
            let Some(read) = self.presence_work(connection).await? else {
                return Ok(None);
            };
            let mut changed = read.value.clone();
            change(&mut changed);
            let same = changed == read.value;
            if same
                || self
                    .save_presence_work(connection, &changed, Some(read.version))
                    .await?
            {
                return Ok(Some(changed));
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict {
                    doing: "changing the state of presence",
                });
            }
        }
    }

    /// Has presence looked at now: by settings that want it, or that may no longer. Repeating is safe.
    pub async fn presence_soon(
        &self,
        connection: ConnectionId,
        wanted: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let begun = PresenceWork::begin(now);
        if wanted
            && self.presence_work(connection).await?.is_none()
            && self.save_presence_work(connection, &begun, None).await?
        {
            return Ok(());
        }
        self.change_presence_work(connection, |work| {
            if wanted || work.wanted_since.is_some() {
                work.hasten(now);
            }
        })
        .await
        .map(drop)
    }

    /// Forgets it all for a connection that is gone.
    pub async fn drop_presence_work(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(&Key::presence(connection), "forgetting the state of presence")
            .await
    }
}

/// `at` and so much more, at most the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn silence_counts_from_the_last_good_poll_or_from_when_polls_were_to_begin() {
        let mut work = PresenceWork::begin(at(0));
        assert!(!work.is_silent(at(599)) && work.is_silent(at(600)));
        work.last_good_at = Some(at(300));
        assert!(!work.is_silent(at(899)) && work.is_silent(at(900)));
        work.closed_until = Some(at(5_000));
        assert!(!work.is_silent(at(5_599)) && work.is_silent(at(5_600)));
        work.wanted_since = None;
        assert!(!work.is_silent(at(90_000)));
    }

    #[test]
    fn many_touched_people_are_everybody() {
        let mut work = PresenceWork::begin(at(0));
        work.roster = Some(Roster {
            made_of: String::new(),
            made_at: at(0),
            people: 1,
        });
        for n in 0..TOUCHED {
            work.touch(uuid::Uuid::from_u128(n as u128).into());
        }
        assert!(work.roster.is_some() && work.touched.len() == TOUCHED);
        work.touch(uuid::Uuid::from_u128(u128::MAX).into());
        assert!(work.roster.is_none() && work.touched.is_empty());
    }
}
