//! In the name of whoever connected: what their sign-in left us is used, renewed, and told apart from nothing.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use shared::account_grant::AccountGrant as _;
use shared::domain::settings::ContactAccess;
use shared::graph::GraphClient;
use shared::ports::{Directory as _, DirectoryError, SignInProblem, UserQuery};
use shared::telemetry::chain;

use crate::browser::{Browser, ORIGIN};
use crate::connect::sign_in;
use crate::stage::{APP, Stage, TENANT, person};

/// Contacts are to be read in the name of whoever connects, and Ann may consent.
async fn scene() -> Stage {
    let stage = Stage::with(&[person("Ann Archer"), person("Bo Baker")], Vec::new()).await;
    let uri = format!("{ORIGIN}/connect/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    for name in ["Ann Archer", "Bo Baker"] {
        stage
            .graph
            .set_administrator(TENANT, stage.id(name), true)
            .unwrap();
    }
    stage
        .graph
        .consent_delegated(TENANT, APP, &["User.Read.All", "Contacts.Read.Shared"])
        .unwrap();
    stage
        .settings(|settings| settings.contacts.access = ContactAccess::AuthorisedAccount)
        .await;
    stage
}

async fn connect(stage: &Stage, name: &str) {
    let mut browser = Browser::new(&stage.functions());
    sign_in(stage, &mut browser, stage.id(name))
        .await
        .says(200, "Connected");
}

/// As the process has it that runs now.
async fn account(stage: &Stage) -> Arc<GraphClient> {
    let store = &stage.engine.store;
    let connection = store.connection(stage.connection).await.unwrap().unwrap().value;
    let secrets = store.secrets(stage.connection).await.unwrap().unwrap();
    stage.sides.account_graph(&connection, &secrets).unwrap()
}

async fn kept(stage: &Stage) -> String {
    let held = stage.engine.store.delegated_grant(stage.connection).await;
    held.unwrap().unwrap().token.expose_secret().to_owned()
}

async fn count(client: &Arc<GraphClient>) -> Result<usize, (SignInProblem, String)> {
    match client.list_users(&UserQuery::default()).await {
        Ok(users) => Ok(users.len()),
        Err(error) => {
            let told = chain(&error).to_string();
            let DirectoryError::SignInRefused { problem, .. } = error else {
                unreachable!("{told}")
            };
            Err((problem, told))
        }
    }
}

// spec: 45
#[tokio::test]
async fn each_use_of_the_refresh_token_leaves_the_next_one() {
    let stage = scene().await;
    connect(&stage, "Ann Archer").await;
    let first = kept(&stage).await;
    let client = account(&stage).await;
    assert_eq!(count(&client).await, Ok(2));
    let second = kept(&stage).await;
    assert_ne!(first, second);
    // The access token serves for an hour, with no renewal.
    assert_eq!(count(&account(&stage).await).await, Ok(2));
    assert_eq!(kept(&stage).await, second);
    // Renewed again and again, it outlives the ninety days that one of them has.
    for _ in 0..5 {
        stage.clock.advance(Duration::from_hours(24 * 40));
        assert_eq!(count(&client).await, Ok(2));
    }
    // Nothing of it is in the table in plain.
    let (last, items) = (kept(&stage).await, stage.table_in_plain().await);
    assert!(!items.contains(&last) && items.contains("GRANT"));
}

#[tokio::test]
async fn an_ended_sign_in_is_told_from_a_bad_secret_and_mended_by_another_one() {
    let stage = scene().await;
    let (problem, told) = count(&account(&stage).await).await.unwrap_err();
    assert_eq!(problem, SignInProblem::AccountMustSignIn);
    assert!(told.contains("no account is authorised"), "{told}");

    connect(&stage, "Ann Archer").await;
    assert_eq!(count(&account(&stage).await).await, Ok(2));
    stage
        .graph
        .revoke_sign_ins(TENANT, stage.id("Ann Archer"))
        .unwrap();
    stage.clock.advance(Duration::from_hours(2));
    let (problem, told) = count(&account(&stage).await).await.unwrap_err();
    assert_eq!(problem, SignInProblem::AccountMustSignIn);
    assert!(
        told.contains("AADSTS50173") && told.contains("sign in with Microsoft"),
        "{told}"
    );

    connect(&stage, "Bo Baker").await;
    assert_eq!(count(&account(&stage).await).await, Ok(2));
    stage
        .graph
        .expire_secret(TENANT, APP, crate::stage::SECRET)
        .unwrap();
    stage.clock.advance(Duration::from_hours(2));
    let (problem, _) = count(&account(&stage).await).await.unwrap_err();
    assert_eq!(problem, SignInProblem::ExpiredSecret);
}

#[tokio::test]
async fn a_renewal_that_comes_late_does_not_undo_a_sign_in() {
    let stage = scene().await;
    connect(&stage, "Ann Archer").await;
    let grant = stage.engine.store.account_grant(stage.connection);
    let anns = grant.load().await.unwrap().unwrap();
    connect(&stage, "Bo Baker").await;
    let bos = kept(&stage).await;
    grant.replace(&anns, &"anns-next".into()).await.unwrap();
    assert_eq!(kept(&stage).await, bos);
    // Nor does it bring back what nobody wants any more.
    stage
        .engine
        .store
        .save_delegated_grant(stage.connection, None)
        .await
        .unwrap();
    grant.replace(&anns, &"anns-next".into()).await.unwrap();
    assert!(grant.load().await.unwrap().is_none());
}
