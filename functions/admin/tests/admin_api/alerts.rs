//! Who is told of alerts: read and written like settings, with secrets that are seen once.

use admin::create_token;
use axum::http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::domain::role::Role;

use crate::harness::{Answer, Call, World, path};

async fn put(world: &World, tag: &str, body: &Value) -> Answer {
    let call = Call::new(Method::PUT, path("/alerts")).header("if-match", tag);
    world.call(call.json(body)).await
}

async fn read(world: &World) -> Answer {
    world.call(Call::get(path("/alerts"))).await
}

#[tokio::test]
async fn nobody_is_told_before_anybody_said_so() {
    let world = World::connected().await;
    let answer = read(&world).await;
    assert_eq!(answer.ok(200), json!({"language": "en", "failed_runs": 2}));
    let tested = world.call(Call::post(path("/alerts/test"), &json!({}))).await;
    assert_eq!(tested.ok(200), json!({"channels": []}));
    let open = world.call(Call::get(path("/alerts/open"))).await;
    assert_eq!(open.ok(200), json!({"open": [], "waiting": []}));
}

#[tokio::test]
async fn a_document_replaces_the_one_that_was_read_and_no_other() {
    let world = World::connected().await;
    let tag = read(&world).await.header("etag").to_owned();
    let body = json!({
        "language": "zh-CN", "failed_runs": 1,
        "webhook": {"url": "https://alerts.example.com/hook?key=k"}, "email": {"to": ["it@contoso.example"]},
    });
    let saved = put(&world, &tag, &body).await;
    let next = saved.header("etag").to_owned();
    let mut shown = saved.ok(200);
    let secret = shown.as_object_mut().unwrap().remove("webhook_secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"));
    assert_eq!(shown, body);
    assert_eq!(read(&world).await.ok(200), body);
    put(&world, &tag, &body).await.refused(412, "stale");
    let again = put(&world, &next, &body).await.ok(200);
    assert!(again.get("webhook_secret").is_none(), "it is shown once");
    let without = Call::new(Method::PUT, path("/alerts")).json(&body);
    world.call(without).await.refused(428, "precondition-required");
}

// case: 55, 56
#[tokio::test]
async fn wrong_values_are_named_and_nothing_is_saved() {
    let world = World::connected().await;
    let rows = [
        (json!({"failed_runs": 0}), "/failed_runs"),
        (json!({"language": "tlh"}), "/language"),
        (
            json!({"webhook": {"url": "https://169.254.169.254/latest"}}),
            "/webhook/url",
        ),
        (
            json!({"webhook": {"url": "http://alerts.example.com/hook"}}),
            "/webhook/url",
        ),
        (
            json!({"webhook": {"url": "https://alerts.example.com", "secret": "canary"}}),
            "/webhook/secret",
        ),
        (json!({"email": {"to": []}}), "/email/to"),
        (
            json!({"email": {"to": ["it@contoso.example", "not one"]}}),
            "/email/to/1",
        ),
        (json!({"topic": true}), "/topic"),
    ];
    for (body, pointer) in rows {
        let answer = put(&world, "*", &body).await;
        assert_eq!(answer.refused(422, "validation"), [pointer], "{body}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    assert_eq!(read(&world).await.header("etag"), "\"0\"");
}

#[tokio::test]
async fn who_is_no_admin_sees_the_host_of_a_webhook_alone() {
    let world = World::connected().await;
    let body = json!({"webhook": {"url": "https://alerts.example.com/hook?key=canary"}});
    put(&world, "*", &body).await.ok(200);
    let viewer = create_token(&world.store, world.clock.as_ref(), Role::Viewer, "test").await;
    let bearer = format!("Bearer {}", viewer.unwrap().secret.expose_secret());
    let call = Call::anonymous(Method::GET, path("/alerts")).header("authorization", &bearer);
    let seen = world.call(call).await.ok(200);
    assert_eq!(seen["webhook"]["url"], "https://alerts.example.com/…");
}

#[tokio::test]
async fn a_test_says_what_each_channel_did_with_it() {
    let world = World::connected().await;
    // The port is closed.
    let body = json!({
        "webhook": {"url": "http://127.0.0.1:1/hook"},
        "email": {"to": ["it@contoso.example", "night@contoso.example"]},
    });
    put(&world, "*", &body).await.ok(200);
    let tested = world
        .call(Call::post(path("/alerts/test"), &json!({})))
        .await
        .ok(200);
    let refused = json!({"channel": "webhook", "delivered": false, "error": "no connection to it"});
    assert_eq!(
        tested["channels"],
        json!([refused, {"channel": "email", "delivered": true}])
    );
    let mails = world.sides.script().mails.clone();
    assert_eq!(mails, ["it@contoso.example", "night@contoso.example"]);
}

#[tokio::test]
async fn a_secret_is_replaced_and_shown_once() {
    let world = World::connected().await;
    let renew = || Call::post(path("/alerts/webhook-secret"), &json!({}));
    let one = world.call(renew()).await.ok(200);
    let other = world.call(renew()).await.ok(200);
    assert_ne!(one, other);
    assert!(!read(&world).await.text.contains("whsec_"));
}
