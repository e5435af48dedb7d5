//! Why a person has the extension they have, or none, and what the next run does about it.

use serde_json::json;
use shared::domain::operation_record::{OperationKind, OperationRecord, Reason};
use shared::domain::sync_run::RunMode;
use shared::sync_run::explain::{Explanation, explain};

use crate::stage::{Stage, TENANT, extension, person};

async fn explained(stage: &Stage, name: &str) -> Explanation {
    let id = stage.id(name).to_string();
    let explained = explain(&stage.engine, stage.connection, &id).await.unwrap();
    explained.unwrap()
}

type Outlook = Option<(OperationKind, Reason, Option<String>)>;

fn outlook(record: Option<&OperationRecord>) -> Outlook {
    record.map(|record| (record.kind, record.reason, record.number.clone()))
}

/// Somebody of every kind, some of them changed on either side since the last run.
async fn mixed() -> Stage {
    let names = ["Ada", "Bo", "Cy", "Di", "Eve"].map(|name| format!("{name} Example"));
    let people: Vec<_> = names.iter().map(|name| person(name)).collect();
    let stage = Stage::with(&people, vec![extension("1001", "Old", "flo@contoso.example")]).await;
    stage
        .settings(|settings| {
            settings.safety.max_removals = 0;
            settings.users.scope =
                serde_json::from_value(json!({"kind": "types", "types": ["member"]})).unwrap();
        })
        .await;
    stage.sync(RunMode::Full).await;
    stage.edit("Bo Example", &json!({"jobTitle": "Manager"}));
    stage.graph.disable_user(TENANT, stage.id("Cy Example")).unwrap();
    let number = explained(&stage, "Di Example").await.binding.unwrap().number;
    stage.pbx.delete_extension(number.as_str()).unwrap();
    stage.edit("Eve Example", &json!({"userType": "Guest"}));
    let mut guest = person("Guy Example");
    guest["userType"] = json!("Guest");
    for new in [person("Flo Example"), person("Hal Example"), guest] {
        stage.graph.create_user(TENANT, &new).unwrap();
    }
    stage
}

#[tokio::test]
async fn an_explanation_foretells_what_a_run_over_everybody_would_do() {
    let stage = mixed().await;
    let run = stage.dry_run().await;
    let mut lines = stage.records(run.id).await;
    lines.extend(stage.engine.store.held(stage.connection, run.id).await.unwrap());
    let skips = run.skips.unwrap();
    lines.extend(stage.engine.store.skips(stage.connection, &skips).await.unwrap());
    let mut told = Vec::new();
    for name in ["Ada", "Bo", "Cy", "Di", "Eve", "Flo", "Guy", "Hal"] {
        let explanation = explained(&stage, &format!("{name} Example")).await;
        let of_run = lines
            .iter()
            .find(|line| line.entra_id == explanation.user.id.to_string());
        assert_eq!(outlook(explanation.would.as_ref()), outlook(of_run), "{name}");
        told.push(explanation.would.map(|would| would.kind));
    }
    let kinds = [
        None,
        Some(OperationKind::Update),
        Some(OperationKind::Delete),
        Some(OperationKind::Create),
        Some(OperationKind::Release),
        Some(OperationKind::Bind),
        Some(OperationKind::Skip),
        Some(OperationKind::Create),
    ];
    assert_eq!(told, kinds);
}

#[tokio::test]
async fn the_first_rule_that_speaks_against_an_extension_decides() {
    let stage = mixed().await;
    let deciding = async |name: &str| {
        let rules = explained(&stage, name).await.rules;
        rules.iter().find(|rule| rule.deciding).map(|rule| rule.rule)
    };
    assert_eq!(deciding("Ada Example").await, None);
    assert_eq!(deciding("Cy Example").await, Some("account"));
    assert_eq!(deciding("Guy Example").await, Some("scope"));
}

#[tokio::test]
async fn whoever_has_an_extension_is_explained_without_reading_everybody() {
    let stage = mixed().await;
    stage.pbx.reset_counters();
    stage.graph.clear_requests();
    let ada = explained(&stage, "Ada Example").await;
    assert_eq!(ada.binding.unwrap().number.as_str(), "2000");
    let asked = stage.pbx.counters().requests;
    assert_eq!(asked.values().sum::<u64>(), 1, "{asked:?}");
    let asked = stage.graph.request_counts();
    assert_eq!(asked.values().sum::<u64>(), 1, "{asked:?}");
}
