//! The run itself: collect, plan, check, execute, record. Everything about leases, due times and the connection's
//! status is around it, in `run`.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::deadline::Deadline;
use crate::domain::change::Changes;
use crate::domain::connection::Connection;
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::operation_record::{ObjectKind, OperationRecord, OutcomeKind};
use crate::domain::settings::ConnectionSettings;
use crate::domain::sync_run::{Counts, Held, Progress, RunState, SyncRun, Verdict};
use crate::plan::check::{Checked, check, removals_digest};
use crate::plan::operation::{Change, Operation, Skipped};
use crate::plan::snapshot::{Policy, World};
use crate::plan::{Plan, plan};
use crate::ports::Sides;
use crate::store::{Lease, ManagedCounts, Store, StoreError, WorkState};

use super::Engine;
use super::collect::{CollectError, Collected, Task, collect, collect_again};
use super::effect::Hands;
use super::execute::{Limits, Report, Stopped, execute};
use super::failure::{RunFailure, lasting};
use super::outcome::{Stamp, record, skip_record};
use super::run::{RunError, managed};
use super::watch::Watch;

/// How often one run plans again because the PBX refused numbers that looked free: enough to walk past the queues and
/// ring groups of a usual PBX; the rest comes with the next run.
const ROUNDS: u32 = 5;

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
    pub counts: Option<ManagedCounts>,
    /// Whether everything that was read was carried out, or waits for a person.
    pub whole: bool,
}

struct Conductor<'a> {
    engine: &'a Engine,
    lease: &'a Lease,
    sides: Sides,
    settings: ConnectionSettings,
    pending: Changes,
    state: &'a WorkState,
    deadline: &'a Deadline,
}

/// Runs `run` and notes its progress in it.
pub(super) async fn conduct(
    engine: &Engine,
    task: Errand<'_>,
    run: &mut SyncRun,
) -> Result<Conducted, RunError> {
    let Errand {
        lease,
        connection,
        state,
        pending,
        deadline,
    } = task;
    let settings = engine
        .store
        .settings(connection.id)
        .await?
        .map(|stored| stored.value)
        .unwrap_or_default();
    // What a paused part would do may be looked at; that is how rules are tried before they are switched on.
    if !settings.users.enabled && !run.request.dry_run {
        return Ok(Conducted {
            end: End::Done,
            counts: None,
            whole: true,
        });
    }
    let Some(secrets) = engine.store.secrets(connection.id).await? else {
        let sentence = "the secrets of this connection are missing; enter them again".to_owned();
        return Ok(Conducted {
            end: End::Failed(lasting(sentence)),
            counts: None,
            whole: false,
        });
    };
    let sides = engine.sides.sides(connection, &secrets)?;
    let conductor = Conductor {
        engine,
        lease,
        sides,
        settings,
        pending,
        state,
        deadline,
    };
    if run.state != RunState::Reading {
        run.state = RunState::Reading;
        engine.store.put_run(run, lease).await?;
    }
    match conductor.rounds(run).await {
        Ok(conducted) => Ok(conducted),
        Err(CollectError::Store(error)) => Err(error.into()),
        Err(error) => Ok(Conducted {
            end: End::Failed((&error).into()),
            counts: None,
            whole: false,
        }),
    }
}

