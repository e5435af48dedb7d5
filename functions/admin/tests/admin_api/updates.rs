//! Changing a connection: nothing takes the place of something that works before it was tested.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::domain::connection::{AppCredential, AttentionCause, ConnectionSecrets, ConnectionStatus};
use shared::ports::{CredentialsDigest, PbxTokenStore as _, PbxTokens, ShutProblem, SignInProblem};

use crate::harness::{Call, World, connection, new_connection, path};

fn patch(body: &Value) -> Call {
    Call::new(Method::PATCH, path("")).json(body)
}

async fn stored_pbx_secret(world: &World) -> String {
    let secrets = world.store.secrets(connection().id).await.unwrap().unwrap();
    secrets.pbx.client_secret.expose_secret().to_owned()
}

#[tokio::test]
async fn a_name_changes_without_anybody_being_called() {
    let world = World::connected().await;
    let answer = world.call(patch(&json!({"name": " Head office "}))).await;
    assert_eq!(answer.ok(200)["name"], "Head office");
    assert!(world.sides.script().shown.is_empty());
}

#[tokio::test]
async fn pbx_credentials_are_tested_before_they_replace_the_old() {
    let world = World::connected().await;
    let body = json!({"pbx": {"client_secret": "other-secret"}});
    world.sides.script().serial = "SERIAL-1".to_owned();
    world.sides.script().shut = Some(ShutProblem::WrongCredentials);
    let refused = world.call(patch(&body)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/client_secret"]);
    assert_eq!(stored_pbx_secret(&world).await, "stored-pbx-secret");
    world.sides.script().shut = None;
    world.call(patch(&body)).await.ok(200);
    assert_eq!(stored_pbx_secret(&world).await, "other-secret");
}

// case: 60
#[tokio::test]
async fn a_stored_secret_is_never_shown_to_another_address() {
    let world = World::connected().await;
    let elsewhere = json!({"pbx": {"base_url": "https://evil.example"}});
    let refused = world.call(patch(&elsewhere)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/client_secret"]);
    let other_authority = json!({"pbx": {"ca_pem": "-----BEGIN CERTIFICATE-----"}});
    let refused = world.call(patch(&other_authority)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/client_secret"]);
    assert!(world.sides.script().shown.is_empty());

    let moved = json!({"pbx": {"base_url": "https://moved.example", "client_secret": "sent-again"}});
    let answer = world.call(patch(&moved)).await.ok(200);
    assert_eq!(answer["pbx"]["base_url"], "https://moved.example");
    assert_eq!(
        world.sides.script().shown,
        [("https://moved.example".to_owned(), "sent-again".to_owned())]
    );
    let same = json!({"pbx": {"base_url": "https://moved.example/", "ca_pem": null, "client_id": "other"}});
    world.call(patch(&same)).await.ok(200);
}

const SDK: [(&str, &str); 2] = [("access_id", "sdk-id"), ("access_key", "sdk-key")];

async fn stored_sdk_key(world: &World) -> Option<String> {
    let secrets = world.store.secrets(connection().id).await.unwrap().unwrap();
    let sdk = secrets.linkus_sdk?;
    Some(sdk.access_key.expose_secret().to_owned())
}

// case: 60
#[tokio::test]
async fn the_key_of_the_linkus_sdk_is_never_shown_to_another_address() {
    let world = World::connected().await;
    let sdk = json!(BTreeMap::from(SDK));
    world
        .call(patch(&json!({"pbx": {"linkus_sdk": sdk}})))
        .await
        .ok(200);
    let mut moved = json!({"pbx": {"base_url": "https://moved.example", "client_secret": "sent-again"}});
    let refused = world.call(patch(&moved)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/linkus_sdk"]);
    let stays = [("https://pbx.example.com".to_owned(), "sdk-id".to_owned())];
    assert_eq!(world.sides.script().linkus_shown, stays);
    moved["pbx"]["linkus_sdk"] = Value::Null;
    world.call(patch(&moved)).await.ok(200);
    assert_eq!(world.sides.script().linkus_shown, stays);
    assert_eq!(stored_sdk_key(&world).await, None);
}

#[tokio::test]
async fn linkus_sdk_credentials_are_tested_before_they_are_stored() {
    let world = World::connected().await;
    let body = json!({"pbx": {"linkus_sdk": BTreeMap::from(SDK)}});
    world.sides.script().linkus_shut = Some(ShutProblem::WrongCredentials);
    let refused = world.call(patch(&body)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/linkus_sdk/access_key"]);
    assert_eq!(stored_sdk_key(&world).await, None);
    let mut made = new_connection();
    made["pbx"]["linkus_sdk"] = json!(BTreeMap::from(SDK));
    world.sides.script().serial = "SERIAL-3".to_owned();
    let refused = world.call(Call::post("/api/v1/connections", &made)).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/linkus_sdk/access_key"]);
    let (shown, closed) = {
        let script = world.sides.script();
        (script.linkus_shown.len(), script.closed)
    };
    assert_eq!((shown, closed), (2, 4), "no session stays taken");

    world.sides.script().linkus_shut = None;
    world.call(patch(&body)).await.ok(200);
    assert_eq!(stored_sdk_key(&world).await.as_deref(), Some("sdk-key"));
    world
        .call(Call::post("/api/v1/connections", &made))
        .await
        .refused(409, "pbx-in-use");
}

#[tokio::test]
async fn tokens_go_with_the_credentials_that_they_were_obtained_with() {
    let world = World::connected().await;
    let id = connection().id;
    let (api, sdk) = (world.store.pbx_token_store(id), world.store.sdk_token_store(id));
    let pair = PbxTokens {
        access_token: "a".into(),
        refresh_token: "r".into(),
        access_ends: "2026-03-01T12:30:00Z".parse().unwrap(),
        refresh_ends: "2026-03-02T12:00:00Z".parse().unwrap(),
        of: CredentialsDigest::of(&["whoever"]),
    };
    api.save(&pair).await.unwrap();
    sdk.save(&pair).await.unwrap();
    world.call(patch(&json!({"pbx": {}}))).await.ok(200);
    assert!(api.load().await.unwrap().is_some() && sdk.load().await.unwrap().is_some());
    let other_sdk = json!({"pbx": {"linkus_sdk": BTreeMap::from(SDK)}});
    world.call(patch(&other_sdk)).await.ok(200);
    assert!(api.load().await.unwrap().is_some() && sdk.load().await.unwrap().is_none());
    let other_secret = json!({"pbx": {"client_secret": "other-secret"}});
    world.call(patch(&other_secret)).await.ok(200);
    assert!(api.load().await.unwrap().is_none());
}

// spec: 156, 158, 159
#[tokio::test]
async fn a_client_secret_is_tested_and_changes_nothing_else() {
    let world = World::connected().await;
    let before = world.call(Call::get(path("/settings"))).await;
    let body = json!({"client_secret": "next-secret", "expires_at": "2028-03-01T00:00:00Z"});
    let call = || Call::post(path("/client-secret"), &body);
    world.sides.script().sign_in = Some(SignInProblem::WrongSecret);
    let refused = world.call(call()).await;
    assert_eq!(refused.refused(422, "validation"), ["/client_secret"]);
    let id = connection().id;
    let stored = world.store.secrets(id).await.unwrap().unwrap();
    assert_eq!(client_secret(&stored), "stored-client-secret");

    world.sides.script().sign_in = None;
    let answer = world.call(call()).await.ok(200);
    let ends: Timestamp = answer["secret_expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends, "2028-03-01T00:00:00Z".parse().unwrap());
    let stored = world.store.secrets(id).await.unwrap().unwrap();
    assert_eq!(client_secret(&stored), "next-secret");
    assert_eq!(stored.pbx.client_secret.expose_secret(), "stored-pbx-secret");
    assert_eq!(world.call(Call::get(path("/settings"))).await.text, before.text);
    assert!(world.queue.hints().is_empty());
}

#[tokio::test]
async fn a_good_secret_ends_the_attention_but_never_enables() {
    let world = World::connected().await;
    let call = || Call::post(path("/client-secret"), &json!({"client_secret": "next-secret"}));
    world
        .set_status(ConnectionStatus::NeedsAttention {
            reason: "the client secret has expired".to_owned(),
            cause: AttentionCause::Entra,
        })
        .await;
    assert_eq!(world.call(call()).await.ok(200)["status"], "connected");
    world.set_status(ConnectionStatus::Disabled).await;
    assert_eq!(world.call(call()).await.ok(200)["status"], "disabled");
    world.set_status(ConnectionStatus::Disconnected).await;
    world.call(call()).await.refused(409, "read-only");
}

fn client_secret(secrets: &ConnectionSecrets) -> &str {
    match &secrets.app {
        AppCredential::Secret(secret) => secret.expose_secret(),
        AppCredential::Certificate(own) => &own.certificate_pem,
    }
}
