//! A side that is down, slow, lying or shut: nobody is removed, nothing is doubled, the admin reads why, and it resumes
//! by itself.

use std::time::Duration;

use http::Method;
use serde_json::json;
use shared::deadline::Deadline;
use shared::domain::connection::{AppCredential, ConnectionStatus};
use shared::domain::operation_record::OutcomeKind;
use shared::domain::sync_run::{RunMode, RunRequest, RunState, SyncRun, Trigger};
use shared::ports::SyncHint;
use shared::sync_run::Engine;
use shared::sync_run::request::request_run;
use shared::sync_run::run::{RunEnd, run_due};
use simulators::graph::{Fault as GraphFault, FaultKind as GraphFaultKind};
use simulators::pbx::{Fault, FaultKind, KeyPair, TooMany};

use crate::connect::api;
use crate::stage::{APP, Stage, TENANT, person};

async fn staffed(count: usize) -> Stage {
    let people: Vec<_> = (0..count).map(|n| person(&format!("P{n:03} Example"))).collect();
    let stage = Stage::with(&people, Vec::new()).await;
    stage.settings(|_| {}).await;
    stage
}

fn on_users(kind: &GraphFaultKind) -> GraphFault {
    serde_json::from_value(json!({"path": "/v1.0/users*", "times": 1000, "kind": kind})).unwrap()
}

#[tokio::test]
async fn a_copy_of_the_directory_that_lags_behind_removes_nobody() {
    let stage = staffed(3).await;
    stage.sync(RunMode::Full).await;
    let behind = GraphFault::new("/v1.0/directoryObjects/getByIds", GraphFaultKind::Behind);
    stage.graph.add_fault(behind);
    let person = stage.id("P000 Example");
    let alone = async || {
        let request = RunRequest {
            trigger: Trigger::Manual,
            mode: RunMode::Full,
            dry_run: false,
            user: Some(person.into()),
        };
        let id = request_run(&stage.engine, stage.connection, request)
            .await
            .unwrap();
        stage.drive().await.unwrap();
        stage.run(id).await
    };
    assert_eq!(alone().await.state, RunState::Succeeded);
    assert_eq!(stage.extensions().len(), 3);
    // Whoever is really gone is, by whatever way one asks.
    stage.graph.delete_user(TENANT, person).unwrap();
    assert_eq!(alone().await.counts().delete, 1);
    assert_eq!(stage.extensions().len(), 2);
}

#[tokio::test]
async fn a_directory_that_is_down_or_cut_off_removes_nobody() {
    for kind in [
        GraphFaultKind::Html502,
        GraphFaultKind::Empty503,
        GraphFaultKind::Drop,
        GraphFaultKind::Truncate,
        GraphFaultKind::BadJson,
    ] {
        let stage = staffed(3).await;
        stage.sync(RunMode::Full).await;
        let told = format!("{kind:?}");
        stage.graph.add_fault(on_users(&kind));
        let run = stage.sync(RunMode::Full).await;
        assert_eq!(run.state, RunState::Failed, "{told}");
        assert!(run.error.is_some(), "{told}");
        assert_eq!(stage.extensions().len(), 3, "{told}");
        stage.graph.clear_faults();
        stage.clock.advance(Duration::from_mins(15));
        assert!(
            matches!(stage.drive().await.unwrap(), RunEnd::Finished(_)),
            "it probes again by itself: {told}"
        );
        let work = stage
            .engine
            .store
            .work_state(stage.connection)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((work.failures_in_row, work.counts.extensions), (0, 3), "{told}");
    }
}

