//! One poll: is it wanted, may it be, who takes part, what do they show, what of it is new.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::Poller;
use super::carry::{Carrier, Tally, Trouble};
use super::failure::{Failure, NEEDED};
use super::gather::{GatherError, Gatherer};
use super::observe::observe;
use super::poll::PollError;
use super::seats::{self, Bench};
use crate::deadline::Deadline;
use crate::domain::connection::{Connection, ConnectionSecrets, Firmware, FirmwareVersion};
use crate::domain::ids::EntraUserId;
use crate::domain::office_hours::Hours;
use crate::domain::settings::ConnectionSettings;
use crate::ports::Sides;
use crate::store::{PollCounts, PresenceWork, ProblemKind, Roster, StoreError, Version, Versioned};

/// Everybody is looked at anew so often though nothing says that anything changed: members of groups do unheard.
const ROSTER_LIFE: Duration = Duration::from_hours(1);
/// Items of people seen to at once: while one waits for the table, others write to the PBX.
const SIDE_BY_SIDE: usize = 8;

/// How a poll ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is no such connection any more.
    Gone,
    /// Presence is switched off, or the connection is.
    Off,
    /// Outside office hours.
    Closed(Timestamp),
    /// It was tried.
    Polled {
        counts: PollCounts,
        /// Who takes part, where that was made out anew.
        roster: Option<Roster>,
        failure: Option<Failure>,
    },
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Polled {
            counts: PollCounts::default(),
            roster: None,
            failure: Some(failure),
        }
    }
}

pub(super) struct Round<'a> {
    pub poller: &'a Poller,
    pub work: &'a PresenceWork,
    pub connection: Versioned<Connection>,
    pub settings: Versioned<ConnectionSettings>,
    pub secrets: ConnectionSecrets,
    pub deadline: &'a Deadline,
}

