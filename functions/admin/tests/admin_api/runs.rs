//! Asking for runs, and people's word on them.

use axum::http::Method;
use serde_json::{Value, json};
use shared::domain::connection::ConnectionStatus;
use shared::domain::sync_run::{Held, RunMode, RunRequest, RunState, SyncRun, Trigger};

use crate::harness::{Call, NOBODY, World, connection, path};

fn start(body: &Value) -> Call {
    Call::post(path("/sync-runs"), body)
}

// spec: 154, 155
#[tokio::test]
async fn one_run_waits_and_a_further_request_joins_it() {
    let world = World::connected().await;
    let first = world.call(start(&json!({"mode": "delta"}))).await.ok(202);
    let second = world.call(start(&json!({"mode": "full"}))).await.ok(202);
    assert_eq!(first, second);
    let id = first["id"].as_str().unwrap();
    let run = world
        .call(Call::get(path(&format!("/sync-runs/{id}"))))
        .await
        .ok(200);
    assert_eq!(run["state"], "queued");
    assert_eq!(run["trigger"], "manual");
    assert_eq!(run["mode"], "full");
    assert_eq!(run["started_at"], Value::Null);
    assert_eq!(run["progress"], json!({"done": 0, "total": 0}));
    assert_eq!(world.queue.hints().len(), 2);

    let other_kind = world.call(start(&json!({"dry_run": true}))).await;
    other_kind.refused(409, "conflict");
}

#[tokio::test]
async fn a_run_is_for_one_person_only_by_object_id() {
    let world = World::connected().await;
    for user in [json!("ann@contoso.example"), json!(""), json!(7)] {
        let refused = world.call(start(&json!({"user": user}))).await;
        assert_eq!(refused.refused(422, "validation"), ["/user"]);
    }
    let refused = world.call(start(&json!({"mode": "all"}))).await;
    assert_eq!(refused.refused(422, "validation"), ["/mode"]);
    let id = world
        .call(start(&json!({"mode": "delta", "user": NOBODY})))
        .await
        .ok(202)["id"]
        .clone();
    let run = path(&format!("/sync-runs/{}", id.as_str().unwrap()));
    assert_eq!(world.call(Call::get(run)).await.ok(200)["user"], NOBODY);
}

#[tokio::test]
async fn a_connection_that_is_off_starts_nothing() {
    let world = World::connected().await;
    for status in [ConnectionStatus::Disabled, ConnectionStatus::Disconnected] {
        world.set_status(status).await;
        world.call(start(&json!({}))).await.refused(409, "conflict");
    }
    assert!(world.queue.hints().is_empty());
}

fn run(state: RunState, held: Option<Held>) -> SyncRun {
    let request = RunRequest {
        trigger: Trigger::Scheduled,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    let at = "2026-03-01T11:00:00Z".parse().unwrap();
    SyncRun {
        state,
        held,
        started_at: Some(at),
        ..SyncRun::queued(connection().id, request, at)
    }
}

fn held() -> Held {
    Held {
        because: "12 of 20 would be deleted".to_owned(),
        removals: "digest".to_owned(),

        by_part: std::collections::BTreeMap::new(),
        count: 12,
        since: "2026-03-01T11:00:05Z".parse().unwrap(),
        verdict: None,
    }
}

fn say(run: &SyncRun, word: &str) -> Call {
    Call::new(Method::POST, path(&format!("/sync-runs/{}/{word}", run.id)))
}

#[tokio::test]
async fn a_held_run_says_why_and_can_be_rejected() {
    let world = World::connected().await;
    let run = run(RunState::Held, Some(held()));
    world.store.put_new_run(&run).await.unwrap();
    let read = || Call::get(path(&format!("/sync-runs/{}", run.id)));
    let shown = world.call(read()).await.ok(200);
    assert_eq!(shown["state"], "held");
    assert_eq!(shown["held_because"], "12 of 20 would be deleted");
    assert_eq!(shown["held_count"], 12);
    let accepted = world.call(say(&run, "reject").json(&json!({}))).await.ok(202);
    assert_eq!(accepted["id"], run.id.to_string());
    let shown = world.call(read()).await.ok(200);
    assert_eq!(shown["state"], "succeeded");
    world.call(say(&run, "reject")).await.refused(409, "conflict");
    world.call(say(&run, "approve")).await.refused(409, "conflict");
    world.call(say(&run, "cancel")).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_running_run_is_asked_to_stop_and_a_body_is_refused() {
    let world = World::connected().await;
    let run = run(RunState::Applying, None);
    world.store.put_new_run(&run).await.unwrap();
    let refused = world
        .call(say(&run, "cancel").json(&json!({"force": true})))
        .await;
    assert_eq!(refused.refused(422, "validation"), ["/force"]);
    world.call(say(&run, "approve")).await.refused(409, "conflict");
    world.call(say(&run, "cancel")).await.ok(202);
    let asked = world
        .store
        .cancel_requested(connection().id, run.id)
        .await
        .unwrap();
    assert!(asked);
}

#[tokio::test]
async fn runs_are_listed_latest_first() {
    let world = World::connected().await;
    let mut ids = Vec::new();
    for hour in ["08", "09", "10"] {
        let at = format!("2026-03-01T{hour}:00:00Z").parse().unwrap();
        let template = run(RunState::Succeeded, None);
        let run = SyncRun::queued(connection().id, template.request, at);
        world.store.put_new_run(&run).await.unwrap();
        ids.insert(0, run.id.to_string());
    }
    let page = world.call(Call::get(path("/sync-runs?limit=2"))).await.ok(200);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = world
        .call(Call::get(path(&format!("/sync-runs?limit=2&cursor={next}"))))
        .await
        .ok(200);
    let mut seen = page["items"].as_array().unwrap().clone();
    seen.extend(rest["items"].as_array().unwrap().clone());
    let seen: Vec<_> = seen
        .iter()
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, ids);
    assert_eq!(rest["next_cursor"], Value::Null);
}