#[tokio::test]
async fn an_expired_secret_is_said_on_the_connection_and_cleared_by_the_first_success() {
    let stage = staffed(1).await;
    stage
        .graph
        .add_secret(TENANT, APP, "another", "2028-01-01T00:00:00Z".parse().unwrap())
        .unwrap();
    stage
        .graph
        .expire_secret(TENANT, APP, "a-secret~with+signs/")
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Failed);
    let ConnectionStatus::NeedsAttention { reason, .. } = stage.status().await else {
        unreachable!("{run:?}")
    };
    assert!(reason.contains("expired"), "{reason}");
    let mut secrets = stage
        .engine
        .store
        .secrets(stage.connection)
        .await
        .unwrap()
        .unwrap();
    secrets.app = AppCredential::secret("another");
    stage
        .engine
        .store
        .save_secrets(stage.connection, &secrets)
        .await
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(
        (run.state, stage.status().await),
        (RunState::Succeeded, ConnectionStatus::Connected)
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let stage = staffed(1).await;
    stage.graph.revoke_role(TENANT, APP, "User.Read.All").unwrap();
    stage.graph.revoke_role(TENANT, APP, "Directory.Read.All").ok();
    let run = stage.sync(RunMode::Full).await;
    assert!(run.error.unwrap().contains("User.Read.All"));
}

#[tokio::test]
async fn a_pbx_that_shuts_us_out_stops_the_run_with_one_sentence() {
    for (code, word) in [(70004, "block"), (70087, "allow"), (70123, "API")] {
        let stage = staffed(40).await;
        stage
            .pbx
            .fault(Fault::forever("extension/create", FaultKind::Errcode { code }).after(5));
        let run = stage.sync(RunMode::Full).await;
        assert_eq!(run.state, RunState::Failed, "{code}");
        let sentence = run.error.clone().unwrap();
        assert!(sentence.contains(word), "{code}: {sentence}");
        assert!(
            stage.pbx.requests("extension/create") < 30,
            "{code}: it does not knock on"
        );
        let not_tried = stage
            .records(run.id)
            .await
            .iter()
            .filter(|l| l.outcome == OutcomeKind::NotAttempted)
            .count();
        assert!(not_tried > 0, "{code}");
    }
}

#[tokio::test]
async fn a_pbx_that_stops_answering_ends_the_run_and_nothing_is_doubled_afterwards() {
    let stage = staffed(60).await;
    stage
        .pbx
        .fault(Fault::forever("extension/*", FaultKind::DropAfterCommit).after(10));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Failed);
    stage.pbx.clear_faults();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().failed), (RunState::Succeeded, 0));
    let mails: std::collections::BTreeSet<String> =
        stage.extensions().into_values().map(|f| f.email).collect();
    assert_eq!((stage.extensions().len(), mails.len()), (60, 60));
    assert_eq!(stage.bindings().await.len(), 60);
}

#[tokio::test]
async fn lost_answers_are_looked_after_within_the_run() {
    let stage = staffed(3).await;
    stage.sync(RunMode::Full).await;
    stage.graph.create_user(TENANT, &person("Late Example")).unwrap();
    stage
        .pbx
        .fault(Fault::once("extension/create", FaultKind::DropAfterCommit));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().create), (RunState::Succeeded, 1));
    stage
        .pbx
        .fault(Fault::once("extension/delete", FaultKind::DropAfterCommit));
    stage.graph.delete_user(TENANT, stage.id("P000 Example")).unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(
        (run.state, run.counts().delete, stage.extensions().len()),
        (RunState::Succeeded, 1, 3)
    );
}

#[tokio::test]
async fn a_run_that_must_stop_goes_on_where_it_was() {
    let stage = staffed(30).await;
    let id = stage.ask(RunMode::Full, false).await;
    let stop = Deadline::when_asked();
    stop.ask();
    assert_eq!(stage.drive_until(&stop).await.unwrap(), RunEnd::Continues(id));
    assert_eq!(stage.run(id).await.state, RunState::Applying);
    assert_eq!(stage.drive().await.unwrap(), RunEnd::Finished(id));
    let run = stage.run(id).await;
    assert_eq!((run.state, run.counts().create), (RunState::Succeeded, 30));
}

