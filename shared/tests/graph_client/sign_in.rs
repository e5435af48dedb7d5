//! Tokens: few, fresh, and refused in words that help.

use std::time::Duration;

use shared::domain::connection::AppCredential;
use shared::domain::ids::{ClientId, TenantId};
use shared::graph::GraphConfig;
use shared::ports::{Directory as _, DirectoryError, SecretExpiry, SignInProblem};
use simulators::graph::FaultKind;

use crate::support::{APP, Cloud, SECRET, TENANT, all, printed};

async fn problem(cloud: &Cloud, config: GraphConfig) -> (SignInProblem, String) {
    match all(&cloud.client_of(config)).await.unwrap_err() {
        error @ DirectoryError::SignInRefused { problem, .. } => (problem, printed(&error)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_shared_and_renewed_before_its_end() {
    let cloud = Cloud::start().await;
    let client = cloud.client();
    let (a, b, c) = tokio::join!(all(&client), all(&client), all(&client));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let tokens = format!("/{TENANT}/oauth2");
    assert_eq!(cloud.calls(&tokens), 1);
    cloud.clock.advance(Duration::from_mins(54));
    all(&client).await.unwrap();
    assert_eq!(cloud.calls(&tokens), 1);
    cloud.clock.advance(Duration::from_mins(36));
    all(&client).await.unwrap();
    assert_eq!(cloud.calls(&tokens), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let cloud = Cloud::start().await;
    let client = cloud.client();
    let refusal = || FaultKind::Http {
        status: 401,
        code: "InvalidAuthenticationToken".to_owned(),
    };
    cloud.fault("/v1.0/users*", 0, 1, refusal());
    all(&client).await.unwrap();
    assert_eq!(cloud.calls(&format!("/{TENANT}/oauth2")), 2);
    cloud.fault("/v1.0/users*", 0, 100, refusal());
    let error = all(&client).await.unwrap_err();
    assert!(printed(&error).contains("401"), "{error}");
    assert_eq!(cloud.calls(&format!("/{TENANT}/oauth2")), 3);
}

#[tokio::test]
async fn wrong_settings_are_told_apart() {
    let cloud = Cloud::start().await;
    let wrong = GraphConfig {
        credential: AppCredential::secret("canary-wrong"),
        ..cloud.config()
    };
    let (kind, words) = problem(&cloud, wrong).await;
    assert_eq!(kind, SignInProblem::WrongSecret);
    assert!(
        words.contains("7000215") && words.contains("value") && words.contains("not its id"),
        "{words}"
    );
    let app = GraphConfig {
        client_id: ClientId::parse(TENANT).unwrap(),
        ..cloud.config()
    };
    assert_eq!(problem(&cloud, app).await.0, SignInProblem::UnknownApp);
    let tenant = GraphConfig {
        tenant: TenantId::parse(APP).unwrap(),
        ..cloud.config()
    };
    assert_eq!(problem(&cloud, tenant).await.0, SignInProblem::UnknownTenant);
    cloud.graph().expire_secret(TENANT, APP, SECRET).unwrap();
    assert_eq!(
        problem(&cloud, cloud.config()).await.0,
        SignInProblem::ExpiredSecret
    );
}

#[tokio::test]
async fn a_refused_sign_in_is_asked_once() {
    for code in [7_000_215, 7_000_222, 700_016, 90_002, 53_003, 7_000_112] {
        let cloud = Cloud::start().await;
        cloud.fault("/*/oauth2/*", 0, 1000, FaultKind::SignIn { code });
        let (_, words) = problem(&cloud, cloud.config()).await;
        assert!(words.contains(&code.to_string()), "{words}");
        assert_eq!(cloud.calls(&format!("/{TENANT}/oauth2")), 1, "{code}");
    }
}

#[tokio::test]
async fn a_failing_sign_in_service_is_asked_again_and_given_up() {
    let cloud = Cloud::start().await;
    cloud.fault("/*/oauth2/*", 0, 2, FaultKind::Empty503);
    all(&cloud.client()).await.unwrap();
    cloud.fault(
        "/*/oauth2/*",
        0,
        1000,
        FaultKind::Throttle {
            retry_after: Some("5".to_owned()),
        },
    );
    let error = all(&cloud.client()).await.unwrap_err();
    assert!(
        matches!(&error, DirectoryError::Unavailable { doing, .. } if doing == "signing in"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_end_of_the_secret_is_known() {
    let cloud = Cloud::start().await;
    let expiry = cloud.client().secret_expiry().await.unwrap();
    assert!(
        matches!(expiry, SecretExpiry::At(end) if end > crate::support::start_time()),
        "{expiry:?}"
    );
    cloud
        .graph()
        .revoke_role(TENANT, APP, "Application.Read.All")
        .unwrap();
    let error = cloud.client().secret_expiry().await.unwrap_err();
    assert!(matches!(error, DirectoryError::PermissionMissing { .. }));
}
