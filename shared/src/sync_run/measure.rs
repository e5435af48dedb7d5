//! The numbers of a run, as one line: when it ends, waits for a person, or goes on with the next message. They are of the
//! stretch since the line before, so that those of all lines add up. A look changes nothing, so its numbers are no metrics.

use jiff::Timestamp;

use crate::calls;
use crate::domain::sync_run::{Counts, RunState, SyncRun};
use crate::metrics::RUNS;

/// Where a stretch of a run began.
pub(super) struct Stretch {
    began_at: Timestamp,
    done_before: Counts,
}

impl Stretch {
    /// Begins now.
    pub(super) fn of(run: &SyncRun, now: Timestamp) -> Self {
        Self {
            began_at: now,
            done_before: run.counts(),
        }
    }

    /// What was done since; what was only found is as it is.
    fn counts(&self, run: &SyncRun) -> Counts {
        let (now, before) = (run.counts(), &self.done_before);
        Counts {
            create: now.create.saturating_sub(before.create),
            update: now.update.saturating_sub(before.update),
            bind: now.bind.saturating_sub(before.bind),
            delete: now.delete.saturating_sub(before.delete),
            release: now.release.saturating_sub(before.release),
            ..now
        }
    }

    /// Writes the line.
    pub(super) fn tell(&self, run: &SyncRun, now: Timestamp) {
        let counts = self.counts(run);
        let calls = calls::so_far();
        let duration_ms = now.duration_since(self.began_at).as_millis();
        let duration_ms = u64::try_from(duration_ms).unwrap_or_default();
        macro_rules! line {
            ($target:expr) => {
                tracing::info!(
                    target: $target,
                    {
                    connection.id = %run.connection,
                    sync_run.id = %run.id,
                    sync_run.state = ?run.state,
                    sync_run.trigger = ?run.request.trigger,
                    create = counts.create,
                    update = counts.update,
                    bind = counts.bind,
                    delete = counts.delete,
                    release = counts.release,
                    unchanged = counts.unchanged,
                    skipped = counts.skipped,
                    failed = counts.failed,
                    failed_runs = u64::from(run.state == RunState::Failed),
                    duration_ms,
                    graph_calls = calls.graph,
                    graph_throttles = calls.graph_throttled,
                    pbx_calls = calls.pbx,
                    pbx_throttles = calls.pbx_throttled,
                    },
                    "{}",
                    message(run.state)
                )
            };
        }
        if run.request.dry_run {
            line!(module_path!());
        } else {
            line!(RUNS.target);
        }
    }
}

fn message(state: RunState) -> &'static str {
    match state {
        RunState::Held => "the sync run holds removals until a person decides",
        state if state.is_final() => "the sync run ended",
        _ => "the sync run goes on with the next message",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::calls::counted;
    use crate::domain::operation_record::ObjectKind;
    use crate::domain::sync_run::{RunMode, RunRequest, Trigger};
    use crate::testing::logs::{Logs, all_metrics_of};

    fn run(dry_run: bool) -> SyncRun {
        let request = RunRequest {
            trigger: Trigger::Manual,
            mode: RunMode::Full,
            dry_run,
            user: None,
        };
        SyncRun::queued(uuid::Uuid::from_u128(1).into(), request, Timestamp::UNIX_EPOCH)
    }

    fn later() -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(1_500)
    }

    #[tokio::test]
    async fn numbers_of_all_stretches_add_up() {
        let logs = Logs::of_function("full-sync");
        let mut run = run(false);
        let stretch = Stretch::of(&run, Timestamp::UNIX_EPOCH);
        let made = |create, unchanged| Counts {
            create,
            unchanged,
            ..Counts::default()
        };
        run.counts_by_object.insert(ObjectKind::User, made(3, 10));
        run.state = RunState::Applying;
        counted(async {
            calls::graph();
            calls::pbx();
            calls::pbx();
            stretch.tell(&run, later());
        })
        .await;
        let line = logs.line("the sync run goes on with the next message");
        let metrics = all_metrics_of(&RUNS, &line);
        assert_eq!((metrics["create"], metrics["duration_ms"]), (3.0, 1500.0));
        assert_eq!((metrics["graph_calls"], metrics["pbx_calls"]), (1.0, 2.0));

        let stretch = Stretch::of(&run, later());
        run.counts_by_object.insert(ObjectKind::User, made(5, 8));
        run.state = RunState::Failed;
        stretch.tell(&run, later());
        let metrics = all_metrics_of(&RUNS, &logs.line("the sync run ended"));
        assert_eq!((metrics["create"], metrics["unchanged"]), (2.0, 8.0));
        assert_eq!((metrics["failed_runs"], metrics["graph_calls"]), (1.0, 0.0));
    }

    #[test]
    fn what_a_look_would_change_is_no_metric() {
        let logs = Logs::of_function("full-sync");
        let mut run = run(true);
        let stretch = Stretch::of(&run, Timestamp::UNIX_EPOCH);
        run.state = RunState::Succeeded;
        stretch.tell(&run, later());
        let line = logs.line("the sync run ended");
        assert_eq!((&line["create"], line.get("_aws")), (&0.into(), None));
    }
}
