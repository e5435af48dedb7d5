//! Making, reading and deleting connections.

use serde_json::json;
use shared::domain::connection::ConnectionStatus;
use shared::ports::{ShutProblem, SignInProblem};

use crate::harness::{CONNECTION, Call, NOBODY, World, new_connection, path};

const ALL: &str = "/api/v1/connections";

// spec: 12, 16, 36, 43
#[tokio::test]
async fn a_connection_is_made_when_both_sides_let_us_in() {
    let world = World::start().await;
    let answer = world.call(Call::post(ALL, &new_connection())).await;
    let made = answer.ok(201);
    assert_eq!(made["status"], "connected");
    assert_eq!(
        made["redirect_uri"],
        "https://connector.example.com/connect/callback"
    );
    assert_eq!(
        made["sso_redirect_uri"],
        "https://connector.example.com/sso/callback"
    );
    let location = answer.header("location").to_owned();
    assert_eq!(location, format!("{ALL}/{}", made["id"].as_str().unwrap()));

    let read = world.call(Call::get(location)).await.ok(200);
    assert_eq!(read["name"], "Branch");
    assert_eq!(read["pbx"]["base_url"], "https://branch.example.com");
    assert_eq!(read["pbx"]["firmware_version"], "83.10.0.30");
    assert_eq!(read["pbx"]["serial_number"], "SERIAL-2");
    assert_eq!(read["pbx"]["capabilities"]["extension_groups"], true);
    assert_eq!(
        read["counts"],
        json!({"extensions": 0, "groups": 0, "contacts": 0})
    );
    assert_eq!(read["pending_changes"], 0);
    let list = world.call(Call::get(ALL)).await.ok(200);
    assert_eq!(list, json!({"items": [read], "next_cursor": null}));
}

// spec: 33, 44
#[tokio::test]
async fn a_connection_without_permissions_awaits_consent_and_is_connected_once_they_are_there() {
    let world = World::start().await;
    world.sides.script().missing = vec!["Group.Read.All"];
    let made = world.call(Call::post(ALL, &new_connection())).await.ok(201);
    assert_eq!(made["status"], "awaiting_consent");
    assert!(made["status_reason"].as_str().unwrap().contains("Group.Read.All"));
    world.sides.script().missing.clear();
    let id = made["id"].as_str().unwrap();
    let patch = Call::new(axum::http::Method::PATCH, format!("{ALL}/{id}")).json(&json!({}));
    assert_eq!(world.call(patch).await.ok(200)["status"], "connected");
    assert!(world.queue.hints().is_empty(), "connecting syncs nothing");
}

#[tokio::test]
async fn wrong_values_of_both_sides_are_named_together_and_nothing_is_stored() {
    let world = World::start().await;
    {
        let mut script = world.sides.script();
        script.sign_in = Some(SignInProblem::WrongSecret);
        script.shut = Some(ShutProblem::WrongCredentials);
    }
    let refused = world.call(Call::post(ALL, &new_connection())).await;
    assert_eq!(
        refused.refused(422, "validation"),
        ["/client_secret", "/pbx/client_secret"]
    );
    let list = world.call(Call::get(ALL)).await.ok(200);
    assert_eq!(list["items"], json!([]));
}

// spec: 2
#[tokio::test]
async fn each_wrong_value_is_named_by_its_field() {
    use crate::fake_sides::Script;
    type Bend = fn(&mut Script);
    let rows: [(Bend, &str); 8] = [
        (
            |s| s.sign_in = Some(SignInProblem::ExpiredSecret),
            "/client_secret",
        ),
        (|s| s.sign_in = Some(SignInProblem::UnknownApp), "/client_id"),
        (|s| s.sign_in = Some(SignInProblem::UnknownTenant), "/tenant_id"),
        (|s| s.pbx_down = true, "/pbx/base_url"),
        (|s| s.shut = Some(ShutProblem::AddressBlocked), "/pbx/base_url"),
        (|s| s.firmware = "83.8.0.24".to_owned(), "/pbx/base_url"),
        (|s| s.firmware = "unknown".to_owned(), "/pbx/base_url"),
        (|s| s.forbidden_address = true, "/pbx/base_url"),
    ];
    let world = World::start().await;
    for (bend, pointer) in rows {
        *world.sides.script() = Script::default();
        bend(&mut world.sides.script());
        let refused = world.call(Call::post(ALL, &new_connection())).await;
        assert_eq!(refused.refused(422, "validation"), [pointer]);
    }
    *world.sides.script() = Script::default();
    world.sides.script().graph_down = true;
    let refused = world.call(Call::post(ALL, &new_connection())).await;
    refused.refused(503, "unavailable");
}

