//! The run over its parts: people, then groups, then contacts. Everything about leases, due times and the connection's
//! status is around it, in `run`; what a part does is the part's own.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::deadline::Deadline;
use crate::domain::change::Changes;
use crate::domain::connection::{Connection, Firmware};
use crate::domain::operation_record::OperationRecord;
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{RunState, SyncPart, SyncRun};
use crate::domain::teardown::{Duty, Removal, duty};
use crate::plan::groups::world::People;
use crate::store::{Lease, ManagedCounts, Store, StoreError, WorkState};

use super::Engine;
use super::collect::CursorKind;
use super::collect_error::CollectError;
use super::contacts;
use super::execute::Stopped;
use super::failure::{RunFailure, lasting};
use super::group_news::GroupNews;
use super::groups;
use super::hold::{Approved, WaitingByPart, all_lines, held, supersede};
use super::part::{Basis, Frame, PartEnd};
use super::run::RunError;
use super::same_pbx::new_firmware;
use super::users;

/// How a run ended.
pub(super) enum End {
    Done,
    /// Removals wait for a person; everything else is done.
    Held,
    OutOfTime,
    Cancelled,
    Failed(RunFailure),
}

/// What a run works on.
pub(super) struct Errand<'a> {
    pub lease: &'a Lease,
    pub connection: &'a Connection,
    pub state: &'a WorkState,
    /// What is known to have changed, however learnt.
    pub pending: Changes,
    pub deadline: &'a Deadline,
}

/// What a run leaves behind.
pub(super) struct Conducted {
    pub end: End,
    /// `None`: as before.
    pub counts: Option<ManagedCounts>,
    /// Whether everything that was read was carried out, or waits for a person.
    pub whole: bool,
    /// The worst that kept a part from being done while others were.
    pub trouble: Option<RunFailure>,
    /// What the PBX runs, where that is not what is stored.
    pub firmware: Option<Firmware>,
    /// Parts of which the run has nothing to tell: it did not get to them, or nothing asked it to look.
    pub undone: BTreeSet<SyncPart>,
}

impl Conducted {
    fn without_parts(end: End) -> Self {
        Self {
            whole: matches!(end, End::Done),
            undone: match end {
                End::Done => BTreeSet::new(),
                _ => SyncPart::ALL.into(),
            },
            end,
            counts: None,
            trouble: None,
            firmware: None,
        }
    }
}

