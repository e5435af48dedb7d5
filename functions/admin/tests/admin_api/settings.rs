//! Settings: versions, refusals, and what a save starts.

use axum::http::Method;
use serde_json::{Value, json};
use shared::domain::connection::ConnectionStatus;
use shared::domain::sync_run::Trigger;
use shared::ports::Clock as _;

use crate::harness::{Answer, Call, World, connection, path};

async fn save(world: &World, tag: &str, body: &Value) -> Answer {
    let call = Call::new(Method::PUT, path("/settings"))
        .header("if-match", tag)
        .json(body);
    world.call(call).await
}

async fn tag(world: &World) -> String {
    let answer = world.call(Call::get(path("/settings"))).await;
    answer.ok(200);
    answer.header("etag").to_owned()
}

fn enabled() -> Value {
    json!({
        "schedule": {"frequency": "daily", "time": "00:30", "days": [], "time_zone": "Asia/Shanghai"},
        "users": {"enabled": true}
    })
}

// spec: 68, 143
#[tokio::test]
async fn settings_are_replaced_by_whoever_read_them_last() {
    let world = World::connected().await;
    let first = world.call(Call::get(path("/settings"))).await;
    assert_eq!(first.header("etag"), "\"1\"");
    assert_eq!(first.ok(200)["schedule"]["time"], "00:30");
    let saved = save(&world, "\"1\"", &json!({"users": {"delete_grace_days": 7}})).await;
    assert_eq!(saved.ok(200)["users"]["delete_grace_days"], 7);
    assert_eq!(saved.header("etag"), "\"2\"");

    let stale = save(&world, "\"1\"", &json!({})).await;
    stale.refused(412, "stale");
    let without = Call::new(Method::PUT, path("/settings")).json(&json!({}));
    world.call(without).await.refused(428, "precondition-required");
    assert_eq!(tag(&world).await, "\"2\"");
}

#[tokio::test]
async fn bad_settings_are_refused_whole_naming_every_field() {
    let world = World::connected().await;
    let body = json!({
        "schedule": {"time": "24:00", "time_zone": "Mars/Base"},
        "users": {"enabled": true, "number": {"kind": "automatic", "start": "x1"}},
        "groups": {"enabled": true, "scope": {"kind": "groups"}},
        "contacts": {"enabled": true},
        "extra": 1
    });
    let mut pointers = save(&world, "\"1\"", &body).await.refused(422, "validation");
    pointers.sort();
    assert_eq!(
        pointers,
        [
            "/extra",
            "/groups/scope/group_ids",
            "/schedule/time",
            "/schedule/time_zone",
            "/users/number/start"
        ]
    );
    assert_eq!(tag(&world).await, "\"1\"");
    assert!(world.queue.hints().is_empty());
}

// spec: 69, 70
#[tokio::test]
async fn the_first_save_with_a_part_enabled_starts_one_sync_and_later_ones_none() {
    let world = World::connected().await;
    save(&world, "\"1\"", &json!({})).await.ok(200);
    assert!(world.queue.hints().is_empty(), "nothing is enabled yet");
    save(&world, "\"2\"", &enabled()).await.ok(200);
    let hints = world.queue.hints();
    assert_eq!(hints.len(), 1);
    assert_eq!(hints[0].trigger, Trigger::FirstSave);
    save(&world, "\"3\"", &enabled()).await.ok(200);
    save(&world, "\"4\"", &json!({})).await.ok(200);
    save(&world, "\"5\"", &enabled()).await.ok(200);
    assert_eq!(world.queue.hints().len(), 1);

    let runs = world.call(Call::get(path("/sync-runs"))).await.ok(200);
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    assert_eq!(runs["items"][0]["trigger"], "first_save");
    assert_eq!(runs["items"][0]["mode"], "full");
}

// spec: 69
#[tokio::test]
async fn sign_in_alone_starts_no_sync_and_the_first_save_with_people_still_does() {
    let world = World::connected().await;
    let sign_in = json!({"sso": {"enabled": true, "redirect_uris": ["https://app.example.com/"]}});
    save(&world, "\"1\"", &sign_in).await.ok(200);
    assert!(world.queue.hints().is_empty());
    save(&world, "\"2\"", &enabled()).await.ok(200);
    let hints = world.queue.hints();
    assert_eq!(hints.len(), 1);
    assert_eq!(hints[0].trigger, Trigger::FirstSave);
}