#[tokio::test]
async fn a_pbx_is_in_one_connection_only() {
    let world = World::connected().await;
    world.sides.script().serial = "SERIAL-1".to_owned();
    let refused = world.call(Call::post(ALL, &new_connection())).await;
    refused.refused(409, "pbx-in-use");
    assert!(refused.text.contains(CONNECTION));
}

#[tokio::test]
async fn values_that_cannot_be_right_are_refused_before_anybody_is_called() {
    let world = World::start().await;
    let mut body = new_connection();
    body["name"] = json!(" ");
    body["client_secret"] = json!("");
    body["pbx"]["base_url"] = json!("https://user:pw@pbx.example.com/x");
    let refused = world.call(Call::post(ALL, &body)).await;
    assert_eq!(
        refused.refused(422, "validation"),
        ["/name", "/client_secret", "/pbx/base_url"]
    );
    assert!(world.sides.script().shown.is_empty());
}

// case: 50
#[tokio::test]
async fn fields_that_are_not_asked_for_are_refused() {
    let world = World::connected().await;
    let mut body = new_connection();
    body["status"] = json!("connected");
    let refused = world.call(Call::post(ALL, &body)).await;
    assert_eq!(refused.refused(422, "validation"), ["/status"]);
    let mut body = new_connection();
    body["pbx"]["serial_number"] = json!("X");
    let refused = world.call(Call::post(ALL, &body)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/serial_number"]);
    for forbidden in ["tenant_id", "role", "status", "id"] {
        let patch = Call::new(axum::http::Method::PATCH, path("")).json(&json!({forbidden: "admin"}));
        let pointers = world.call(patch).await.refused(422, "validation");
        assert_eq!(pointers, [format!("/{forbidden}")]);
    }
}

#[tokio::test]
async fn what_is_no_id_and_what_names_nothing_are_the_same_404() {
    let world = World::connected().await;
    for id in ["nonsense", NOBODY, "..%2F..%2Fetc"] {
        let answer = world.call(Call::get(format!("{ALL}/{id}"))).await;
        answer.refused(404, "not-found");
    }
    let run = path(&format!("/sync-runs/{NOBODY}/operations"));
    world.call(Call::get(run)).await.refused(404, "not-found");
}

#[tokio::test]
async fn only_a_disconnected_connection_can_be_deleted() {
    use axum::http::Method;
    let world = World::connected().await;
    let delete = || Call::new(Method::DELETE, path(""));
    world.call(delete()).await.refused(409, "conflict");
    world.set_status(ConnectionStatus::Disconnected).await;
    world.call(delete()).await.ok(204);
    world.call(Call::get(path(""))).await.refused(404, "not-found");
    world.call(delete()).await.refused(404, "not-found");
}

#[tokio::test]
async fn lists_page_and_refuse_what_is_no_page() {
    let world = World::connected().await;
    for serial in ["SERIAL-3", "SERIAL-4"] {
        world.sides.script().serial = serial.to_owned();
        world.call(Call::post(ALL, &new_connection())).await.ok(201);
    }
    let mut seen = Vec::new();
    let mut next = format!("{ALL}?limit=2");
    loop {
        let page = world.call(Call::get(next)).await.ok(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|c| c["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{ALL}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("limit=x", "/limit"),
        ("cursor=nonsense", "/cursor"),
        ("page=2", "/page"),
    ] {
        let answer = world.call(Call::get(format!("{ALL}?{query}"))).await;
        assert_eq!(answer.refused(422, "validation"), [pointer], "{query}");
    }
}

// case: 52
#[tokio::test]
async fn links_never_come_from_the_request() {
    let world = World::connected().await;
    let call = Call::get(path(""))
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    let answer = world.call(call).await;
    assert_eq!(
        answer.ok(200)["redirect_uri"],
        "https://connector.example.com/connect/callback"
    );
    assert!(!answer.text.contains("evil"));
}
