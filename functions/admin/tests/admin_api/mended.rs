//! A side that was mended ends the attention that it caused, and no other; what stood still goes on.

use axum::http::Method;
use serde_json::{Value, json};
use shared::domain::connection::{AttentionCause, ConnectionStatus};
use shared::domain::settings::{ConnectionSettings, ContactAccess};

use crate::harness::{Answer, Call, World, connection, path};

async fn in_trouble(cause: AttentionCause) -> World {
    let world = World::connected().await;
    "SERIAL-1".clone_into(&mut world.sides.script().serial);
    save_settings(&world, |settings| settings.users.enabled = true).await;
    // Its first run is over.
    assert!(world.store.mark_ever_enabled(connection().id).await.unwrap());
    world
        .set_status(ConnectionStatus::NeedsAttention {
            reason: "somebody must act".to_owned(),
            cause,
        })
        .await;
    world
}

async fn save_settings(world: &World, change: impl FnOnce(&mut ConnectionSettings)) {
    let id = connection().id;
    let stored = world.store.settings(id).await.unwrap().unwrap();
    let mut settings = stored.value;
    change(&mut settings);
    let saved = world.store.put_settings(id, &settings, stored.version).await;
    saved.unwrap().unwrap();
}

async fn is_due(world: &World) -> bool {
    let work = world.store.work_state(connection().id).await.unwrap().unwrap();
    work.due_at.is_some_and(|due| due <= world.now())
}

async fn mend_pbx(world: &World) -> Answer {
    let body = json!({"pbx": {"client_secret": "another-secret"}});
    world.call(Call::new(Method::PATCH, path("")).json(&body)).await
}

async fn mend_app(world: &World) -> Answer {
    let body = json!({"client_secret": "next-secret"});
    world.call(Call::post(path("/client-secret"), &body)).await
}

#[tokio::test]
async fn a_pbx_that_lets_us_in_again_is_worked_with_at_once() {
    let world = in_trouble(AttentionCause::Pbx).await;
    assert!(!is_due(&world).await);
    assert_eq!(mend_pbx(&world).await.ok(200)["status"], "connected");
    assert!(is_due(&world).await);
}

#[tokio::test]
async fn a_good_pbx_makes_up_for_nothing_that_the_tenant_lacks() {
    let world = in_trouble(AttentionCause::Entra).await;
    let answer = mend_pbx(&world).await.ok(200);
    assert_eq!(answer["status"], "needs_attention");
    assert_eq!(answer["status_reason"], "somebody must act");
    // What the PBX had hidden is said now.
    let world = in_trouble(AttentionCause::Pbx).await;
    world.sides.script().missing = vec!["Group.Read.All"];
    let answer = mend_pbx(&world).await.ok(200);
    assert_eq!(answer["status"], "needs_attention");
    assert!(
        answer["status_reason"]
            .as_str()
            .unwrap()
            .contains("Group.Read.All")
    );
}

#[tokio::test]
async fn a_good_secret_of_the_app_makes_up_for_nothing_that_the_pbx_refuses() {
    for cause in [AttentionCause::Pbx, AttentionCause::Other] {
        let world = in_trouble(cause).await;
        let answer = mend_app(&world).await.ok(200);
        assert_eq!(answer["status"], "needs_attention", "{cause:?}");
        assert_eq!(answer["status_reason"], "somebody must act", "{cause:?}");
        assert!(is_due(&world).await, "the next run finds out");
    }
    let world = in_trouble(AttentionCause::Entra).await;
    assert_eq!(mend_app(&world).await.ok(200)["status"], "connected");
}

#[tokio::test]
async fn a_good_secret_of_the_app_is_no_account_to_act_for() {
    let world = in_trouble(AttentionCause::Entra).await;
    save_settings(&world, |settings| {
        settings.contacts.access = ContactAccess::AuthorisedAccount;
    })
    .await;
    let answer = mend_app(&world).await.ok(200);
    assert_eq!(answer["status"], "needs_attention");
    assert!(
        answer["status_reason"]
            .as_str()
            .unwrap()
            .contains("none is authorised")
    );
    let grant = "refresh-token".to_owned().into();
    world
        .store
        .save_delegated_grant(connection().id, Some(&grant))
        .await
        .unwrap();
    assert_eq!(mend_app(&world).await.ok(200)["status"], "connected");
}

#[tokio::test]
async fn what_is_not_needed_any_more_is_not_lacking() {
    let world = World::connected().await;
    let access = |name: &str| json!({"contacts": {"access": name}});
    save(&world, &access("authorised_account")).await;
    assert_eq!(status(&world).await["status"], "needs_attention");
    world.sides.script().graph_down = true;
    save(&world, &access("application")).await;
    assert_eq!(
        status(&world).await["status"],
        "needs_attention",
        "nobody said otherwise"
    );
    world.sides.script().graph_down = false;
    save(&world, &access("authorised_account")).await;
    save(&world, &access("application")).await;
    let now = status(&world).await;
    assert_eq!(
        (&now["status"], now.get("status_reason")),
        (&json!("connected"), None)
    );
}

#[tokio::test]
async fn the_apps_own_permission_is_another_one_than_the_accounts() {
    let world = World::connected().await;
    let grant = "refresh-token".to_owned().into();
    world
        .store
        .save_delegated_grant(connection().id, Some(&grant))
        .await
        .unwrap();
    let contacts = |access: &str| json!({"contacts": {"enabled": true, "access": access, "personal": {"enabled": true, "acknowledged_visibility": true}}});
    save(&world, &contacts("authorised_account")).await;
    assert_eq!(status(&world).await["status"], "connected");
    world.sides.script().missing = vec!["Contacts.Read"];
    save(&world, &contacts("application")).await;
    assert_eq!(status(&world).await["status"], "needs_attention");
}

async fn status(world: &World) -> Value {
    world.call(Call::get(path(""))).await.ok(200)
}

async fn save(world: &World, document: &Value) {
    let tag = world.call(Call::get(path("/settings"))).await;
    let call = Call::new(Method::PUT, path("/settings"))
        .header("if-match", tag.header("etag"))
        .json(document);
    world.call(call).await.ok(200);
}
