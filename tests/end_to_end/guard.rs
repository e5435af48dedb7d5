//! Removals over the limit wait for a person: approve, reject, changed sources, cancel.

use std::time::Duration;

use serde_json::json;
use shared::domain::operation_record::OutcomeKind;
use shared::domain::sync_run::{RunMode, RunState, SyncRun, Trigger};
use shared::sync_run::approval::{VerdictError, approve, cancel, reject};
use shared::sync_run::run::RunEnd;

use crate::proxy::Cut;
use crate::stage::{Stage, TENANT, person};

fn name(n: usize) -> String {
    format!("P{n:03} Example")
}

/// 30 people, of whom the first `leavers` are deleted since the last run; one of the others got a title.
async fn held(leavers: usize) -> (Stage, SyncRun) {
    let people: Vec<_> = (0..30).map(|n| person(&name(n))).collect();
    let stage = Stage::with(&people, Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    for n in 0..leavers {
        stage.graph.delete_user(TENANT, stage.id(&name(n))).unwrap();
    }
    stage.edit(&name(29), &json!({"jobTitle": "Manager"}));
    let run = stage.sync(RunMode::Full).await;
    (stage, run)
}

#[tokio::test]
async fn held_removals_wait_while_the_rest_goes_on() {
    let (stage, run) = held(11).await;
    assert_eq!(
        (run.state, run.counts().update, run.counts().delete),
        (RunState::Held, 1, 0)
    );
    assert_eq!(stage.extensions().len(), 30);
    let lines = stage.engine.store.held(stage.connection, run.id).await.unwrap();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.outcome == OutcomeKind::Held)
            .count(),
        11
    );
    assert!(run.held.unwrap().because.contains("11 of 30"));
}

#[tokio::test]
async fn an_approval_removes_exactly_what_was_held() {
    let (stage, run) = held(11).await;
    approve(&stage.engine, stage.connection, run.id).await.unwrap();
    assert_eq!(stage.drive().await.unwrap(), RunEnd::Finished(run.id));
    let run = stage.run(run.id).await;
    assert_eq!((run.state, run.counts().delete), (RunState::Succeeded, 11));
    assert_eq!(stage.extensions().len(), 19);
    assert!(matches!(
        approve(&stage.engine, stage.connection, run.id).await,
        Err(VerdictError::AlreadyOver)
    ));
}

/// 20 removals were approved and the process died while they were carried out.
async fn cut_in_the_middle() -> (Stage, SyncRun) {
    let (stage, run) = held(20).await;
    approve(&stage.engine, stage.connection, run.id).await.unwrap();
    stage.scissors.cut_at(16, Cut::Before);
    drop(stage.drive().await);
    stage.scissors.heal();
    let left = stage.extensions().len();
    assert!(
        left < 30 && left > 20,
        "more than go without a word are left: {left}"
    );
    // Longer than the lease of the dead lives.
    stage.clock.advance(Duration::from_mins(20));
    (stage, run)
}

#[tokio::test]
async fn an_approval_holds_for_what_is_left_after_a_cut() {
    let (stage, run) = cut_in_the_middle().await;
    assert_eq!(stage.drive().await.unwrap(), RunEnd::Finished(run.id));
    assert_eq!(stage.run(run.id).await.state, RunState::Succeeded);
    assert_eq!(stage.extensions().len(), 10);
}

#[tokio::test]
async fn an_approval_does_not_hold_for_whoever_left_after_a_cut() {
    let (stage, run) = cut_in_the_middle().await;
    let left = stage.extensions().len();
    stage.graph.delete_user(TENANT, stage.id(&name(25))).unwrap();
    stage.drive().await.unwrap();
    assert_eq!(
        (stage.run(run.id).await.state, stage.extensions().len()),
        (RunState::Held, left)
    );
}

#[tokio::test]
async fn an_approval_after_the_sources_changed_holds_what_would_be_removed_now() {
    let (stage, run) = held(11).await;
    stage.graph.delete_user(TENANT, stage.id(&name(12))).unwrap();
    let refused = approve(&stage.engine, stage.connection, run.id).await;
    assert!(
        matches!(refused, Err(VerdictError::Changed { .. })),
        "{refused:?}"
    );
    let lines = stage.engine.store.held(stage.connection, run.id).await.unwrap();
    assert_eq!(lines.len(), 12);
    approve(&stage.engine, stage.connection, run.id).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 18);
}

#[tokio::test]
async fn other_changes_than_removals_do_not_matter_to_an_approval() {
    let (stage, run) = held(11).await;
    stage.edit(&name(20), &json!({"jobTitle": "Director"}));
    approve(&stage.engine, stage.connection, run.id).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 19);
}

#[tokio::test]
async fn a_rejection_keeps_everybody_and_the_next_run_asks_again() {
    let (stage, run) = held(11).await;
    reject(&stage.engine, stage.connection, run.id).await.unwrap();
    let rejected = stage
        .records(run.id)
        .await
        .into_iter()
        .filter(|line| line.outcome == OutcomeKind::Rejected)
        .count();
    assert_eq!(
        (stage.run(run.id).await.state, rejected),
        (RunState::Succeeded, 11)
    );
    let next = stage.sync(RunMode::Full).await;
    assert_eq!((next.state, stage.extensions().len()), (RunState::Held, 30));
}

#[tokio::test]
async fn a_later_run_takes_the_held_removals_over() {
    let (stage, first) = held(11).await;
    let second = stage.sync(RunMode::Full).await;
    assert_eq!(
        (stage.run(first.id).await.state, second.state),
        (RunState::Cancelled, RunState::Held)
    );
}

#[tokio::test]
async fn a_directory_that_returns_nobody_removes_nobody() {
    let (stage, _) = held(0).await;
    for n in 0..30 {
        stage.graph.delete_user(TENANT, stage.id(&name(n))).unwrap();
    }
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.state, stage.extensions().len()), (RunState::Held, 30));
    assert!(run.held.unwrap().because.contains("nobody"));
}

#[tokio::test]
async fn a_waiting_run_that_is_called_off_starts_nothing() {
    let (stage, _) = held(0).await;
    stage.edit(&name(1), &json!({"jobTitle": "Manager"}));
    let id = stage.ask(RunMode::Full, false).await;
    cancel(&stage.engine, stage.connection, id).await.unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.run(id).await.state, RunState::Cancelled);
    assert_eq!(stage.extensions()["2001"].title, "");
    let runs = stage
        .engine
        .store
        .runs(stage.connection, 10, None)
        .await
        .unwrap()
        .items;
    assert!(
        runs.iter().all(|run| run.request.trigger == Trigger::Manual),
        "no scheduled run came in its place"
    );
}
