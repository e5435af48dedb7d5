//! The part of a run that is about people: collect, plan, check, execute, record.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::binding::Binding;
use crate::domain::ids::EntraUserId;
use crate::domain::operation_record::{ObjectKind, OperationRecord, OutcomeKind};
use crate::domain::part::Part;
use crate::domain::sync_run::{Counts, RunRequest, RunState, SyncPart, SyncRun};
use crate::plan::check::{Checked, check};
use crate::plan::groups::world::{OwnExtension, People};
use crate::plan::operation::{Change, Operation};
use crate::plan::snapshot::{Policy, World};
use crate::plan::{Plan, plan};

use super::collect::{Collected, CursorKind, Task, collect, collect_again};
use super::collect_error::CollectError;
use super::effect::Hands;
use super::execute::{Report, execute};
use super::hold::Waiting;
use super::outcome::{lines, skip_record};
use super::part::{Basis, Frame, PartEnd, show, sum_up};
use super::same_pbx::still_the_same;

type Bindings = BTreeMap<EntraUserId, Binding>;

/// How often one run plans again because the PBX refused numbers that looked free: enough to walk past the queues and
/// ring groups of a usual PBX; the rest comes with the next run.
const ROUNDS: u32 = 5;

/// What has been decided, and what of it waits for a person.
struct Decided {
    plan: Plan,
    waiting: Option<Waiting>,
}

/// Brings people and extensions in step.
pub(super) async fn conduct(frame: &Frame<'_>, run: &mut SyncRun) -> Result<PartEnd, CollectError> {
    let request = run.request.clone();
    let task = task(&frame.basis, &request);
    let Collected { mut world, cursor } = collect(&task).await?;
    still_the_same(&frame.basis, run, SyncPart::Users).await?;
    let mut done = run
        .counts_by_object
        .get(&ObjectKind::User)
        .copied()
        .unwrap_or_default();
    let mut round = 1;
    loop {
        let decided = decide(&frame.basis, run, &mut world).await?;
        if run.request.dry_run {
            return look(&frame.basis, run, decided, &world.bindings).await;
        }
        let report = carry_out(frame, run, &decided, &mut done).await?;
        if report.numbers_refused && report.stopped.is_none() && round < ROUNDS {
            round += 1;
            world = collect_again(&task, world.directory).await?;
            continue;
        }
        let whole = report.stopped.is_none() && !report.retry;
        if let Some(cursor) = cursor.filter(|_| whole && run.request.user.is_none()) {
            let (kind, fingerprint) = (CursorKind::Users.key(), &task.fingerprint);
            frame
                .store()
                .put_cursor(frame.lease, kind, &cursor, fingerprint)
                .await?;
        }
        return close(&frame.basis, run, decided, report, world.bindings).await;
    }
}

/// What a full read of both sides would hold now: the judgement an approval is measured against.
pub(super) async fn judge(basis: &Basis<'_>, run: &SyncRun) -> Result<Option<Waiting>, CollectError> {
    let mut world = collect(&task(basis, &run.request)).await?.world;
    still_the_same(basis, run, SyncPart::Users).await?;
    let policy = policy(basis);
    let plan = plan(&world, &policy);
    world.phone_system.capacity = basis.sides.phone_system.capacity().await?;
    let checked = check(plan, &world, &policy);
    Ok(split(basis, run, checked).waiting)
}

fn task<'a>(basis: &Basis<'a>, request: &'a RunRequest) -> Task<'a> {
    Task {
        connection: basis.connection.id,
        request,
        users: &basis.settings.users,
        fingerprint: basis.settings.rules_fingerprint(),
        pending: basis.pending,
        news: basis.news,
        removal: basis.removal(Part::Users),
        store: basis.store(),
        sides: basis.sides,
    }
}

fn policy(basis: &Basis<'_>) -> Policy {
    Policy {
        removal: basis.removal(Part::Users),
        users: basis.settings.users.clone(),
        safety: basis.settings.safety.clone(),
        now: basis.engine.clock.now(),
        last_good_managed: basis.state.last_good_managed.map(|managed| managed.extensions),
    }
}

/// Plan and check; the licence is asked about only when something is to be made.
async fn decide(basis: &Basis<'_>, run: &SyncRun, world: &mut World) -> Result<Decided, CollectError> {
    let policy = policy(basis);
    let plan = plan(world, &policy);
    let creates = plan
        .operations
        .iter()
        .any(|op| matches!(op.change, Change::Create { .. }));
    if creates {
        world.phone_system.capacity = basis.sides.phone_system.capacity().await?;
    }
    let mut checked = check(plan, world, &policy);
    let held = lines(&checked.held, OutcomeKind::Held, basis.stamp(run));
    if basis.approved.cover(&held) {
        // Held removals belong to the first phase, before everything that was left in the plan.
        checked
            .plan
            .operations
            .splice(0..0, std::mem::take(&mut checked.held));
        checked.plan.operations.sort_by_key(|op| op.phase);
        checked.held_because = None;
    }
    Ok(split(basis, run, checked))
}

