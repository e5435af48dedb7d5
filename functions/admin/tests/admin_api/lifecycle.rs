//! The calls of a connection's life: what they answer, what they refuse, and what they leave as it was.

use serde_json::{Value, json};
use shared::domain::connection::ConnectionStatus;

use crate::harness::{Call, World, path};

async fn post(world: &World, call: &str, body: Value) -> crate::harness::Answer {
    world.call(Call::post(path(call), &body)).await
}

async fn settings(world: &World) -> Value {
    world.call(Call::get(path("/settings"))).await.ok(200)
}

// spec: 161, 166
#[tokio::test]
async fn pausing_and_resuming_a_part_turn_its_switch_and_nothing_else() {
    let world = World::connected().await;
    post(&world, "/resume", json!({"part": "users"})).await.ok(200);
    assert_eq!(
        world.queue.hints().len(),
        1,
        "the first time a part is on, a run starts"
    );
    let on = settings(&world).await;
    assert_eq!(on["users"]["enabled"], true);
    let paused = post(&world, "/pause", json!({"part": "users"})).await.ok(200);
    assert_eq!(
        (&paused["status"], &paused["next_run_at"]),
        (&json!("connected"), &Value::Null)
    );
    let mut off = settings(&world).await;
    assert_eq!(off["users"]["enabled"], false);
    off["users"]["enabled"] = json!(true);
    assert_eq!(off, on);
    post(&world, "/pause", json!({"part": "users", "delete_synced": false}))
        .await
        .ok(200);
    post(&world, "/resume", json!({"part": "users"})).await.ok(200);
    assert_eq!(settings(&world).await, on);
    assert_eq!(world.queue.hints().len(), 1, "resuming starts nothing");
}

#[tokio::test]
async fn what_a_pause_or_its_way_back_cannot_do_is_named() {
    let world = World::connected().await;
    let rows = [
        ("/pause", json!({"part": "fax"}), "/part"),
        ("/pause", json!({}), "/part"),
        (
            "/pause",
            json!({"part": "sso", "delete_synced": true}),
            "/delete_synced",
        ),
        ("/pause", json!({"part": "users", "role": "admin"}), "/role"),
        (
            "/disable",
            json!({"delete_extensions": "yes"}),
            "/delete_extensions",
        ),
        ("/disconnect", json!({"tenant_id": "x"}), "/tenant_id"),
    ];
    let before = settings(&world).await;
    for (call, body, pointer) in rows {
        let refused = post(&world, call, body).await.refused(422, "validation");
        assert_eq!(refused, [pointer], "{call}");
    }
    assert_eq!(settings(&world).await, before);
    let view = world.call(Call::get(path(""))).await.ok(200);
    assert_eq!(
        (&view["status"], &view["teardown"]),
        (&json!("connected"), &Value::Null)
    );
}

// spec: 170, 172
#[tokio::test]
async fn a_disabled_connection_runs_nothing_and_comes_back_as_it_was() {
    let world = World::connected().await;
    post(&world, "/resume", json!({"part": "users"})).await.ok(200);
    let on = settings(&world).await;
    let disabled = post(&world, "/disable", json!({})).await.ok(200);
    assert_eq!(
        (&disabled["status"], &disabled["next_run_at"]),
        (&json!("disabled"), &Value::Null)
    );
    post(&world, "/sync-runs", json!({"mode": "full"}))
        .await
        .refused(409, "conflict");
    assert_eq!(settings(&world).await, on);
    let enabled = post(&world, "/enable", json!({})).await.ok(200);
    assert_eq!(enabled["status"], "connected");
    assert!(enabled["next_run_at"].is_string());
    assert_eq!(settings(&world).await, on);
}

// spec: 176
#[tokio::test]
async fn a_connection_is_deleted_only_when_it_is_disconnected() {
    let world = World::connected().await;
    let delete = || Call::new(axum::http::Method::DELETE, path(""));
    world.call(delete()).await.refused(409, "conflict");
    let ending = post(&world, "/disconnect", json!({"delete_extensions": true}))
        .await
        .ok(202);
    assert_eq!(ending["status"], "disabled");
    assert_eq!(ending["teardown"]["ends"], "disconnected");
    let parts = json!({"users": "delete", "groups": "release", "contacts": "release"});
    assert_eq!(ending["teardown"]["parts"], parts);
    world.call(delete()).await.refused(409, "conflict");
    post(&world, "/enable", json!({})).await.refused(409, "conflict");
    post(&world, "/pause", json!({"part": "users", "delete_synced": true}))
        .await
        .refused(409, "conflict");
    world.set_status(ConnectionStatus::Disconnected).await;
    for (call, body) in [
        ("/pause", json!({"part": "users"})),
        ("/resume", json!({"part": "users"})),
        ("/disable", json!({})),
        ("/enable", json!({})),
        ("/disconnect", json!({})),
    ] {
        post(&world, call, body).await.refused(409, "read-only");
    }
    world.call(delete()).await.ok(204);
}
