//! People who come: created, taken over, numbered, welcomed, or left out with a reason.

use serde_json::json;
use shared::domain::operation_record::{OutcomeKind, Reason};
use shared::domain::sync_run::{RunMode, RunState};

use crate::stage::{Stage, TENANT, extension, person};

// spec: 6, 50, 58, 71, 72
#[tokio::test]
async fn joiners_get_extensions_and_a_second_run_has_nothing_to_do() {
    let stage = Stage::with(&[person("Ada Example"), person("Bo Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().create), (RunState::Succeeded, 2));
    let numbers: Vec<String> = stage.extensions().into_keys().collect();
    assert_eq!(numbers, ["2000", "2001"]);
    assert_eq!(stage.extensions()["2000"].email, "ada@contoso.example");
    let lines = stage.records(run.id).await;
    for line in &lines {
        let made = stage.pbx.extension(line.number.as_ref().unwrap()).unwrap();
        assert_eq!(line.target_id, Some(made.id.to_string()));
    }
    assert_eq!(lines.len(), 2);
    let again = stage.sync(RunMode::Full).await;
    assert_eq!((again.counts().unchanged, again.progress.total), (2, 0));
}

// spec: 44, 48
#[tokio::test]
async fn nothing_happens_while_user_sync_is_off() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|settings| settings.users.enabled = false).await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert!(stage.extensions().is_empty());
    assert!(stage.graph.requests().is_empty(), "a paused part reads nothing");
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_writes_nothing() {
    let stage = Stage::with(&[person("Ada Example")], vec![extension("1001", "Foreign", "")]).await;
    stage.settings(|_| {}).await;
    let run = stage.dry_run().await;
    let lines = stage.records(run.id).await;
    assert_eq!(
        lines
            .iter()
            .map(|line| (line.outcome, line.reason))
            .collect::<Vec<_>>(),
        [(OutcomeKind::DryRun, Reason::NewInScope)]
    );
    assert_eq!(stage.extensions().len(), 1);
    assert!(stage.bindings().await.is_empty());
}

// spec: 65
#[tokio::test]
async fn an_extension_with_the_same_mail_is_taken_over_and_others_stay_untouched() {
    let others = vec![
        extension("1001", "Old", "ADA@contoso.example"),
        extension("1002", "Foreign", "f@contoso.example"),
    ];
    let stage = Stage::with(&[person("Ada Example")], others).await;
    stage.settings(|_| {}).await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.counts().bind, 1);
    let extensions = stage.extensions();
    assert_eq!(extensions.len(), 2);
    assert_eq!(
        (
            extensions["1001"].first_name.as_str(),
            extensions["1001"].last_name.as_str()
        ),
        ("Ada", "Example")
    );
    assert_eq!(extensions["1002"].first_name, "Foreign");
}

#[tokio::test]
async fn numbers_that_a_queue_has_are_found_out_and_passed_over_in_the_same_run() {
    let people = [
        person("Ada Example"),
        person("Bo Example"),
        person("Cy Example"),
        person("Di Example"),
    ];
    let stage = Stage::with(&people, Vec::new()).await;
    stage
        .settings(|settings| {
            settings.users.number =
                serde_json::from_value(json!({"kind": "automatic", "start": "6399"})).unwrap();
        })
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(
        (run.state, run.counts().create, run.counts().failed),
        (RunState::Succeeded, 4, 0)
    );
    let numbers: Vec<String> = stage.extensions().into_keys().collect();
    assert_eq!(
        numbers,
        ["6399", "6403", "6404", "6405"],
        "6400 to 6402 belong to queues"
    );
}

// spec: 53, 59, 60
#[tokio::test]
async fn members_of_nested_groups_get_the_number_of_their_property() {
    let mut ada = person("Ada Example");
    ada["businessPhones"] = json!(["+44 20 7946 3001"]);
    let mut bo = person("Bo Example");
    bo["businessPhones"] = json!(["+44 20 7946 3002"]);
    let stage = Stage::with(&[ada, bo], Vec::new()).await;
    let group = |name: &str| json!({"displayName": name, "securityEnabled": true, "mailEnabled": false, "groupTypes": []});
    let outer = stage.graph.create_group(TENANT, &group("Telephony")).unwrap();
    let inner = stage.graph.create_group(TENANT, &group("Sales")).unwrap();
    stage.graph.add_member(TENANT, outer, inner).unwrap();
    stage
        .graph
        .add_member(TENANT, inner, stage.id("Ada Example"))
        .unwrap();
    stage
        .settings(|settings| {
            settings.users.number = serde_json::from_value(
                json!({"kind": "property", "name": "businessPhones", "last_digits": 4}),
            )
            .unwrap();
            settings.users.scope =
                serde_json::from_value(json!({"kind": "groups", "group_ids": [outer]})).unwrap();
        })
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().create, run.counts().skipped), (1, 1));
    assert_eq!(stage.extensions().into_keys().collect::<Vec<_>>(), ["3001"]);
    // Joining the group is enough for the next look at what changed.
    stage
        .graph
        .add_member(TENANT, inner, stage.id("Bo Example"))
        .unwrap();
    let run = stage.sync(RunMode::Delta).await;
    assert_eq!(run.counts().create, 1);
    assert_eq!(
        stage.extensions().into_keys().collect::<Vec<_>>(),
        ["3001", "3002"]
    );
}

