//! The part of a run that is about contacts: collect, plan, check, execute, record.

mod collect;
mod effect;
mod lines;
mod scope;

use std::borrow::Cow;

use crate::domain::operation_record::{ObjectKind, OperationRecord, OutcomeKind};
use crate::domain::part::Part;
use crate::domain::settings::{ConnectionSettings, MailboxScope, PeopleScope, ScopeKind, SharedContacts};
use crate::domain::sync_run::{Counts, Progress, RunState, SyncPart, SyncRun, Trigger};
use crate::plan::contacts::ContactPlan;
use crate::plan::contacts::check::{Checked, check};
use crate::plan::contacts::operation::ContactOperation;
use crate::plan::contacts::plan;

use super::collect_error::CollectError;
use super::execute::{Report, execute};
use super::hold::Waiting;
use super::outcome::{Outcome, count, lines as lines_of};
use super::part::{Basis, Frame, PartEnd};
use super::same_pbx::still_the_same;

use collect::{Collected, collect};
use effect::ContactHands;
use lines::skip_line;

/// The kinds of objects of this part.
const KINDS: [ObjectKind; 2] = [ObjectKind::Contact, ObjectKind::Phonebook];

/// What has been decided, and what of it waits for a person.
struct Decided {
    plan: ContactPlan,
    waiting: Option<Waiting>,
    collected: Collected,
}

/// Brings contacts and phonebooks in step.
pub(super) async fn conduct(frame: &Frame<'_>, run: &mut SyncRun) -> Result<PartEnd, CollectError> {
    let settings = rules(&frame.basis);
    let frame = &Frame {
        basis: Basis {
            settings: &settings,
            ..frame.basis
        },
        ..*frame
    };
    if !is_due(&frame.basis, run) {
        return Ok(PartEnd {
            whole: true,
            idle: run.request.trigger == Trigger::Changes,
            ..PartEnd::default()
        });
    }
    let decided = decide(&frame.basis, run, !run.request.dry_run).await?;
    if run.request.dry_run {
        return show(&frame.basis, run, decided).await;
    }
    let report = carry_out(frame, run, &decided).await?;
    close(&frame.basis, run, decided, report).await
}

/// What a full read of both sides would hold now.
pub(super) async fn judge(basis: &Basis<'_>, run: &SyncRun) -> Result<Option<Waiting>, CollectError> {
    let settings = rules(basis);
    let basis = &Basis {
        settings: &settings,
        ..*basis
    };
    if !is_due(basis, run) {
        return Ok(None);
    }
    Ok(decide(basis, run, false).await?.waiting)
}

/// The settings to go by. Where everything of ours is taken away, no mailbox is chosen, so each one is one too many.
fn rules<'a>(basis: &Basis<'a>) -> Cow<'a, ConnectionSettings> {
    if basis.removal(Part::Contacts).is_none() {
        return Cow::Borrowed(basis.settings);
    }
    let mut settings = basis.settings.clone();
    settings.contacts.personal.enabled = true;
    settings.contacts.personal.acknowledged_visibility = true;
    settings.contacts.personal.scope = PeopleScope {
        kind: ScopeKind::Groups,
        ..PeopleScope::default()
    };
    settings.contacts.shared = SharedContacts {
        enabled: true,
        scope: MailboxScope::Selected,
        mailboxes: Vec::new(),
    };
    Cow::Owned(settings)
}

/// Contacts go with the schedule and with what people ask for: Graph tells changes of people and groups alone.
fn is_due(basis: &Basis<'_>, run: &SyncRun) -> bool {
    let contacts = &basis.settings.contacts;
    let on = contacts.personal.enabled || contacts.shared.enabled;
    on && run.request.user.is_none() && run.request.trigger != Trigger::Changes
}

async fn decide(basis: &Basis<'_>, run: &SyncRun, remember: bool) -> Result<Decided, CollectError> {
    let collected = collect(basis, remember).await?;
    still_the_same(basis, run, SyncPart::Contacts).await?;
    let plan = plan(&collected.world, &collected.policy);
    let Checked {
        mut plan,
        mut held,
        mut held_because,
    } = check(plan, &collected.world, &collected.policy);
    let held_lines = lines_of(&held, OutcomeKind::Held, basis.stamp(run));
    if basis.approved.cover(&held_lines) {
        plan.operations.append(&mut held);
        plan.operations.sort_by_key(ContactOperation::phase);
        held_because = None;
    }
    let waiting = held_because.map(|because| Waiting {
        because,
        lines: held_lines,
    });
    Ok(Decided {
        plan,
        waiting,
        collected,
    })
}

