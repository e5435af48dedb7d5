//! How many requests a run may cost: the minimum, counted on the other sides.

use serde_json::json;
use shared::domain::sync_run::RunMode;

use crate::stage::{Stage, person};

async fn crowd(count: usize) -> Stage {
    let people: Vec<_> = (0..count).map(|n| person(&format!("P{n:04} Example"))).collect();
    let stage = Stage::with(&people, Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.graph.clear_requests();
    stage.pbx.reset_counters();
    stage.scissors.heal();
    stage
}

fn graph_calls(stage: &Stage) -> usize {
    stage
        .graph
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/v1.0"))
        .count()
}

#[tokio::test]
async fn a_full_run_without_changes_costs_the_minimum() {
    let stage = crowd(250).await;
    stage.sync(RunMode::Full).await;
    assert_eq!(graph_calls(&stage), 1, "250 people are one page");
    let counters = stage.pbx.counters();
    assert_eq!(counters.requests.get("extension/list").copied(), Some(1));
    assert_eq!(
        counters.requests.get("extension/query").copied(),
        Some(3),
        "details come by the hundred"
    );
    assert_eq!(
        stage.pbx.counters().requests.values().sum::<u64>(),
        4,
        "{counters:?}"
    );
}

#[tokio::test]
async fn changed_people_cost_one_write_each() {
    let stage = crowd(120).await;
    for n in 0..7 {
        stage.edit(&format!("P{n:04} Example"), &json!({"jobTitle": "Manager"}));
    }
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.pbx.requests("extension/update"), 7);
    assert_eq!(stage.pbx.counters().requests.values().sum::<u64>(), 1 + 2 + 7);
}
