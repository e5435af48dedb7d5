//! The app proves itself by a certificate in place of a secret: made here or brought along, tested first, used for everything.

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::app_certificate::{facts, generate};
use shared::domain::connection::{AppCertificate, AppCredential};
use shared::domain::sync_run::RunMode;

use crate::browser::Browser;
use crate::connect::{api, scene, sign_in};
use crate::stage::{APP, SECRET, Stage, TENANT, person};

async fn make(stage: &Stage) -> Value {
    let (status, made) = api(
        stage,
        Method::POST,
        "/certificate/new",
        Some(json!({"valid_days": 90})),
    )
    .await;
    assert_eq!(status, 201, "{made}");
    made
}

async fn activate(stage: &Stage) -> (u16, Value) {
    api(stage, Method::POST, "/certificate/activate", None).await
}

async fn credential(stage: &Stage) -> AppCredential {
    let secrets = stage.engine.store.secrets(stage.connection).await;
    secrets.unwrap().unwrap().app
}

/// Consent is given, and nothing but a certificate opens the app.
async fn with_certificate() -> (Stage, Value) {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    let made = make(&stage).await;
    let pem = made["certificate_pem"].as_str().unwrap();
    stage.graph.upload_certificate(TENANT, APP, pem).unwrap();
    let (status, connection) = activate(&stage).await;
    assert_eq!((status, &connection["status"]), (200, &json!("connected")));
    stage.graph.remove_secret(TENANT, APP, SECRET).unwrap();
    (stage, made)
}

#[tokio::test]
async fn a_certificate_made_here_counts_once_the_app_registration_lists_it() {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    assert_eq!(activate(&stage).await.0, 404);
    assert_eq!(api(&stage, Method::GET, "/certificate", None).await.1, json!({}));
    assert_eq!(api(&stage, Method::GET, "/certificate.pem", None).await.0, 404);
    for days in [0, 1096] {
        let body = json!({"valid_days": days});
        let (status, _) = api(&stage, Method::POST, "/certificate/new", Some(body)).await;
        assert_eq!(status, 422);
    }

    let made = make(&stage).await;
    let pem = made["certificate_pem"].as_str().unwrap();
    assert!(!made.to_string().contains("PRIVATE"), "{made}");
    // The registration does not know it yet: nothing changes.
    let (status, refusal) = activate(&stage).await;
    assert_eq!(status, 422, "{refusal}");
    assert!(
        refusal["detail"]
            .as_str()
            .unwrap()
            .contains("upload the certificate")
    );
    assert!(matches!(credential(&stage).await, AppCredential::Secret(_)));

    stage.graph.upload_certificate(TENANT, APP, pem).unwrap();
    let (status, connection) = activate(&stage).await;
    assert_eq!(status, 200, "{connection}");
    assert_eq!(connection["secret_expires_at"], made["ends_at"]);
    let (_, listed) = api(&stage, Method::GET, "/certificate", None).await;
    assert_eq!(listed, json!({"in_use": made}));
    assert_eq!(activate(&stage).await.0, 404);
}

#[tokio::test]
async fn with_a_certificate_runs_and_sign_ins_need_no_secret() {
    let (stage, _) = with_certificate().await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 2);
    // The code of a sign-in is exchanged with it, too.
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    // Each token takes an assertion of its own: the tenant takes none twice.
    for _ in 0..3 {
        stage.clock.advance(Duration::from_hours(2));
        stage.sync(RunMode::Full).await;
        let (_, connection) = api(&stage, Method::GET, "", None).await;
        assert_eq!(connection["status"], "connected");
    }
}

// spec: 156
#[tokio::test]
async fn an_ended_certificate_asks_for_attention_until_another_one_or_a_secret_comes() {
    let (stage, _) = with_certificate().await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_hours(24 * 91));
    stage.sync(RunMode::Full).await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "needs_attention");
    let reason = connection["status_reason"].as_str().unwrap();
    assert!(
        reason.contains("certificate") && reason.contains("AADSTS700027"),
        "{reason}"
    );
    assert!(
        connection["secret_warning"]
            .as_str()
            .unwrap()
            .contains("ended on")
    );

    stage.graph.create_user(TENANT, &person("Cy Clark")).unwrap();
    let ends = "2030-01-01T00:00:00Z".parse().unwrap();
    stage
        .graph
        .add_secret(TENANT, APP, "a-secret-again", ends)
        .unwrap();
    let body = json!({"client_secret": "a-secret-again"});
    let (status, connection) = api(&stage, Method::POST, "/client-secret", Some(body)).await;
    assert_eq!((status, &connection["status"]), (200, &json!("connected")));
    // The app may read its own registration, so nobody had to say when it ends.
    assert_eq!(connection["secret_expires_at"], "2030-01-01T00:00:00Z");
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 3);
}

#[tokio::test]
async fn a_pair_that_an_admin_brings_is_judged_and_tested_first() {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    let now = stage.engine.clock.now();
    let body = |pair: &AppCertificate, certificate: &str| {
        let key = pair.private_key_pem.expose_secret();
        json!({"private_key_pem": key, "certificate_pem": certificate})
    };
    let [ours, other] = [
        generate("ours", now, 30).unwrap(),
        generate("other", now, 30).unwrap(),
    ];
    let upload = async |body| api(&stage, Method::POST, "/certificate", Some(body)).await;
    let pointer = |answer: &Value| answer["errors"][0]["pointer"].as_str().unwrap().to_owned();
    let (status, refusal) = upload(body(&ours, &other.certificate_pem)).await;
    assert_eq!((status, pointer(&refusal).as_str()), (422, "/private_key_pem"));
    let (status, refusal) = upload(body(&ours, "nothing")).await;
    assert_eq!((status, pointer(&refusal).as_str()), (422, "/certificate_pem"));
    // Good, but not listed.
    let (status, refusal) = upload(body(&ours, &ours.certificate_pem)).await;
    assert_eq!((status, pointer(&refusal).as_str()), (422, "/certificate_pem"));
    assert!(matches!(credential(&stage).await, AppCredential::Secret(_)));

    stage
        .graph
        .upload_certificate(TENANT, APP, &ours.certificate_pem)
        .unwrap();
    let (status, connection) = upload(body(&ours, &ours.certificate_pem)).await;
    assert_eq!(status, 200, "{connection}");
    let ends_at = facts(&ours.certificate_pem).unwrap().ends_at;
    assert_eq!(connection["secret_expires_at"], ends_at.to_string());
    assert!(matches!(credential(&stage).await, AppCredential::Certificate(_)));
}

// case: 63
#[tokio::test]
async fn no_key_is_given_out_or_lies_in_the_table_in_plain() {
    let (stage, _) = with_certificate().await;
    make(&stage).await;
    let waiting = stage.engine.store.waiting_certificate(stage.connection).await;
    let waiting = waiting.unwrap().unwrap();
    let AppCredential::Certificate(used) = credential(&stage).await else {
        unreachable!("a certificate is in use")
    };
    let told = format!(
        "{}{}{}",
        stage.table_in_plain().await,
        api(&stage, Method::GET, "", None).await.1,
        api(&stage, Method::GET, "/certificate", None).await.1
    );
    for key in [used.private_key_pem, waiting.private_key_pem] {
        let line = key.expose_secret().lines().nth(5).unwrap().to_owned();
        assert!(line.len() > 60 && !told.contains(&line));
    }
    assert!(!told.contains("PRIVATE KEY"));
}