fn split(basis: &Basis<'_>, run: &SyncRun, checked: Checked) -> Decided {
    let Checked {
        plan,
        held,
        held_because,
    } = checked;
    let waiting = held_because.map(|because| Waiting {
        because,
        lines: lines(&held, OutcomeKind::Held, basis.stamp(run)),
    });
    Decided { plan, waiting }
}

async fn carry_out(
    frame: &Frame<'_>,
    run: &mut SyncRun,
    decided: &Decided,
    done: &mut Counts,
) -> Result<Report, CollectError> {
    let Plan {
        operations,
        skipped,
        remarks: _,
        unchanged,
    } = &decided.plan;
    run.progress.total = run.progress.done + operations.len() as u64;
    if !operations.is_empty() {
        run.state = RunState::Applying;
        frame.store().put_run(run, frame.lease).await?;
    }
    let hands = Hands {
        store: frame.store(),
        pbx: frame.basis.sides.phone_system.as_ref(),
        clock: frame.basis.engine.clock.as_ref(),
        lease: frame.lease,
        run: run.id,
    };
    let limits = frame.limits(hands.pbx.write_slots());
    let report = execute(operations.clone(), &hands, &limits, &frame.watch(run)).await;
    run.progress.done += report.done;
    let waiting = decided.waiting.as_ref().map_or(0, |waiting| waiting.lines.len());
    let executed = report.counts_of(ObjectKind::User);
    let counts = sum_up(done, &executed, *unchanged, skipped.len() + waiting);
    *done = Counts {
        unchanged: 0,
        skipped: 0,
        failed: 0,
        ..counts
    };
    run.counts_by_object.insert(ObjectKind::User, counts);
    Ok(report)
}

async fn close(
    basis: &Basis<'_>,
    run: &SyncRun,
    decided: Decided,
    report: Report,
    bindings_before: Bindings,
) -> Result<PartEnd, CollectError> {
    if report.out_of_time() {
        return Ok(PartEnd {
            stopped: report.stopped,
            ..PartEnd::default()
        });
    }
    basis
        .store()
        .append_records(run.connection, &report.unsuccessful)
        .await?;
    let left = if run.progress.done > 0 {
        basis.store().bindings(run.connection).await?
    } else {
        bindings_before
    };
    Ok(PartEnd {
        managed: Some(left.len() as u64),
        people: basis.settings.groups.enabled.then(|| people(&left)),
        left_alone: left_alone(basis, run, &decided.plan),
        waiting: decided.waiting,
        whole: report.stopped.is_none() && !report.retry,
        idle: false,
        stopped: report.stopped,
    })
}

fn left_alone(basis: &Basis<'_>, run: &SyncRun, plan: &Plan) -> Vec<OperationRecord> {
    let stamp = basis.stamp(run);
    plan.skipped
        .iter()
        .chain(&plan.remarks)
        .map(|skipped| skip_record(skipped, stamp))
        .collect()
}

/// Who has an extension, as the parts after this one want to know it.
pub(super) fn people(bindings: &Bindings) -> People {
    let own = |binding: &Binding| {
        let bound = binding.bound()?;
        let own = OwnExtension {
            id: bound.extension,
            number: binding.number.clone(),
            since: bound.bound_at,
        };
        Some((binding.user, own))
    };
    People {
        extensions: bindings.values().filter_map(own).collect(),
        coming: BTreeSet::new(),
    }
}

async fn look(
    basis: &Basis<'_>,
    run: &mut SyncRun,
    decided: Decided,
    bindings: &Bindings,
) -> Result<PartEnd, CollectError> {
    let Plan {
        operations,
        skipped,
        remarks: _,
        unchanged,
    } = &decided.plan;
    let counts = Counts {
        unchanged: *unchanged,
        skipped: skipped.len() as u64,
        ..Counts::default()
    };
    run.counts_by_object.insert(ObjectKind::User, counts);
    let shown = lines(operations, OutcomeKind::DryRun, basis.stamp(run));
    show(basis, run, shown, decided.waiting.as_ref()).await?;
    let makes = |op: &&Operation| matches!(op.change, Change::Create { .. } | Change::Bind { .. });
    let coming = operations.iter().filter(makes).map(|op| op.user).collect();
    let people = People {
        coming,
        ..people(bindings)
    };
    Ok(PartEnd {
        managed: Some(bindings.len() as u64),
        people: Some(people),
        left_alone: left_alone(basis, run, &decided.plan),
        waiting: decided.waiting,
        whole: true,
        idle: false,
        stopped: None,
    })
}
