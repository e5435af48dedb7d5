//! People who go: disabled, deleted, out of scope, with and without grace.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use shared::domain::settings::DeleteWhen;
use shared::domain::sync_run::RunMode;

use crate::stage::{Stage, TENANT, person};

async fn staffed() -> Stage {
    let stage = Stage::with(&[person("Ada Example"), person("Bo Example")], Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage
}

// spec: 61, 62
#[tokio::test]
async fn a_disabled_account_loses_its_extension() {
    for mode in [RunMode::Full, RunMode::Delta] {
        let stage = staffed().await;
        stage.graph.disable_user(TENANT, stage.id("Ada Example")).unwrap();
        let run = stage.sync(mode).await;
        assert_eq!(run.counts().delete, 1, "{mode:?}");
        assert_eq!(
            stage.extensions().into_keys().collect::<Vec<_>>(),
            ["2001"],
            "{mode:?}"
        );
        assert_eq!(stage.bindings().await.len(), 1, "{mode:?}");
    }
}

// spec: 61, 63
#[tokio::test]
async fn a_deleted_account_loses_its_extension() {
    for mode in [RunMode::Full, RunMode::Delta] {
        let stage = staffed().await;
        stage.graph.delete_user(TENANT, stage.id("Ada Example")).unwrap();
        let run = stage.sync(mode).await;
        assert_eq!(run.counts().delete, 1, "{mode:?}");
        assert_eq!(stage.extensions().len(), 1, "{mode:?}");
    }
}

// spec: 64
#[tokio::test]
async fn a_status_that_is_not_chosen_deletes_nothing() {
    let stage = staffed().await;
    stage
        .settings(|settings| settings.users.delete_when = BTreeSet::from([DeleteWhen::Disabled]))
        .await;
    stage.graph.delete_user(TENANT, stage.id("Ada Example")).unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 2);
}

// spec: 54, 56, 180
#[tokio::test]
async fn who_falls_out_of_scope_is_kept_and_never_touched_again() {
    let stage = staffed().await;
    stage
        .settings(|settings| {
            settings.users.scope =
                serde_json::from_value(json!({"kind": "types", "types": ["member"]})).unwrap();
        })
        .await;
    stage.edit("Ada Example", &json!({"userType": "Guest"}));
    let run = stage.sync(RunMode::Full).await;
    assert_eq!((run.counts().release, stage.bindings().await.len()), (1, 1));
    stage.edit("Ada Example", &json!({"jobTitle": "Visitor"}));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions()["2000"].title, "");
}

#[tokio::test]
async fn days_of_grace_pass_before_the_deletion_and_coming_back_ends_them() {
    let stage = staffed().await;
    stage
        .settings(|settings| settings.users.delete_grace_days = 7)
        .await;
    let ada = stage.id("Ada Example");
    stage.graph.disable_user(TENANT, ada).unwrap();
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_hours(6 * 24));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 2);
    stage.graph.enable_user(TENANT, ada).unwrap();
    stage.sync(RunMode::Full).await;
    stage.graph.disable_user(TENANT, ada).unwrap();
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_hours(6 * 24));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 2, "the days began anew");
    stage.clock.advance(Duration::from_hours(24));
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 1);
}

#[tokio::test]
async fn contacts_of_somebody_who_is_leaving_rest_until_the_extension_goes() {
    let stage = staffed().await;
    let ada = stage.id("Ada Example");
    let enter = |whose, name: &str| {
        let card = crate::contacts::card(name, "030 1");
        stage.graph.create_contact(TENANT, whose, (None, &card)).unwrap();
    };
    enter(ada, "Aunt May");
    // Were everything gone at once, the guard would ask.
    enter(stage.id("Bo Example"), "Old Neighbour");
    stage
        .settings(|settings| {
            settings.users.delete_grace_days = 7;
            settings.contacts.enabled = true;
            settings.contacts.personal.enabled = true;
            settings.contacts.personal.acknowledged_visibility = true;
        })
        .await;
    stage.sync(RunMode::Full).await;
    let before = format!("{:?}", (stage.pbx.phonebooks(), stage.pbx.contacts()));
    assert!(before.contains("Ada Example - Outlook"), "{before}");
    stage.graph.disable_user(TENANT, ada).unwrap();
    enter(ada, "Uncle Ben");
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_hours(6 * 24));
    stage.sync(RunMode::Full).await;
    let now = format!("{:?}", (stage.pbx.phonebooks(), stage.pbx.contacts()));
    assert_eq!(now, before, "nothing goes, and nothing new comes");
    stage.graph.enable_user(TENANT, ada).unwrap();
    stage.sync(RunMode::Full).await;
    let books = crate::contacts::phonebooks(&stage);
    assert_eq!(books["Ada Example - Outlook"].len(), 2, "{books:?}");
    stage.graph.disable_user(TENANT, ada).unwrap();
    stage.sync(RunMode::Full).await;
    stage.clock.advance(Duration::from_hours(7 * 24));
    stage.sync(RunMode::Full).await;
    let books: Vec<String> = crate::contacts::phonebooks(&stage).into_keys().collect();
    assert_eq!(books, ["Bo Example - Outlook"]);
    assert_eq!(stage.pbx.contacts().len(), 1);
}
