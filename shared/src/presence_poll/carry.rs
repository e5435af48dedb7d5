//! Writes changed statuses to extensions. What is about to be written stands in the table before, and what became of it
//! after, so that a poll may be cut anywhere: the next one looks at the extension before anything is written twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::{StreamExt as _, stream};

use super::decide::{Carry, Change, changes, conclude, intend, settle};
use super::failure::Failure;
use super::seats::Bench;
use crate::deadline::Deadline;
use crate::domain::ids::{ConnectionId, EntraUserId, ExtensionId};
use crate::domain::presence::TeamsStatus;
use crate::domain::settings::ExtensionPresence;
use crate::ports::{Clock, ExtensionPresences, PhoneSystemError, ShownPresence};
use crate::store::{Store, StoreError};

/// So many unanswered calls in a row are a PBX that is not there: more than it is ever given at once.
const SILENCE: usize = 8;

/// What the writes came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub changed: usize,
    pub written: usize,
    pub failed: usize,
}

impl Tally {
    pub fn and(self, other: Self) -> Self {
        Self {
            changed: self.changed + other.changed,
            written: self.written + other.written,
            failed: self.failed + other.failed,
        }
    }
}

pub(super) struct Carrier<'a> {
    pub store: &'a Store,
    pub connection: ConnectionId,
    pub pbx: &'a dyn ExtensionPresences,
    pub clock: &'a dyn Clock,
    pub deadline: &'a Deadline,
    pub trouble: Trouble,
}

/// What went wrong with the PBX.
#[derive(Default)]
pub(super) struct Trouble {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Nothing more is sent because of this.
    stop: Option<Failure>,
    /// A call was not answered.
    silence: Option<Failure>,
    unanswered_in_row: usize,
}

impl Trouble {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self, failure: Failure) {
        self.known().stop.get_or_insert(failure);
    }

    fn is_over(&self) -> bool {
        self.known().stop.is_some()
    }

    /// Why the poll was not good, if the PBX is why.
    pub fn failure(&self) -> Option<Failure> {
        let known = self.known();
        known.stop.as_ref().or(known.silence.as_ref()).cloned()
    }

    fn answered(&self) {
        self.known().unanswered_in_row = 0;
    }

    fn unanswered(&self, error: &PhoneSystemError) {
        let mut known = self.known();
        known.unanswered_in_row += 1;
        let failure = Failure::from(error);
        if known.unanswered_in_row >= SILENCE {
            known.stop.get_or_insert_with(|| failure.clone());
        }
        known.silence = Some(failure);
    }
}