impl Conductor<'_> {
    fn store(&self) -> &Store {
        &self.engine.store
    }

    fn policy(&self) -> Policy {
        Policy {
            users: self.settings.users.clone(),
            safety: self.settings.safety.clone(),
            now: self.engine.clock.now(),
            last_good_managed: self.state.last_good_managed,
        }
    }

    async fn rounds(&self, run: &mut SyncRun) -> Result<Conducted, CollectError> {
        let task = Task {
            connection: run.connection,
            request: &run.request.clone(),
            users: &self.settings.users,
            fingerprint: self.settings.rules_fingerprint(),
            pending: &self.pending,
            store: self.store(),
            sides: &self.sides,
        };
        let Collected { mut world, cursors } = collect(&task).await?;
        let earlier = run.counts();
        let mut done = earlier;
        let mut round = 1;
        loop {
            let checked = self.decide(run, &mut world).await?;
            if run.request.dry_run {
                return self.show(run, &checked, &world).await;
            }
            let report = self.carry_out(run, &checked, &mut done).await?;
            if report.numbers_refused && report.stopped.is_none() && round < ROUNDS {
                round += 1;
                world = collect_again(&task, world.directory).await?;
                continue;
            }
            let whole = report.stopped.is_none() && !report.retry && run.request.user.is_none();
            if whole {
                for (kind, cursor) in &cursors {
                    self.store()
                        .put_cursor(self.lease, kind.key(), cursor, &task.fingerprint)
                        .await?;
                }
            }
            return self.record(run, checked, report, world.bindings.len()).await;
        }
    }

    /// Plan and check; the licence is asked about only when something is to be made.
    async fn decide(&self, run: &SyncRun, world: &mut World) -> Result<Checked, CollectError> {
        let policy = self.policy();
        let plan = plan(world, &policy);
        let creates = plan
            .operations
            .iter()
            .any(|op| matches!(op.change, Change::Create { .. }));
        if creates {
            world.phone_system.capacity = self.sides.phone_system.capacity().await?;
        }
        let mut checked = check(plan, world, &policy);
        let approved = run
            .held
            .as_ref()
            .filter(|held| held.verdict == Some(Verdict::Approved));
        if approved.is_some_and(|held| held.removals == removals_digest(&checked.held)) {
            // Held removals belong to the first phase, before everything that was left in the plan.
            checked
                .plan
                .operations
                .splice(0..0, std::mem::take(&mut checked.held));
            checked.plan.operations.sort_by_key(|op| op.phase);
            checked.held_because = None;
        }
        Ok(checked)
    }

    async fn carry_out(
        &self,
        run: &mut SyncRun,
        checked: &Checked,
        done: &mut Counts,
    ) -> Result<Report, CollectError> {
        let Plan {
            operations,
            skipped,
            remarks: _,
            unchanged,
        } = &checked.plan;
        run.progress.total = run.progress.done + operations.len() as u64;
        if !operations.is_empty() {
            run.state = RunState::Applying;
            self.store().put_run(run, self.lease).await?;
        }
        let hands = Hands {
            store: self.store(),
            pbx: self.sides.phone_system.as_ref(),
            clock: self.engine.clock.as_ref(),
            lease: self.lease,
            run: run.id,
        };
        let watch = Watch {
            store: self.store(),
            lease: self.lease,
            run: run.clone(),
            before: run.progress.done,
        };
        let report = execute(
            operations.clone(),
            hands,
            &Limits {
                deadline: self.deadline.clone(),
            },
            &watch,
        )
        .await;
        run.progress.done += report.done;
        let in_step_since = done.create + done.update + done.bind;
        let mut counts = *done;
        counts.skipped = 0;
        counts.failed = 0;
        counts.add(&report.counts);
        // People brought in step earlier in this run are not counted a second time as unchanged.
        counts.unchanged = unchanged.saturating_sub(in_step_since);
        counts.skipped += skipped.len() as u64 + checked.held.len() as u64;
        *done = Counts {
            unchanged: 0,
            skipped: 0,
            failed: 0,
            ..counts
        };
        run.counts_by_object.insert(ObjectKind::User, counts);
        Ok(report)
    }

    async fn record(
        &self,
        run: &mut SyncRun,
        checked: Checked,
        report: Report,
        bindings_before: usize,
    ) -> Result<Conducted, CollectError> {
        let whole = report.stopped.is_none() && !report.retry;
        let end = match report.stopped {
            Some(Stopped::OutOfTime) => {
                return Ok(Conducted {
                    end: End::OutOfTime,
                    counts: None,
                    whole: false,
                });
            }
            Some(Stopped::Cancelled) => End::Cancelled,
            Some(stopped) => RunFailure::of_stop(&stopped).map_or(End::Done, End::Failed),
            None if checked.held.is_empty() => End::Done,
            None => End::Held,
        };
        self.store()
            .append_records(run.connection, &report.unsuccessful)
            .await?;
        self.note_skips(run, &checked.plan).await?;
        if !checked.held.is_empty() {
            self.hold(run, &checked).await?;
        }
        let changed = run.progress.done > 0;
        let left = if changed {
            self.store().bindings(run.connection).await?.len()
        } else {
            bindings_before
        };
        Ok(Conducted {
            end,
            counts: Some(managed(left)),
            whole,
        })
    }

    async fn note_skips(&self, run: &mut SyncRun, plan: &Plan) -> Result<(), StoreError> {
        let stamp = Stamp {
            at: self.engine.clock.now(),
            run: run.id,
        };
        let lines: Vec<OperationRecord> = plan
            .skipped
            .iter()
            .chain(&plan.remarks)
            .map(|skipped| skip_record(skipped, stamp))
            .collect();
        run.skips = None;
        if !lines.is_empty() {
            let digest = skips_digest(&plan.skipped, &plan.remarks);
            self.store().put_skips(run.connection, &digest, &lines).await?;
            run.skips = Some(digest);
        }
        Ok(())
    }

    async fn hold(&self, run: &mut SyncRun, checked: &Checked) -> Result<(), StoreError> {
        let now = self.engine.clock.now();
        run.state = RunState::Held;
        run.held = Some(held(checked, now));
        let stamp = Stamp { at: now, run: run.id };
        let lines = lines(&checked.held, OutcomeKind::Held, stamp);
        self.store().put_held(run.connection, run.id, &lines).await?;
        if let Some(older) = self.state.held_run.filter(|older| *older != run.id) {
            supersede(self.store(), run.connection, older, run.id, now).await?;
        }
        Ok(())
    }

    /// The dry run: everything that would happen, as lines; nothing is written but them.
    async fn show(
        &self,
        run: &mut SyncRun,
        checked: &Checked,
        world: &World,
    ) -> Result<Conducted, CollectError> {
        let stamp = Stamp {
            at: self.engine.clock.now(),
            run: run.id,
        };
        let operations: Vec<Operation> = checked
            .plan
            .operations
            .iter()
            .chain(&checked.held)
            .cloned()
            .collect();
        self.store()
            .append_records(run.connection, &lines(&operations, OutcomeKind::DryRun, stamp))
            .await?;
        self.note_skips(run, &checked.plan).await?;
        let mut counts = Counts {
            unchanged: checked.plan.unchanged,
            ..Counts::default()
        };
        for operation in &operations {
            super::outcome::count(&mut counts, operation.kind(), &super::outcome::Outcome::Applied);
        }
        counts.skipped += checked.plan.skipped.len() as u64;
        run.counts_by_object.insert(ObjectKind::User, counts);
        run.progress = Progress {
            done: operations.len() as u64,
            total: operations.len() as u64,
        };
        run.held = checked.held_because.as_ref().map(|_| held(checked, stamp.at));
        Ok(Conducted {
            end: End::Done,
            counts: Some(managed(world.bindings.len())),
            whole: true,
        })
    }
}