// spec: 69
#[tokio::test]
async fn the_first_sync_comes_after_a_preview_that_waits() {
    let world = World::connected().await;
    let preview = json!({"mode": "full", "dry_run": true});
    let asked = world.call(Call::post(path("/sync-runs"), &preview)).await;
    asked.ok(202);
    save(&world, "\"1\"", &enabled()).await.ok(200);
    let store = &world.store;
    let work = store.work_state(connection().id).await.unwrap().unwrap();
    assert_eq!(work.wanted_at, Some(world.clock.now()));
    save(&world, "\"2\"", &json!({})).await.ok(200);
    save(&world, "\"3\"", &enabled()).await.ok(200);
    assert_eq!(world.queue.hints().len(), 1, "of the preview");
}

// spec: 145, 147
#[tokio::test]
async fn a_save_sets_the_next_scheduled_run_and_a_pause_takes_it_away() {
    let world = World::connected().await;
    save(&world, "\"1\"", &enabled()).await.ok(200);
    let next = |answer: Answer| answer.ok(200)["next_run_at"].clone();
    let read = || world.call(Call::get(path("")));
    assert_eq!(next(read().await), "2026-03-01T16:30:00Z");
    save(&world, "\"2\"", &json!({"users": {"enabled": false}}))
        .await
        .ok(200);
    assert_eq!(next(read().await), Value::Null);
}

#[tokio::test]
async fn a_connection_that_cannot_run_yet_keeps_its_first_save() {
    let world = World::connected().await;
    let reason = "no consent".to_owned();
    world
        .set_status(ConnectionStatus::AwaitingConsent { reason })
        .await;
    save(&world, "\"1\"", &enabled()).await.ok(200);
    assert!(world.queue.hints().is_empty());
    world.set_status(ConnectionStatus::Connected).await;
    save(&world, "\"2\"", &enabled()).await.ok(200);
    assert_eq!(world.queue.hints().len(), 1);
}

// spec: 166, 172
#[tokio::test]
async fn settings_of_a_paused_part_and_of_a_disabled_connection_are_read_only() {
    let world = World::connected().await;
    save(&world, "\"1\"", &enabled()).await.ok(200);
    let mut paused = enabled();
    paused["users"]["enabled"] = json!(false);
    save(&world, "\"2\"", &paused).await.ok(200);
    let mut changed = paused.clone();
    changed["users"]["delete_grace_days"] = json!(3);
    save(&world, "\"3\"", &changed).await.refused(409, "read-only");
    save(&world, "\"3\"", &enabled()).await.ok(200);

    world.set_status(ConnectionStatus::Disabled).await;
    let mut other = enabled();
    other["safety"] = json!({"max_removals": 1});
    save(&world, "\"4\"", &other).await.refused(409, "read-only");
    save(&world, "\"4\"", &paused).await.ok(200);
    let stored = world.store.settings(connection().id).await.unwrap().unwrap();
    assert!(!stored.value.users.enabled);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused() {
    let world = World::connected().await;
    let put = || Call::new(Method::PUT, path("/settings")).header("if-match", "\"1\"");
    let rows = [
        ("application/json", "{\"users\":", 400, "malformed"),
        ("application/json", "", 400, "malformed"),
        ("application/json", "[]", 422, "validation"),
        ("text/plain", "{}", 415, "unsupported-media-type"),
    ];
    for (content_type, body, status, problem) in rows {
        let answer = world.call(put().text(content_type, body)).await;
        answer.refused(status, problem);
    }
    let deep = "[".repeat(10_000);
    let answer = world.call(put().text("application/json", &deep)).await;
    answer.refused(400, "malformed");
    let large = format!("\"{}\"", "a".repeat(1024 * 1024));
    let answer = world.call(put().text("application/json", &large)).await;
    answer.refused(413, "too-large");
}
