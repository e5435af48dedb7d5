//! Whoever looks for a run in the log finds all of it by its id, and its numbers in one line.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::sync_run::RunMode;
use shared::metrics::{CONNECTIONS, RUNS};
use shared::settings::LogFormat;
use shared::testing::logs::{Logs, all_metrics_of, metrics_of};
use simulators::graph::{Fault, FaultKind};

use crate::follower::Follower;
use crate::stage::{Stage, person};

fn throttled() -> Fault {
    let kind = FaultKind::Throttle {
        retry_after: Some("2".to_owned()),
    };
    serde_json::from_value(json!({"path": "/v1.0/users*", "times": 1, "kind": kind})).unwrap()
}

/// Lines that our own code wrote.
fn ours(logs: &Logs) -> Vec<Value> {
    let of_us = |line: &Value| {
        let target = line["target"].as_str().unwrap_or_default();
        target.starts_with("shared::") || target.starts_with("metrics::")
    };
    logs.lines().into_iter().filter(of_us).collect()
}

#[tokio::test]
async fn every_line_of_a_run_names_it_and_the_last_one_has_its_numbers() {
    let stage = Stage::with(&[person("Ann Example"), person("Bob Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.graph.add_fault(throttled());
    let filter = "info,shared::graph=debug,shared::pbx=debug";
    let logs = Logs::listen(LogFormat::Json, filter, Some("stack-full-sync"));
    let run = stage.sync(RunMode::Full).await;
    let lines = ours(&logs);
    assert!(lines.len() > 3, "{}", logs.text());
    for line in &lines {
        assert_eq!(line["sync_run.id"], run.id.to_string(), "{line}");
        assert_eq!(line["connection.id"], stage.connection.to_string(), "{line}");
    }
    let metrics = all_metrics_of(&RUNS, &logs.line("the sync run ended"));
    let (create, throttles, failed) = (
        metrics["create"],
        metrics["graph_throttles"],
        metrics["failed_runs"],
    );
    assert_eq!((create, throttles, failed), (2.0, 1.0, 0.0));
    assert!(
        metrics["graph_calls"] >= 2.0 && metrics["pbx_calls"] >= 3.0,
        "{metrics:?}"
    );
    assert!(
        metrics["duration_ms"] >= 2_000.0,
        "it waited two seconds: {metrics:?}"
    );
}

#[tokio::test]
async fn a_second_run_is_counted_from_the_start() {
    let stage = Stage::with(&[person("Ann Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    let logs = Logs::of_function("stack-full-sync");
    stage.sync(RunMode::Full).await;
    let metrics = all_metrics_of(&RUNS, &logs.line("the sync run ended"));
    assert_eq!((metrics["create"], metrics["unchanged"]), (0.0, 1.0));
    assert!(metrics["graph_calls"] < 10.0, "{metrics:?}");
}

#[tokio::test]
async fn an_attended_connection_is_told_in_numbers_for_the_alarms() {
    let stage = Stage::with(&[person("Ann Example")], Vec::new()).await;
    let follower = Follower::of(stage, |_| {}).await;
    let logs = Logs::of_function("stack-scheduler");
    follower.stage.clock.advance(Duration::from_hours(1));
    follower.attend().await;
    let line = logs.line("the connection was attended to");
    let metrics = metrics_of(&CONNECTIONS, &line);
    assert!(metrics["hours_since_good_run"] >= 1.0, "{metrics:?}");
    assert!(metrics["subscription_ends_in_hours"] > 0.0, "{metrics:?}");
    assert!(metrics["held_plans"] < 1.0, "{metrics:?}");
    for line in ours(&logs) {
        assert_eq!(
            line["connection.id"],
            follower.stage.connection.to_string(),
            "{line}"
        );
    }
}