#[tokio::test]
async fn a_licence_that_is_full_is_said_for_each_person_left_out() {
    let stage = staffed(5).await;
    stage.pbx.change_settings(|settings| settings.capacity = 3);
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().create, run.counts().skipped), (3, 2));
    let skips = stage
        .engine
        .store
        .skips(stage.connection, &run.skips.unwrap())
        .await
        .unwrap();
    assert!(skips.iter().all(|skip| skip.reason_text.contains("licence")));
}

/// Some firmware answers with the first of the extensions that were asked for, and says nothing of the others.
#[tokio::test]
async fn answers_that_are_cut_short_double_nobody() {
    let stage = staffed(12).await;
    stage.sync(RunMode::Full).await;
    stage.pbx.change_settings(|settings| {
        settings.behaviour.max_query_ids = Some(5);
        settings.behaviour.too_many_query_ids = TooMany::Cut;
    });
    for mode in [RunMode::Full, RunMode::Delta] {
        let run = stage.sync(mode).await;
        assert_eq!(
            (run.state, run.progress.total),
            (RunState::Succeeded, 0),
            "{mode:?}"
        );
        assert_eq!(stage.extensions().len(), 12, "{mode:?}");
    }
}

#[tokio::test]
async fn a_dead_connection_does_not_delay_another() {
    let sick = staffed(1).await;
    let well = staffed(1).await;
    sick.pbx.fault(Fault::forever("*", FaultKind::DropBefore));
    sick.ask(RunMode::Full, false).await;
    let (_, run) = tokio::join!(sick.drive(), well.sync(RunMode::Full));
    assert_eq!(run.state, RunState::Succeeded);
}

#[tokio::test]
async fn refused_pbx_credentials_are_tried_once_and_never_by_the_clock() {
    for code in [40_002, -1, 60_001, 10_009] {
        refused_by(code).await;
    }
}

async fn refused_by(code: i64) {
    let stage = staffed(1).await;
    stage
        .pbx
        .change_settings(|settings| settings.behaviour.wrong_credentials_errcode = code);
    stage
        .pbx
        .set_api_credentials(KeyPair::new("simulated-client-id", "another secret"));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Failed);
    for _ in 0..10 {
        stage.clock.advance(Duration::from_hours(24));
        assert_eq!(stage.drive().await.unwrap(), RunEnd::NothingDue);
    }
    assert_eq!(stage.pbx.requests("get_token"), 1);
    assert!(matches!(
        stage.status().await,
        ConnectionStatus::NeedsAttention { .. }
    ));
    // Another process, asked by a person, knows it from the table.
    let run = request_run_in(&stage, &stage.fresh_process()).await;
    assert!(run.error.unwrap().contains("Client Secret"));
    assert_eq!(stage.pbx.requests("get_token"), 1);
}

async fn request_run_in(stage: &Stage, engine: &Engine) -> SyncRun {
    let id = stage.ask(RunMode::Full, false).await;
    let hint = SyncHint {
        connection_id: stage.connection,
        trigger: Trigger::Manual,
        run_id: None,
    };
    run_due(engine, &hint, &Deadline::when_asked()).await.unwrap();
    stage.run(id).await
}

#[tokio::test]
async fn pbx_credentials_that_are_good_again_are_taken_up_by_every_process() {
    let stage = staffed(1).await;
    let other = stage.fresh_process();
    let right = KeyPair::new("simulated-client-id", "simulated-client-secret");
    stage
        .pbx
        .set_api_credentials(KeyPair::new("simulated-client-id", "another secret"));
    assert_eq!(stage.sync(RunMode::Full).await.state, RunState::Failed);
    let run = request_run_in(&stage, &other).await;
    assert_eq!(run.state, RunState::Failed);
    stage.pbx.set_api_credentials(right);
    let (status, answer) = api(&stage, Method::PATCH, "", Some(json!({"pbx": {}}))).await;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("connected")),
        "{answer}"
    );
    assert!(
        matches!(stage.drive().await.unwrap(), RunEnd::Finished(_)),
        "nobody has to ask"
    );
    assert_eq!(stage.extensions().len(), 1);
    let run = request_run_in(&stage, &other).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
}
