//! How many requests a run may cost: the minimum, counted on the other sides.

use serde_json::json;
use shared::domain::sync_run::RunMode;

use crate::office::Office;
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

#[tokio::test]
async fn groups_cost_one_list_and_their_members_twenty_at_a_time() {
    let names: Vec<String> = (0..30).map(|n| format!("P{n:02} Example")).collect();
    let office = Office::with(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for n in 0..45 {
        office.group(&format!("Group {n:02}"), &[names[n % 30].as_str()]);
    }
    let stage = &office.stage;
    stage.sync(RunMode::Full).await;
    stage.graph.clear_requests();
    stage.pbx.reset_counters();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.progress.total, 0);
    let over_the_wire = stage
        .graph
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/v1.0") && !request.in_batch)
        .count();
    assert_eq!(
        over_the_wire,
        1 + 1 + 3,
        "people, groups, and 45 groups' members in three batches"
    );
    let counters = stage.pbx.counters();
    assert_eq!(counters.requests.get("extensiongroup/list").copied(), Some(1));
    assert_eq!(counters.requests.get("extensiongroup/query").copied(), Some(1));
    // Extensions cost one list and one call for their details.
    assert_eq!(counters.requests.values().sum::<u64>(), 4, "{counters:?}");
}
