//! The part of a run that is about groups: collect, plan, check, execute, record. It comes after people, so that whoever got
//! an extension in the same run is in their groups at its end.

mod collect;
mod effect;
mod outcome;
mod relevance;

use crate::domain::operation_record::{ObjectKind, OperationRecord, OutcomeKind};
use crate::domain::part::Part;
use crate::domain::settings::{GroupScope, GroupTarget, ScopeKind};
use crate::domain::sync_run::{Counts, RunState, SyncPart, SyncRun};
use crate::plan::groups::check::{CheckedGroups, check};
use crate::plan::groups::world::{GroupPolicy, GroupWorld, People};
use crate::plan::groups::{GroupPlan, plan};

use super::collect_error::CollectError;
use super::execute::{Report, execute};
use super::hold::Waiting;
use super::outcome::lines;
use super::part::{Basis, Frame, PartEnd, show, sum_up};
use super::same_pbx::still_the_same;

use super::users;
use collect::{Depth, depth, read, seen};
use effect::GroupHands;
use outcome::skip_record;

pub(crate) use relevance::would_move_groups;

/// What has been decided, and what of it waits for a person.
struct Decided {
    plan: GroupPlan,
    waiting: Option<Waiting>,
    /// Groups of ours before anything is done.
    bound: usize,
}

/// Brings groups in step. Until a run leaves none of them out, each looks at all of them.
pub(super) async fn conduct(
    frame: &Frame<'_>,
    people: Option<People>,
    run: &mut SyncRun,
) -> Result<PartEnd, CollectError> {
    let basis = &frame.basis;
    let people = people_of(basis, people).await?;
    let seen = seen(basis, &people);
    let done = bring_in_step(frame, people, run, &seen).await;
    if !run.request.dry_run {
        let whole = matches!(&done, Ok(end) if end.whole);
        let mark = basis.store().groups_mark(run.connection).await?;
        let wanted = whole.then_some(seen.as_str());
        if mark.as_deref() != wanted {
            frame.store().set_groups_mark(frame.lease, wanted).await?;
        }
    }
    done
}

/// What a full read of both sides would hold now: the judgement an approval is measured against.
pub(super) async fn judge(basis: &Basis<'_>, run: &SyncRun) -> Result<Option<Waiting>, CollectError> {
    let people = people_of(basis, None).await?;
    let policy = policy(basis);
    let world = read(basis, &policy, people, Depth::Full).await?;
    still_the_same(basis, run, SyncPart::Groups).await?;
    let checked = check(plan(&world, &policy), &world, &policy);
    Ok(split(basis, run, checked, &world).waiting)
}

async fn people_of(basis: &Basis<'_>, known: Option<People>) -> Result<People, CollectError> {
    match known {
        Some(people) => Ok(people),
        None => Ok(users::people(&basis.store().bindings(basis.connection.id).await?)),
    }
}

fn policy(basis: &Basis<'_>) -> GroupPolicy {
    let mut groups = basis.settings.groups.clone();
    let switched_off = basis.removal(Part::Groups).is_some();
    if switched_off {
        // No group is chosen, so each of ours is one too many.
        groups.scope = GroupScope {
            kind: ScopeKind::Groups,
            ..GroupScope::default()
        };
        groups.delete_when_out_of_scope = true;
    }
    GroupPolicy {
        groups,
        switched_off,
        safety: basis.settings.safety.clone(),
        now: basis.engine.clock.now(),
        last_good_managed: basis.state.last_good_managed.map(|managed| managed.groups),
    }
}

async fn bring_in_step(
    frame: &Frame<'_>,
    people: People,
    run: &mut SyncRun,
    seen: &str,
) -> Result<PartEnd, CollectError> {
    let basis = &frame.basis;
    let policy = policy(basis);
    let depth = if policy.switched_off {
        Some(Depth::Full)
    } else {
        depth(basis, run, seen).await?
    };
    let Some(depth) = depth else {
        return Ok(PartEnd {
            whole: true,
            idle: true,
            ..PartEnd::default()
        });
    };
    let world = read(basis, &policy, people, depth).await?;
    still_the_same(basis, run, SyncPart::Groups).await?;
    let decided = decide(basis, run, &world, &policy);
    if run.request.dry_run {
        return look(basis, run, decided).await;
    }
    let report = carry_out(frame, run, &decided, &world).await?;
    close(basis, run, decided, report).await
}