impl Carrier<'_> {
    /// Clears up what an earlier poll left unclear.
    pub async fn clear_up(&self, benches: &mut [Bench]) -> Result<(), StoreError> {
        let unclear: BTreeSet<ExtensionId> = benches.iter().flat_map(unclear).collect();
        if unclear.is_empty() {
            return Ok(());
        }
        let shown = match self.pbx.shown_presences(&unclear).await {
            Ok(shown) => shown,
            Err(error) => {
                self.trouble.stop(Failure::from(&error));
                return Ok(());
            }
        };
        tracing::warn!(
            connection.id = %self.connection,
            people = unclear.len(),
            "an earlier poll was cut off; the extensions were looked at"
        );
        for bench in benches.iter_mut().filter(|bench| unclear_any(bench)) {
            for (member, standing) in bench.people.members.iter().zip(&mut bench.standings.of) {
                *standing = settle(*standing, member.mapping, shown.get(&member.extension).copied());
            }
            self.store
                .put_standings(self.connection, &mut bench.standings)
                .await?;
        }
        Ok(())
    }

    /// Carries what changed among the people of one item.
    pub async fn carry(
        &self,
        bench: &mut Bench,
        known: &BTreeMap<EntraUserId, TeamsStatus>,
    ) -> Result<Tally, StoreError> {
        let changes = changes(&bench.people.members, &bench.standings.of, known);
        let mut tally = Tally {
            changed: changes.len(),
            ..Tally::default()
        };
        if changes.is_empty() {
            return Ok(tally);
        }
        if self.must_stop() {
            tally.failed = changes.len();
            return Ok(tally);
        }
        note(bench, &changes, |standing, change| {
            intend(standing, change.status)
        });
        self.store
            .put_standings(self.connection, &mut bench.standings)
            .await?;
        let carried = self.write_all(bench, &changes).await;
        tally.written = carried.values().filter(|carry| **carry == Carry::Done).count();
        tally.failed = changes.len() - tally.written;
        note(bench, &changes, |standing, change| {
            let carry = carried.get(&change.place).copied();
            conclude(standing, carry.unwrap_or(Carry::Unknown))
        });
        self.store
            .put_standings(self.connection, &mut bench.standings)
            .await?;
        Ok(tally)
    }

    async fn write_all(&self, bench: &Bench, changes: &[Change]) -> BTreeMap<usize, Carry> {
        let members = &bench.people.members;
        let writes: Vec<(usize, ExtensionId, ExtensionPresence)> = changes
            .iter()
            .filter_map(|change| {
                let member = members.get(change.place)?;
                Some((
                    change.place,
                    member.extension,
                    member.mapping.target(change.status),
                ))
            })
            .collect();
        stream::iter(writes)
            .map(|(place, extension, target)| async move { (place, self.write(extension, target).await) })
            .buffer_unordered(self.pbx.slots())
            .collect()
            .await
    }

    async fn write(&self, extension: ExtensionId, target: ExtensionPresence) -> Carry {
        if self.must_stop() {
            return Carry::NotSent;
        }
        match self.pbx.set_presence(extension, target).await {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.look(extension, target).await,
            told => self.judge(extension, told),
        }
    }

    /// A lost answer is looked up at once, before anybody can have set anything by hand.
    async fn look(&self, extension: ExtensionId, target: ExtensionPresence) -> Carry {
        let shown = match self.pbx.shown_presences(&BTreeSet::from([extension])).await {
            Ok(shown) => shown.get(&extension).copied(),
            Err(error) => {
                self.judge(extension, Err(error));
                return Carry::Unknown;
            }
        };
        match shown {
            None => Carry::Refused,
            Some(ShownPresence::Standard(shown)) if shown == target => Carry::Done,
            Some(_) => match self.pbx.set_presence(extension, target).await {
                Err(error @ PhoneSystemError::OutcomeUnknown { .. }) => {
                    self.trouble.unanswered(&error);
                    Carry::Unknown
                }
                told => self.judge(extension, told),
            },
        }
    }

    fn judge(&self, extension: ExtensionId, told: Result<(), PhoneSystemError>) -> Carry {
        let Err(error) = told else {
            self.trouble.answered();
            return Carry::Done;
        };
        match &error {
            PhoneSystemError::Shut { .. } => {
                self.trouble.stop(Failure::from(&error));
                Carry::NotSent
            }
            PhoneSystemError::Unavailable { .. } | PhoneSystemError::OutcomeUnknown { .. } => {
                self.trouble.unanswered(&error);
                Carry::NotSent
            }
            _ => {
                self.trouble.answered();
                tracing::warn!(
                    connection.id = %self.connection,
                    extension.id = %extension,
                    error = %error,
                    "the PBX refused a presence; it is not tried again before Teams changes"
                );
                Carry::Refused
            }
        }
    }

    fn must_stop(&self) -> bool {
        self.trouble.is_over() || self.deadline.has_passed(self.clock.now())
    }
}

fn unclear(bench: &Bench) -> impl Iterator<Item = ExtensionId> + '_ {
    let people = bench.people.members.iter().zip(&bench.standings.of);
    people
        .filter(|(_, standing)| standing.intended.is_some())
        .map(|(member, _)| member.extension)
}

fn unclear_any(bench: &Bench) -> bool {
    unclear(bench).next().is_some()
}

fn note(
    bench: &mut Bench,
    changes: &[Change],
    what: impl Fn(crate::domain::presence::Standing, &Change) -> crate::domain::presence::Standing,
) {
    for change in changes {
        if let Some(standing) = bench.standings.of.get_mut(change.place) {
            *standing = what(*standing, change);
        }
    }
}
