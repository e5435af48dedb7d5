//! People who change: their values, their address, or what somebody did to their extension by hand.

use serde_json::json;
use shared::domain::operation_record::Reason;
use shared::domain::sync_run::{RunMode, RunState};

use crate::stage::{Stage, extension, person};

// spec: 5, 65, 77
#[tokio::test]
async fn a_change_in_entra_arrives_by_delta_with_one_write() {
    let stage = Stage::with(&[person("Ada Example"), person("Bo Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.edit(
        "Ada Example",
        &json!({"jobTitle": "Manager", "mobilePhone": "+44 7700 900123"}),
    );
    stage.pbx.reset_counters();
    let run = stage.sync(RunMode::Delta).await;
    assert_eq!(run.counts().update, 1);
    assert_eq!(
        (
            stage.extensions()["2000"].title.as_str(),
            stage.pbx.writes().len()
        ),
        ("Manager", 1)
    );
    assert_eq!(
        stage.pbx.requests("extension/list"),
        0,
        "only what changed is read"
    );
}

#[tokio::test]
async fn nothing_changed_costs_one_read() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.graph.clear_requests();
    stage.pbx.reset_counters();
    stage.sync(RunMode::Delta).await;
    let paths: Vec<String> = stage
        .graph
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/v1.0/users/delta"]);
    assert_eq!(stage.pbx.counters().requests.values().sum::<u64>(), 0);
}

// spec: 74, 75, 76, 77, 78
#[tokio::test]
async fn what_was_changed_by_hand_on_the_pbx_is_put_back_and_the_rest_is_left() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    let by_hand = json!({"first_name": "Hacked", "presence_status": "away"});
    stage
        .pbx
        .edit_extension("2000", by_hand.as_object().unwrap().clone())
        .unwrap();
    let run = stage.sync(RunMode::Full).await;
    let lines = stage.records(run.id).await;
    assert_eq!(
        lines.iter().map(|line| line.reason).collect::<Vec<_>>(),
        [Reason::Drift]
    );
    assert_eq!(lines[0].before.as_ref().unwrap()["first_name"], "Hacked");
    let extension = stage.pbx.extension("2000").unwrap();
    assert_eq!(
        (extension.first_name.as_str(), extension.presence_status),
        ("Ada", "away")
    );
}

// spec: 74
#[tokio::test]
async fn an_extension_deleted_by_hand_is_made_again_with_its_number() {
    let stage = Stage::with(&[person("Ada Example"), person("Bo Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.pbx.delete_extension("2000").unwrap();
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.counts().create, 1);
    assert_eq!(stage.extensions()["2000"].email, "ada@contoso.example");
}

#[tokio::test]
async fn an_expired_cursor_becomes_a_full_read() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage.clock.advance(std::time::Duration::from_hours(8 * 24));
    stage.edit("Ada Example", &json!({"jobTitle": "Manager"}));
    let run = stage.sync(RunMode::Delta).await;
    assert_eq!(run.counts().update, 1);
    stage.edit("Ada Example", &json!({"jobTitle": "Director"}));
    stage.graph.clear_requests();
    stage.sync(RunMode::Delta).await;
    assert_eq!(stage.extensions()["2000"].title, "Director");
    assert!(
        stage
            .graph
            .requests()
            .iter()
            .all(|request| request.path != "/v1.0/users"),
        "the fresh cursor works"
    );
}

// spec: 5, 150
#[tokio::test]
async fn an_address_that_an_extension_by_hand_has_keeps_no_other_field_back() {
    let by_hand = extension("3000", "Front", "desk@contoso.example");
    let stage = Stage::with(&[person("Ada Example")], vec![by_hand]).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    // A run over changes alone reads no list, so only the PBX can tell.
    stage.edit(
        "Ada Example",
        &json!({"mail": "desk@contoso.example", "jobTitle": "Manager"}),
    );
    let run = stage.sync(RunMode::Delta).await;
    assert_eq!((run.state, run.counts().update), (RunState::Succeeded, 1));
    let lines = stage.records(run.id).await;
    assert!(
        lines[0].reason_text.contains("Email Address was kept"),
        "{lines:?}"
    );
    let own = &stage.extensions()["2000"];
    assert_eq!(
        (own.title.as_str(), own.email.as_str()),
        ("Manager", "ada@contoso.example")
    );
    // Alone it is reported, once.
    stage.edit("Ada Example", &json!({"mail": "Desk@contoso.example"}));
    let alone = stage.sync(RunMode::Delta).await;
    assert_eq!(stage.records(alone.id).await[0].reason, Reason::DuplicateMail);
    stage.pbx.reset_counters();
    stage.sync(RunMode::Delta).await;
    assert!(stage.pbx.writes().is_empty());
    assert_eq!(stage.pbx.counters().requests.values().sum::<u64>(), 0);
}