impl Round<'_> {
    pub async fn run(mut self) -> Result<Outcome, PollError> {
        let now = self.poller.engine.clock.now();
        let id = self.connection.value.id;
        if !self.settings.value.presence.enabled || !self.connection.value.status.may_run() {
            self.poller.memory.forget(id);
            return Ok(Outcome::Off);
        }
        if let Some(until) = self.closed_until(now) {
            return Ok(Outcome::Closed(until));
        }
        let sides = self
            .poller
            .engine
            .sides
            .sides(&self.connection.value, &self.secrets)?;
        if let Some(failure) = self.obstacle(&sides).await? {
            return Ok(failure.into());
        }
        let roster = match self.roster(&sides, now).await {
            Ok(roster) => roster,
            Err(GatherError::Directory(error)) => return Ok(Failure::from(&error).into()),
            Err(GatherError::Store(error)) => return Err(error.into()),
        };
        self.poll(&sides, roster).await
    }

    fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let settings = &self.settings.value;
        let hours = settings.presence.office_hours.as_ref()?;
        match hours.at(now, &settings.schedule.time_zone) {
            Ok(Hours::ClosedUntil(until)) => Some(until),
            Ok(Hours::Open) => None,
            Err(error) => {
                // Settings are checked before they are stored, so this is a zone that the time zone data dropped.
                tracing::error!(error = %error, "the office hours cannot be followed; presence is carried at any time");
                None
            }
        }
    }

    /// What somebody has to mend first.
    async fn obstacle(&mut self, sides: &Sides) -> Result<Option<Failure>, StoreError> {
        if let Some(failure) = self.old_firmware(sides).await? {
            return Ok(Some(failure));
        }
        // A permission shows in the next token only; so while it was missing, it is asked for with a new one.
        let was_missing = self.work.problem.as_ref().map(|problem| problem.kind);
        if was_missing != Some(ProblemKind::Permission) {
            return Ok(None);
        }
        Ok(match sides.directory.missing_permissions(&NEEDED).await {
            Ok(missing) => missing.first().map(|permission| Failure::permission(permission)),
            Err(error) => Some(Failure::from(&error)),
        })
    }

    /// The PBX is asked only while what is stored is too old; once it is newer, that is stored.
    async fn old_firmware(&mut self, sides: &Sides) -> Result<Option<Failure>, StoreError> {
        if is_recent(&self.connection.value.pbx.firmware_version) {
            return Ok(None);
        }
        let present = match sides.phone_system.information().await {
            Ok(information) => information.firmware_version,
            Err(error) => return Ok(Some(Failure::from(&error))),
        };
        if !is_recent(&present) {
            return Ok(Some(Failure::firmware(&present)));
        }
        let capabilities = match sides.phone_system.capabilities().await {
            Ok(capabilities) => capabilities,
            Err(error) => return Ok(Some(Failure::from(&error))),
        };
        self.connection.value.pbx.runs(Firmware {
            version: present,
            capabilities,
        });
        match self.poller.engine.store.save_connection(&self.connection).await {
            // An admin changed the connection meanwhile; the next poll asks again.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes out anew who takes part, where something says that it may have changed.
    async fn roster(&self, sides: &Sides, now: Timestamp) -> Result<Option<Roster>, GatherError> {
        let store = &self.poller.engine.store;
        let id = self.connection.value.id;
        let last_run = store.work_state(id).await?.and_then(|state| state.last_run);
        let Version(settings) = self.settings.version;
        let made_of = format!(
            "{settings} {}",
            last_run.map(|run| run.to_string()).unwrap_or_default()
        );
        let present = self.work.roster.as_ref().filter(|roster| {
            let age = now.duration_since(roster.made_at);
            roster.made_of == made_of && age.unsigned_abs() < ROSTER_LIFE
        });
        if present.is_some() && self.work.touched.is_empty() {
            return Ok(None);
        }
        let gatherer = Gatherer {
            store,
            connection: id,
            settings: &self.settings.value.presence,
            directory: sides.directory.as_ref(),
        };
        let wanted = match present {
            Some(_) => gatherer.these(&self.work.touched).await?,
            None => gatherer.everybody().await?,
        };
        let benches = seats::load(store, id, &self.poller.memory).await?;
        let people = seats::seat(store, id, &benches, &wanted).await?;
        Ok(Some(Roster {
            made_of,
            made_at: present.map_or(now, |roster| roster.made_at),
            people,
        }))
    }

    async fn poll(&self, sides: &Sides, roster: Option<Roster>) -> Result<Outcome, PollError> {
        let engine = &self.poller.engine;
        let id = self.connection.value.id;
        let mut benches = seats::load(&engine.store, id, &self.poller.memory).await?;
        let people: Vec<EntraUserId> = benches
            .iter()
            .flat_map(|bench| bench.people.members.iter().map(|member| member.user))
            .collect();
        let carrier = Carrier {
            store: &engine.store,
            connection: id,
            pbx: sides.extension_presences.as_ref(),
            clock: engine.clock.as_ref(),
            deadline: self.deadline,
            trouble: Trouble::default(),
        };
        carrier.clear_up(&mut benches).await?;
        let observed = observe(sides.teams.as_ref(), &people).await;
        let tally = carry_all(&carrier, benches, &observed.known).await?;
        Ok(Outcome::Polled {
            counts: PollCounts {
                people: people.len(),
                known: observed.known.len(),
                changed: tally.changed,
                written: tally.written,
                failed: tally.failed,
            },
            roster,
            // What the PBX did last matters more: it decides whether anything is tried again.
            failure: carrier.trouble.failure().or(observed.failure),
        })
    }
}

async fn carry_all(
    carrier: &Carrier<'_>,
    benches: Vec<Bench>,
    known: &std::collections::BTreeMap<EntraUserId, crate::domain::presence::TeamsStatus>,
) -> Result<Tally, StoreError> {
    stream::iter(benches)
        .map(|mut bench| async move { carrier.carry(&mut bench, known).await })
        .buffer_unordered(SIDE_BY_SIDE)
        .try_fold(Tally::default(), |all, one| async move { Ok(all.and(one)) })
        .await
}

fn is_recent(firmware: &str) -> bool {
    let version = FirmwareVersion::parse(firmware);
    version.is_some_and(|version| version.at_least(FirmwareVersion::CONTACTS_AND_PRESENCE))
}
