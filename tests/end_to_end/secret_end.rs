//! The end of a secret: told in time and once, shown when it has come, and over with the next secret.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::json;
use shared::domain::connection::ConnectionStatus;
use shared::domain::sync_run::RunMode;
use shared::secret_care::care;
use shared::store::DueWork;

use crate::connect::api;
use crate::stage::{APP, SECRET, Stage, TENANT, person};

const DAY: Duration = Duration::from_hours(24);

async fn scene() -> Stage {
    let stage = Stage::with(&[person("Ann Archer")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage
}

/// The next secret is there, and ends at `ends`; what the admin says of it goes along.
async fn replace(stage: &Stage, value: &str, ends: &str, said: Option<&str>) {
    let ends: Timestamp = ends.parse().unwrap();
    stage.graph.add_secret(TENANT, APP, value, ends).unwrap();
    let body = json!({"client_secret": value, "expires_at": said});
    let (status, answer) = api(stage, Method::POST, "/client-secret", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
}

/// One look of a scheduler, if any is due; what it wrote down as told.
async fn look(stage: &Stage) -> Option<u16> {
    let store = &stage.engine.store;
    let due = store.due(stage.clock.now(), 10).await.unwrap();
    for due in due.into_iter().filter(|due| due.work == DueWork::SecretCare) {
        // Two schedulers at once: one of them finds nothing to do.
        let (one, other) = (stage.fresh_process(), stage.fresh_process());
        let (first, second) = tokio::join!(
            Box::pin(care(&one, due.connection)),
            Box::pin(care(&other, due.connection))
        );
        first.unwrap();
        second.unwrap();
    }
    let stored = store.secret_care(stage.connection).await.unwrap().unwrap();
    stored.value.told.map(|told| told.days)
}

// spec: 156
#[tokio::test]
async fn somebody_is_warned_at_sixty_thirty_fourteen_seven_and_one_days() {
    let stage = scene().await;
    stage
        .graph
        .revoke_role(TENANT, APP, "Application.Read.All")
        .unwrap();
    replace(
        &stage,
        "next",
        "2026-06-10T09:00:00Z",
        Some("2026-06-10T09:00:00Z"),
    )
    .await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert!(connection.get("secret_warning").is_none(), "{connection}");
    let mut told = Vec::new();
    for _ in 0..102 {
        let now = look(&stage).await;
        if told.last() != Some(&now) {
            told.push(now);
        }
        stage.clock.advance(DAY);
    }
    let steps = [60, 30, 14, 7, 1, 0].map(Some);
    assert_eq!(told.first(), Some(&None));
    assert_eq!(told[1..], steps);
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    let warning = connection["secret_warning"].as_str().unwrap();
    assert!(warning.contains("ended on 2026-06-10"), "{warning}");
    // The next one is told of anew.
    replace(
        &stage,
        "another",
        "2028-01-01T00:00:00Z",
        Some("2028-01-01T00:00:00Z"),
    )
    .await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert!(connection.get("secret_warning").is_none());
}

#[tokio::test]
async fn a_long_silence_costs_steps_and_not_the_warning() {
    let stage = scene().await;
    stage
        .graph
        .revoke_role(TENANT, APP, "Application.Read.All")
        .unwrap();
    replace(
        &stage,
        "next",
        "2026-06-10T09:00:00Z",
        Some("2026-06-10T09:00:00Z"),
    )
    .await;
    stage.clock.advance(DAY * 80);
    assert_eq!(look(&stage).await, Some(30));
    assert_eq!(look(&stage).await, Some(30));
}

#[tokio::test]
async fn the_app_registration_tells_the_end_where_it_may_be_read() {
    let stage = scene().await;
    // Two whose first characters are the same: the earlier end is the safe one.
    let later = "2027-12-01T00:00:00Z".parse().unwrap();
    stage.graph.add_secret(TENANT, APP, "nex~other", later).unwrap();
    replace(&stage, "nex~ours", "2028-12-01T00:00:00Z", None).await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["secret_expires_at"], "2027-12-01T00:00:00Z");
    // The admin's own word is corrected by the next look.
    replace(
        &stage,
        "zzz~ours",
        "2027-06-01T00:00:00Z",
        Some("2029-01-01T00:00:00Z"),
    )
    .await;
    look(&stage).await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["secret_expires_at"], "2027-06-01T00:00:00Z");
    // Without the permission what is known stays.
    stage
        .graph
        .revoke_role(TENANT, APP, "Application.Read.All")
        .unwrap();
    stage.clock.advance(DAY * 2);
    look(&stage).await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["secret_expires_at"], "2027-06-01T00:00:00Z");
}

// spec: 156, 157, 159
#[tokio::test]
async fn a_revoked_secret_asks_for_attention_and_its_successor_resumes_at_once() {
    let stage = scene().await;
    stage.graph.remove_secret(TENANT, APP, SECRET).unwrap();
    stage.clock.advance(Duration::from_hours(2));
    stage.sync(RunMode::Full).await;
    let ConnectionStatus::NeedsAttention { reason, .. } = stage.status().await else {
        unreachable!("nobody was told")
    };
    assert!(reason.contains("AADSTS7000215"), "{reason}");
    let store = &stage.engine.store;
    let due = async || store.work_state(stage.connection).await.unwrap().unwrap().due_at;
    assert!(due().await.unwrap() > stage.clock.now());

    replace(&stage, "next", "2028-01-01T00:00:00Z", None).await;
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
    assert!(due().await.unwrap() <= stage.clock.now());
    stage.graph.create_user(TENANT, &person("Bo Baker")).unwrap();
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 2);
}

// spec: 156
#[tokio::test]
async fn a_secret_that_comes_back_to_life_needs_nobody() {
    let stage = scene().await;
    stage.graph.remove_secret(TENANT, APP, SECRET).unwrap();
    stage.clock.advance(Duration::from_hours(2));
    stage.sync(RunMode::Full).await;
    let ends = "2028-01-01T00:00:00Z".parse().unwrap();
    stage.graph.add_secret(TENANT, APP, SECRET, ends).unwrap();
    // The next try comes by itself.
    stage.clock.advance(Duration::from_mins(16));
    stage.drive().await.unwrap();
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

#[tokio::test]
async fn an_ended_connection_is_cared_for_no_more() {
    let stage = scene().await;
    replace(&stage, "next", "2028-01-01T00:00:00Z", None).await;
    let store = &stage.engine.store;
    store
        .change_connection(stage.connection, |connection| {
            connection.status = ConnectionStatus::Disconnected;
        })
        .await
        .unwrap();
    care(&stage.engine, stage.connection).await.unwrap();
    assert!(store.secret_care(stage.connection).await.unwrap().is_none());
}
