//! Another address or other credentials of the PBX, on their page of the console.

use secrecy::ExposeSecret as _;
use shared::domain::connection::{ConnectionSecrets, ConnectionStatus, PbxSide};
use shared::ports::ShutProblem;

use crate::harness::{CONNECTION, World, connection};
use crate::pages::Visit;

const SAME: &str = "/pbx/base_url=https://pbx.example.com";
const MOVED: &str = "/pbx/base_url=https://moved.example.com";

async fn scene() -> World {
    let world = World::connected().await;
    "SERIAL-1".clone_into(&mut world.sides.script().serial);
    world
}

async fn pbx(world: &World) -> PbxSide {
    world
        .store
        .connection(connection().id)
        .await
        .unwrap()
        .unwrap()
        .value
        .pbx
}

async fn secrets(world: &World) -> ConnectionSecrets {
    world.store.secrets(connection().id).await.unwrap().unwrap()
}

fn link() -> String {
    format!("href=\"/console/connections/{CONNECTION}/pbx-access\"")
}

#[tokio::test]
async fn the_page_is_reached_where_the_pbx_is_looked_after_and_shows_no_credential() {
    let world = scene().await;
    let visit = Visit::begin(&world).await;
    for rest in ["", "/health"] {
        let page = visit.page(rest).await;
        assert!(page.text.contains(&link()), "{rest}: {}", page.text);
    }
    let page = visit.page("/pbx-access").await;
    assert!(
        page.text.contains("value=\"https://pbx.example.com\""),
        "{}",
        page.text
    );
    for stored in ["pbx-client", "stored-pbx-secret"] {
        assert!(!page.text.contains(&format!("\"{stored}\"")), "{}", page.text);
    }
    let chinese = visit.page_in("zh-CN", "/pbx-access").await;
    assert!(chinese.text.contains("更新 PBX 接入信息"), "{}", chinese.text);
    world.set_status(ConnectionStatus::Disconnected).await;
    for rest in ["", "/health"] {
        assert!(!visit.page(rest).await.text.contains(&link()), "{rest}");
    }
    let late = visit
        .post("/pbx-access", &format!("{SAME}&/pbx/client_secret=other"))
        .await;
    assert_eq!(late.status, 409);
    assert!(
        late.text.contains("the connection is disconnected"),
        "{}",
        late.text
    );
}

#[tokio::test]
async fn wrong_credentials_change_nothing_and_are_named_beside_their_field() {
    let world = scene().await;
    world.sides.script().shut = Some(ShutProblem::WrongCredentials);
    let visit = Visit::begin(&world).await;
    let form = format!("{SAME}&/pbx/client_id=typed-id&/pbx/client_secret=canary-secret");
    let refused = visit.post("/pbx-access", &form).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("id=\"pbx-client-secret-error\""),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("value=\"typed-id\""),
        "what was typed stays"
    );
    assert!(!refused.text.contains("canary"), "a secret is never shown again");
    assert_eq!(
        secrets(&world).await.pbx.client_secret.expose_secret(),
        "stored-pbx-secret"
    );
}

#[tokio::test]
async fn what_is_left_empty_stays_and_what_was_saved_is_told() {
    let world = scene().await;
    let visit = Visit::begin(&world).await;
    let saved = visit
        .post(
            "/pbx-access",
            &format!("{SAME}&/pbx/client_id=&/pbx/client_secret=other-secret"),
        )
        .await;
    let location = format!("/console/connections/{CONNECTION}?done=pbx-access");
    assert_eq!(saved.header("location"), location, "{}", saved.text);
    let page = visit.open("en", &location).await;
    assert!(page.text.contains("They are in use now."), "{}", page.text);
    let stored = secrets(&world).await.pbx;
    assert_eq!(stored.client_id, "pbx-client");
    assert_eq!(stored.client_secret.expose_secret(), "other-secret");
    let saved = visit
        .post("/pbx-access", &format!("{SAME}&/pbx/client_id=other-id"))
        .await;
    assert_eq!(saved.status, 302, "{}", saved.text);
    let stored = secrets(&world).await.pbx;
    assert_eq!(stored.client_id, "other-id");
    assert_eq!(stored.client_secret.expose_secret(), "other-secret");
}