/// Runs `run` and notes its progress in it.
pub(super) async fn conduct(
    engine: &Engine,
    task: Errand<'_>,
    run: &mut SyncRun,
) -> Result<Conducted, RunError> {
    let settings = engine
        .store
        .settings(task.connection.id)
        .await?
        .map(|stored| stored.value)
        .unwrap_or_default();
    if parts(task.connection, &settings, run.request.dry_run)
        .next()
        .is_none()
    {
        return Ok(Conducted::without_parts(End::Done));
    }
    let Some(secrets) = engine.store.secrets(task.connection.id).await? else {
        let sentence = "the secrets of this connection are missing; enter them again".to_owned();
        return Ok(Conducted::without_parts(End::Failed(lasting(sentence))));
    };
    let sides = engine.sides.sides(task.connection, &secrets)?;
    if run.state != RunState::Reading {
        run.state = RunState::Reading;
        engine.store.put_run(run, task.lease).await?;
    }
    let approved = Approved::of(&engine.store, run).await?;
    let basis = Basis {
        engine,
        connection: task.connection,
        sides: &sides,
        settings: &settings,
        state: task.state,
        pending: &task.pending,
        news: &GroupNews::default(),
        approved: &approved,
    };
    let firmware = match new_firmware(&basis, run).await {
        Ok(firmware) => firmware,
        Err(CollectError::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(Conducted::without_parts(End::Failed((&error).into()))),
    };
    let mut connection = task.connection.clone();
    if let Some(firmware) = firmware.clone() {
        connection.pbx.runs(firmware);
    }
    let frame = Frame {
        basis: Basis {
            connection: &connection,
            ..basis
        },
        lease: task.lease,
        deadline: task.deadline,
    };
    let conducted = run_parts(&frame, run).await?;
    Ok(Conducted {
        firmware,
        ..conducted
    })
}

/// The parts of a run, in their order: those that are kept in step, and those whose objects are taken away. What a paused
/// sync of people or contacts would do may be looked at, and that of groups where nothing is on yet: that is how rules are
/// tried before they are switched on.
pub(super) fn parts(
    connection: &Connection,
    settings: &ConnectionSettings,
    dry_run: bool,
) -> impl Iterator<Item = SyncPart> {
    let on = move |part: &SyncPart| match part {
        SyncPart::Users => dry_run || duty(Part::Users, connection, settings) != Duty::Rest,
        SyncPart::Groups => {
            (dry_run && !settings.users.enabled) || works(duty(Part::Groups, connection, settings))
        }
        SyncPart::Contacts => dry_run || works(duty(Part::Contacts, connection, settings)),
    };
    SyncPart::ALL.into_iter().filter(on)
}

/// Groups and contacts are let go with the end of the connection, all at once.
fn works(duty: Duty) -> bool {
    matches!(duty, Duty::Sync | Duty::Remove(Removal::Delete))
}

/// `people`: who has an extension, if the part before found out.
async fn one_part(
    part: SyncPart,
    frame: &Frame<'_>,
    people: Option<People>,
    run: &mut SyncRun,
) -> Result<PartEnd, CollectError> {
    match part {
        SyncPart::Users => users::conduct(frame, run).await,
        SyncPart::Groups => groups::conduct(frame, people, run).await,
        SyncPart::Contacts => contacts::conduct(frame, run).await,
    }
}

/// What the parts came to.
struct Tally {
    counts: ManagedCounts,
    people: Option<People>,
    left_alone: Vec<OperationRecord>,
    waiting: WaitingByPart,
    whole: bool,
    people_are_in_step: bool,
    done: usize,
    undone: BTreeSet<SyncPart>,
    failures: BTreeMap<SyncPart, RunFailure>,
    /// The part that found a side closed to all of them.
    ended_by: Option<SyncPart>,
    stopped: Option<Stopped>,
}

async fn run_parts(frame: &Frame<'_>, run: &mut SyncRun) -> Result<Conducted, RunError> {
    let Basis {
        connection, settings, ..
    } = &frame.basis;
    let parts: Vec<SyncPart> = parts(connection, settings, run.request.dry_run).collect();
    let mut tally = Tally::new(frame.basis.state.counts, &parts);
    for part in parts {
        // Boxed: each part's whole work is in it.
        match Box::pin(one_part(part, frame, tally.people.take(), run)).await {
            Ok(end) => tally.take(part, end),
            Err(CollectError::Store(error)) => return Err(error.into()),
            // Nobody asked for groups yet, so that they cannot be had is nobody's trouble.
            Err(_) if part == SyncPart::Groups && !frame.basis.settings.groups.enabled => {
                tally.undone.remove(&part);
            }
            Err(error) => {
                let ended = error.ends_the_run();
                tally.people_are_in_step &= part != SyncPart::Users;
                tally.undone.remove(&part);
                tally.failures.insert(part, (&error).into());
                tally.ended_by = ended.then_some(part);
            }
        }
        if tally.stopped.is_some() || tally.ended_by.is_some() {
            break;
        }
    }
    tally.close(frame, run).await
}

impl Tally {
    fn new(counts: ManagedCounts, parts: &[SyncPart]) -> Self {
        Self {
            counts,
            undone: parts.iter().copied().collect(),
            people: None,
            left_alone: Vec::new(),
            waiting: BTreeMap::new(),
            whole: true,
            people_are_in_step: true,
            done: 0,
            failures: BTreeMap::new(),
            ended_by: None,
            stopped: None,
        }
    }

    fn take(&mut self, part: SyncPart, end: PartEnd) {
        let PartEnd {
            managed,
            people,
            left_alone,
            waiting,
            whole,
            idle,
            stopped,
        } = end;
        self.people = people;
        let slot = match part {
            SyncPart::Users => &mut self.counts.extensions,
            SyncPart::Groups => &mut self.counts.groups,
            SyncPart::Contacts => &mut self.counts.contacts,
        };
        *slot = managed.unwrap_or(*slot);
        self.left_alone.extend(left_alone);
        self.waiting
            .extend(waiting.into_iter().map(|waiting| (part, waiting)));
        self.whole &= whole;
        self.people_are_in_step &= whole || part != SyncPart::Users;
        self.done += 1;
        if !idle && stopped.is_none() {
            self.undone.remove(&part);
        }
        self.stopped = stopped;
    }

    async fn close(self, frame: &Frame<'_>, run: &mut SyncRun) -> Result<Conducted, RunError> {
        let store = frame.store();
        if matches!(self.stopped, Some(Stopped::OutOfTime)) {
            return Ok(Conducted {
                whole: false,
                ..Conducted::without_parts(End::OutOfTime)
            });
        }
        if self.done == 0 {
            return Ok(Conducted::without_parts(End::Failed(nothing_done(self.failures))));
        }
        self.keep_cursor(frame, run).await?;
        note_skips(store, run, &self.left_alone).await?;
        run.problems = self
            .failures
            .iter()
            .map(|(part, failure)| (*part, failure.sentence.clone()))
            .collect();
        let end = self.end(run);
        let now = frame.basis.engine.clock.now();
        if run.request.dry_run {
            run.held = held(&self.waiting, now);
        } else if matches!(end, End::Held) {
            hold(frame, run, &self.waiting).await?;
        }
        let whole = self.whole && self.failures.is_empty();
        let trouble = self
            .failures
            .into_iter()
            .map(|(part, failure)| failure.of_part(part))
            .reduce(|one, other| one.worse(&other));
        Ok(Conducted {
            end,
            counts: Some(self.counts),
            whole,
            trouble,
            firmware: None,
            undone: self.undone,
        })
    }
}

impl Tally {
    /// News of groups are old news once people are in step with them; groups that are not have said so in their own mark.
    async fn keep_cursor(&self, frame: &Frame<'_>, run: &SyncRun) -> Result<(), StoreError> {
        let only_looked = run.request.dry_run || run.request.user.is_some();
        if only_looked || !self.people_are_in_step {
            return Ok(());
        }
        let Some(cursor) = frame.basis.news.next() else {
            return Ok(());
        };
        let (kind, rules) = (CursorKind::Groups.key(), frame.basis.settings.rules_fingerprint());
        frame.store().put_cursor(frame.lease, kind, cursor, &rules).await
    }

    fn end(&self, run: &SyncRun) -> End {
        let ended_by = self.ended_by.and_then(|part| self.failures.get(&part));
        match &self.stopped {
            Some(Stopped::Cancelled) => End::Cancelled,
            Some(stopped) => RunFailure::of_stop(stopped).map_or(End::Done, End::Failed),
            None if ended_by.is_some() => ended_by.cloned().map_or(End::Done, End::Failed),
            None if run.request.dry_run || self.waiting.is_empty() => End::Done,
            None => End::Held,
        }
    }
}

/// No part was done.
fn nothing_done(mut failures: BTreeMap<SyncPart, RunFailure>) -> RunFailure {
    if failures.len() == 1
        && let Some((_, only)) = failures.pop_first()
    {
        return only;
    }
    let of_parts = failures.into_iter().map(|(part, failure)| failure.of_part(part));
    of_parts
        .reduce(|one, other| one.worse(&other))
        .unwrap_or_else(|| lasting("no part of the run was done".to_owned()))
}

async fn note_skips(store: &Store, run: &mut SyncRun, lines: &[OperationRecord]) -> Result<(), StoreError> {
    run.skips = None;
    if !lines.is_empty() {
        let digest = skips_digest(lines);
        store.put_skips(run.connection, &digest, lines).await?;
        run.skips = Some(digest);
    }
    Ok(())
}

/// What is left alone and why, without when: the same list again is not stored again.
fn skips_digest(lines: &[OperationRecord]) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        let OperationRecord {
            at: _,
            run: _,
            kind: _,
            object,
            entra_id,
            name,
            target_id,
            number,
            before: _,
            after: _,
            reason,
            reason_text,
            outcome: _,
            error: _,
        } = line;
        hash.update(format!(
            "{object:?}\u{0}{entra_id}\u{0}{name}\u{0}{target_id:?}\u{0}{reason:?}\u{0}{reason_text}\u{0}{number:?}\n"
        ));
    }
    hex::encode(hash.finalize())
}

async fn hold(frame: &Frame<'_>, run: &mut SyncRun, waiting: &WaitingByPart) -> Result<(), StoreError> {
    let now = frame.basis.engine.clock.now();
    run.state = RunState::Held;
    run.held = held(waiting, now);
    let lines: Vec<OperationRecord> = all_lines(waiting).cloned().collect();
    let store = frame.store();
    store.put_held(run.connection, run.id, &lines).await?;
    if let Some(older) = frame.basis.state.held_run.filter(|older| *older != run.id) {
        supersede(store, run.connection, older, run.id, now).await?;
    }
    Ok(())
}
