//! Tests of credentials take a session of the PBX each and give it back: the PBX has eight, for half an hour.

use std::net::SocketAddr;

use axum::http::Method;
use serde_json::{Value, json};
use shared::ports::ShutProblem;
use simulators::pbx::{Config, Fault, FaultKind, Pbx, Running};

use crate::harness::{Call, World, new_connection, path};

const ALL: &str = "/api/v1/connections";

/// More tests than the PBX has sessions.
const OFTEN: u64 = 9;

async fn with_pbx(world: &World) -> Running {
    let running = Pbx::start(Config::default(), SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    world.sides.script().real_pbx = Some(running.base_url());
    running
}

fn good_connection() -> Value {
    let mut body = new_connection();
    body["pbx"]["client_id"] = json!("simulated-client-id");
    body["pbx"]["client_secret"] = json!("simulated-client-secret");
    body
}

#[tokio::test]
async fn testing_again_and_again_never_runs_out_of_sessions() {
    let world = World::start().await;
    let running = with_pbx(&world).await;
    world.call(Call::post(ALL, &good_connection())).await.ok(201);
    for _ in 1..OFTEN {
        let again = world.call(Call::post(ALL, &good_connection())).await;
        again.refused(409, "pbx-in-use");
    }
    assert_eq!(running.pbx().requests("get_token"), OFTEN);
    assert_eq!(running.pbx().requests("del_token"), OFTEN);
}

#[tokio::test]
async fn a_test_that_fails_after_the_sign_in_gives_its_session_back() {
    let world = World::start().await;
    let running = with_pbx(&world).await;
    let fault = Fault::forever("system/information", FaultKind::Errcode { code: 10_001 });
    running.pbx().fault(fault);
    for _ in 0..OFTEN {
        let refused = world.call(Call::post(ALL, &good_connection())).await;
        assert_eq!(refused.refused(422, "validation"), ["/pbx/base_url"]);
    }
    assert_eq!(running.pbx().requests("get_token"), OFTEN);
    assert_eq!(running.pbx().requests("del_token"), OFTEN);
}

#[tokio::test]
async fn a_change_of_the_pbx_closes_what_it_tested_with() {
    let world = World::connected().await;
    world.sides.script().serial = "SERIAL-1".to_owned();
    let patch = || Call::new(Method::PATCH, path("")).json(&json!({"pbx": {"client_secret": "other"}}));
    world.sides.script().shut = Some(ShutProblem::NoFreeSession);
    world.call(patch()).await.refused(422, "validation");
    assert_eq!(world.sides.script().closed, 1);
    world.sides.script().shut = None;
    world.call(patch()).await.ok(200);
    assert_eq!(world.sides.script().closed, 2);
}