// case: 60
#[tokio::test]
async fn another_address_or_authority_takes_the_secret_anew() {
    let world = scene().await;
    let visit = Visit::begin(&world).await;
    let authority = format!("{SAME}&/pbx/ca_pem=AUTHORITY");
    for form in [MOVED, &authority] {
        let refused = visit.post("/pbx-access", form).await;
        assert_eq!(refused.status, 422, "{form}");
        assert!(
            refused.text.contains("id=\"pbx-client-secret-error\""),
            "{}",
            refused.text
        );
    }
    let chinese = visit.post_in("zh-CN", "/pbx-access", MOVED).await;
    let error = "id=\"pbx-client-secret-error\">请重新填写客户端密钥";
    assert!(chinese.text.contains(error), "{}", chinese.text);
    assert!(world.sides.script().shown.is_empty(), "nobody was asked");
    let form = format!("{MOVED}&/pbx/ca_pem=AUTHORITY&/pbx/client_secret=sent-again");
    assert_eq!(visit.post("/pbx-access", &form).await.status, 302);
    let stored = pbx(&world).await;
    assert_eq!(stored.base_url, "https://moved.example.com");
    assert_eq!(stored.ca_pem.as_deref(), Some("AUTHORITY"));
    let page = visit.page("/pbx-access").await;
    assert!(page.text.contains("AUTHORITY</textarea>"), "{}", page.text);
    let same = visit
        .post("/pbx-access", &format!("{MOVED}&/pbx/ca_pem=AUTHORITY%0D%0A"))
        .await;
    assert_eq!(same.status, 302, "as it was, it asks for nothing: {}", same.text);
    let without = format!("{MOVED}&/pbx/ca_pem=&/pbx/client_secret=sent-again");
    assert_eq!(visit.post("/pbx-access", &without).await.status, 302);
    assert_eq!(pbx(&world).await.ca_pem, None);
}

#[tokio::test]
async fn the_keys_of_the_linkus_sdk_are_entered_kept_and_removed() {
    let world = scene().await;
    let visit = Visit::begin(&world).await;
    let remove = "name=\"/pbx/linkus_sdk/remove\"";
    let page = visit.page("/pbx-access").await;
    assert!(!page.text.contains(remove), "there is nothing to remove");
    let half = visit
        .post(
            "/pbx-access",
            &format!("{SAME}&/pbx/linkus_sdk/access_id=access-id"),
        )
        .await;
    assert_eq!(half.status, 422);
    assert!(
        half.text.contains("id=\"pbx-linkus-sdk-access-key-error\""),
        "{}",
        half.text
    );
    let both = format!("{SAME}&/pbx/linkus_sdk/access_id=access-id&/pbx/linkus_sdk/access_key=canary-key");
    assert_eq!(visit.post("/pbx-access", &both).await.status, 302);
    let page = visit.page("/pbx-access").await;
    assert!(
        page.text.contains(remove) && !page.text.contains("canary"),
        "{}",
        page.text
    );
    assert_eq!(visit.post("/pbx-access", SAME).await.status, 302);
    let kept = secrets(&world).await.linkus_sdk.unwrap();
    assert_eq!(kept.access_id, "access-id");
    assert_eq!(kept.access_key.expose_secret(), "canary-key");
    // Elsewhere they do not go, which the page says where they are entered and in its own words.
    let elsewhere = format!("{MOVED}&/pbx/client_secret=sent-again");
    let refused = visit.post("/pbx-access", &elsewhere).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .text
            .contains("<p class=\"error\">send the Linkus SDK credentials again"),
        "{}",
        refused.text
    );
    assert!(!refused.text.contains("/pbx/linkus_sdk:"), "{}", refused.text);
    let gone = format!("{SAME}&/pbx/linkus_sdk/remove=on");
    assert_eq!(visit.post("/pbx-access", &gone).await.status, 302);
    assert!(secrets(&world).await.linkus_sdk.is_none());
}