fn decide(basis: &Basis<'_>, run: &SyncRun, world: &GroupWorld, policy: &GroupPolicy) -> Decided {
    let mut checked = check(plan(world, policy), world, policy);
    let held = lines(&checked.held, OutcomeKind::Held, basis.stamp(run));
    if basis.approved.cover(&held) {
        checked
            .plan
            .operations
            .splice(0..0, std::mem::take(&mut checked.held));
        checked.plan.operations.sort_by_key(|op| op.phase);
        checked.held_because = None;
    }
    split(basis, run, checked, world)
}

fn split(basis: &Basis<'_>, run: &SyncRun, checked: CheckedGroups, world: &GroupWorld) -> Decided {
    let CheckedGroups {
        plan,
        held,
        held_because,
    } = checked;
    let waiting = held_because.map(|because| Waiting {
        because,
        lines: lines(&held, OutcomeKind::Held, basis.stamp(run)),
    });
    Decided {
        plan,
        waiting,
        bound: world.bindings.len() + world.strays.len(),
    }
}

async fn carry_out(
    frame: &Frame<'_>,
    run: &mut SyncRun,
    decided: &Decided,
    world: &GroupWorld,
) -> Result<Report, CollectError> {
    let mut operations = decided.plan.operations.clone();
    if frame.basis.settings.groups.target == GroupTarget::Organization {
        // An extension's departments stand in one list: two groups at once would write over each other's entry.
        for (operation, phase) in operations.iter_mut().zip(0..) {
            operation.phase = phase;
        }
    }
    run.progress.total = run.progress.done + operations.len() as u64;
    if !operations.is_empty() {
        run.state = RunState::Applying;
        frame.store().put_run(run, frame.lease).await?;
    }
    let hands = GroupHands {
        store: frame.store(),
        pbx: frame.basis.sides.groups.as_ref(),
        clock: frame.basis.engine.clock.as_ref(),
        lease: frame.lease,
        run: run.id,
        people: world.people.extensions.values().map(|own| own.id).collect(),
    };
    let limits = frame.limits(frame.basis.sides.phone_system.write_slots());
    let report = execute(operations, &hands, &limits, &frame.watch(run)).await;
    run.progress.done += report.done;
    let waiting = decided.waiting.as_ref().map_or(0, |waiting| waiting.lines.len());
    let earlier = run
        .counts_by_object
        .get(&ObjectKind::Group)
        .copied()
        .unwrap_or_default();
    let counts = sum_up(
        &earlier,
        &report.counts_of(ObjectKind::Group),
        decided.plan.unchanged,
        decided.plan.skipped.len() + waiting,
    );
    run.counts_by_object.insert(ObjectKind::Group, counts);
    Ok(report)
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
    basis
        .store()
        .append_records(run.connection, &report.unsuccessful)
        .await?;
    let left = if report.done > 0 {
        basis.store().group_bindings(run.connection).await?.len()
    } else {
        decided.bound
    };
    Ok(PartEnd {
        managed: Some(left as u64),
        people: None,
        left_alone: left_alone(basis, run, &decided.plan),
        waiting: decided.waiting,
        whole: report.stopped.is_none() && !report.retry,
        idle: false,
        stopped: report.stopped,
    })
}

fn left_alone(basis: &Basis<'_>, run: &SyncRun, plan: &GroupPlan) -> Vec<OperationRecord> {
    let stamp = basis.stamp(run);
    plan.skipped
        .iter()
        .chain(&plan.remarks)
        .map(|skipped| skip_record(skipped, stamp))
        .collect()
}

async fn look(basis: &Basis<'_>, run: &mut SyncRun, decided: Decided) -> Result<PartEnd, CollectError> {
    let counts = Counts {
        unchanged: decided.plan.unchanged,
        skipped: decided.plan.skipped.len() as u64,
        ..Counts::default()
    };
    run.counts_by_object.insert(ObjectKind::Group, counts);
    let shown = lines(&decided.plan.operations, OutcomeKind::DryRun, basis.stamp(run));
    show(basis, run, shown, decided.waiting.as_ref()).await?;
    Ok(PartEnd {
        managed: Some(decided.bound as u64),
        people: None,
        left_alone: left_alone(basis, run, &decided.plan),
        waiting: decided.waiting,
        whole: true,
        idle: false,
        stopped: None,
    })
}