/// Who is left alone and why, without when: the same list again is not stored again.
fn skips_digest(skipped: &[Skipped], remarks: &[Skipped]) -> String {
    let mut hash = Sha256::new();
    for skip in skipped.iter().chain(remarks) {
        let Skipped {
            user,
            name,
            reason,
            detail,
            number,
        } = skip;
        hash.update(format!(
            "{user}\u{0}{name}\u{0}{reason:?}\u{0}{detail}\u{0}{number:?}\n"
        ));
    }
    hex::encode(hash.finalize())
}

/// What waits, in words and as a fingerprint.
pub(super) fn held(checked: &Checked, now: Timestamp) -> Held {
    Held {
        because: checked.held_because.clone().unwrap_or_default(),
        removals: removals_digest(&checked.held),
        count: checked.held.len() as u64,
        since: now,
        verdict: None,
    }
}

/// Operations as lines of one outcome.
pub(super) fn lines(operations: &[Operation], outcome: OutcomeKind, stamp: Stamp) -> Vec<OperationRecord> {
    operations
        .iter()
        .map(|operation| record(operation, outcome, stamp))
        .collect()
}

/// A later run holds the removals anew; the older one has nothing left to approve.
async fn supersede(
    store: &Store,
    connection: ConnectionId,
    older: SyncRunId,
    newer: SyncRunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut run) = store.run(connection, older).await? else {
        return Ok(());
    };
    if run.state != RunState::Held {
        return Ok(());
    }
    run.state = RunState::Cancelled;
    run.finished_at = Some(now);
    run.error = Some(format!("the run {newer} looked again and holds the removals now"));
    store.put_new_run(&run).await
}