#[tokio::test]
async fn a_scope_group_that_is_gone_judges_nobody() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage
        .settings(|settings| {
            let gone = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
            settings.users.scope =
                serde_json::from_value(json!({"kind": "groups", "group_ids": [gone]})).unwrap();
            settings.users.delete_when_out_of_scope = true;
        })
        .await;
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.error.unwrap().contains("does not exist in Entra"));
    assert_eq!(stage.extensions().len(), 1);
}

#[tokio::test]
async fn a_group_whose_members_are_hidden_judges_nobody() {
    let stage = Stage::with(&[person("Ada Example"), person("Bo Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    let group = |visibility: &str| {
        let props = json!({
            "displayName": visibility, "groupTypes": ["Unified"], "mailEnabled": true, "securityEnabled": false,
            "visibility": visibility,
        });
        stage.graph.create_group(TENANT, &props).unwrap()
    };
    let hidden = group("HiddenMembership");
    stage
        .graph
        .add_member(TENANT, hidden, stage.id("Ada Example"))
        .unwrap();
    for scope in [
        json!({"kind": "groups", "group_ids": [hidden]}),
        json!({"kind": "all", "exclude_group_ids": [hidden]}),
    ] {
        stage
            .settings(|settings| {
                settings.users.scope = serde_json::from_value(scope.clone()).unwrap();
                settings.users.delete_when_out_of_scope = true;
            })
            .await;
        let run = stage.sync(RunMode::Full).await;
        assert_eq!(run.state, RunState::Failed, "{scope}");
        assert!(run.error.unwrap().contains("Entra hides who is in the group"));
        assert_eq!(stage.extensions().len(), 2, "{scope}");
    }
    // One that is really empty excludes nobody.
    let empty = group("Private");
    stage
        .settings(|settings| {
            let scope = json!({"kind": "all", "exclude_group_ids": [empty]});
            settings.users.scope = serde_json::from_value(scope).unwrap();
        })
        .await;
    assert_eq!(stage.sync(RunMode::Full).await.state, RunState::Succeeded);
}

// spec: 67
#[tokio::test]
async fn the_welcome_mail_is_sent_once_for_each_created_extension() {
    let stage = Stage::with(
        &[person("Ada Example")],
        vec![extension("1001", "Foreign", "f@contoso.example")],
    )
    .await;
    stage
        .settings(|settings| settings.users.send_welcome_email = true)
        .await;
    stage.sync(RunMode::Full).await;
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.pbx.requests("extension/send_welcome_email"), 1);
}

#[tokio::test]
async fn one_person_whom_the_pbx_refuses_does_not_stop_the_others() {
    use simulators::pbx::{Fault, FaultKind};
    let stage = Stage::with(
        &[person("Ada Example"), person("Bo Example"), person("Cy Example")],
        Vec::new(),
    )
    .await;
    stage.settings(|_| {}).await;
    stage.pbx.fault(Fault::once(
        "extension/create",
        FaultKind::Errcode { code: 40001 },
    ));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(
        (run.state, run.counts().create, run.counts().failed),
        (RunState::PartlyFailed, 2, 1)
    );
    let again = stage.sync(RunMode::Full).await;
    assert_eq!((again.state, again.counts().create), (RunState::Succeeded, 1));
}

#[tokio::test]
async fn rules_may_be_looked_at_before_user_sync_is_switched_on() {
    let stage = Stage::with(&[person("Ada Example")], Vec::new()).await;
    stage.settings(|settings| settings.users.enabled = false).await;
    let run = stage.dry_run().await;
    assert_eq!((run.counts().create, stage.extensions().len()), (1, 0));
}