async fn carry_out(frame: &Frame<'_>, run: &mut SyncRun, decided: &Decided) -> Result<Report, CollectError> {
    let operations = &decided.plan.operations;
    run.progress.total = run.progress.done + operations.len() as u64;
    if !operations.is_empty() {
        run.state = RunState::Applying;
        frame.store().put_run(run, frame.lease).await?;
    }
    let hands = ContactHands::new(frame, run.id, &decided.collected.world);
    hands.leave_phonebooks(operations).await;
    let limits = frame.limits(frame.basis.sides.phone_system.write_slots());
    let report = execute(operations.clone(), &hands, &limits, &frame.watch(run)).await;
    run.progress.done += report.done;
    let waiting = decided.waiting.iter().flat_map(|waiting| &waiting.lines);
    let waiting: Vec<ObjectKind> = waiting.map(|line| line.object).collect();
    for kind in KINDS {
        let mut counts = standing(&decided.plan, kind);
        counts.skipped += waiting.iter().filter(|waits| **waits == kind).count() as u64;
        counts.add(&report.counts_of(kind));
        run.counts_by_object.insert(kind, counts);
    }
    Ok(report)
}

/// What a plan leaves as it is.
fn standing(plan: &ContactPlan, kind: ObjectKind) -> Counts {
    let skipped = plan.skipped.iter().filter(|skipped| skipped.object() == kind);
    Counts {
        unchanged: match kind {
            ObjectKind::Contact => plan.unchanged,
            _ => plan.phonebooks_unchanged,
        },
        skipped: skipped.count() as u64,
        ..Counts::default()
    }
}

async fn close(
    basis: &Basis<'_>,
    run: &SyncRun,
    decided: Decided,
    report: Report,
) -> Result<PartEnd, CollectError> {
    if report.out_of_time() {
        return Ok(PartEnd {
            stopped: report.stopped,
            ..PartEnd::default()
        });
    }
    let store = basis.store();
    store.append_records(run.connection, &report.unsuccessful).await?;
    let managed = if report.done > 0 {
        store.own_contacts(run.connection).await?.contacts.len()
    } else {
        decided.collected.world.bindings.len()
    };
    Ok(PartEnd {
        managed: Some(managed as u64),
        left_alone: left_alone(basis, run, &decided),
        waiting: decided.waiting,
        whole: report.stopped.is_none() && !report.retry,
        idle: false,
        stopped: report.stopped,
        people: None,
    })
}

fn left_alone(basis: &Basis<'_>, run: &SyncRun, decided: &Decided) -> Vec<OperationRecord> {
    let stamp = basis.stamp(run);
    let ContactPlan { skipped, remarks, .. } = &decided.plan;
    let of_plan = skipped
        .iter()
        .chain(remarks)
        .map(|skipped| skip_line(skipped, stamp));
    let unknown = decided.collected.unread.iter().map(|unread| unread.line(stamp));
    of_plan.chain(unknown).collect()
}

/// The dry run: everything that would happen, as lines; nothing is written but them.
async fn show(basis: &Basis<'_>, run: &mut SyncRun, decided: Decided) -> Result<PartEnd, CollectError> {
    let mut shown = lines_of(&decided.plan.operations, OutcomeKind::DryRun, basis.stamp(run));
    let waiting = decided.waiting.iter().flat_map(|waiting| waiting.lines.clone());
    shown.extend(waiting.map(|line| OperationRecord {
        outcome: OutcomeKind::DryRun,
        ..line
    }));
    basis.store().append_records(run.connection, &shown).await?;
    for kind in KINDS {
        let mut counts = standing(&decided.plan, kind);
        for line in shown.iter().filter(|line| line.object == kind) {
            count(&mut counts, line.kind, &Outcome::Applied);
        }
        run.counts_by_object.insert(kind, counts);
    }
    let done = run.progress.done + shown.len() as u64;
    run.progress = Progress { done, total: done };
    Ok(PartEnd {
        managed: Some(decided.collected.world.bindings.len() as u64),
        left_alone: left_alone(basis, run, &decided),
        waiting: decided.waiting,
        whole: true,
        idle: false,
        stopped: None,
        people: None,
    })
}
