//! An admin connects: a link, Microsoft's sign-in and consent, the way back, and what the connection says afterwards.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};
use shared::domain::connection::ConnectionStatus;
use shared::domain::settings::ContactAccess;
use shared::domain::sync_run::RunMode;
use simulators::graph::{Fault, FaultKind, IdTokenChange};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::browser::{Browser, ORIGIN, with};
use crate::pages::{at, signed_in, word};
use crate::stage::{ADMIN_TOKEN, APP, SECRET, Stage, TENANT, person};

/// Ann is an administrator of the tenant, Bo is none; nobody consented to anything.
pub async fn scene() -> Stage {
    let stage = Stage::with(&[person("Ann Archer"), person("Bo Baker")], Vec::new()).await;
    let uri = format!("{ORIGIN}/connect/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    stage
        .graph
        .set_administrator(TENANT, stage.id("Ann Archer"), true)
        .unwrap();
    stage.graph.set_consent(TENANT, APP, false).unwrap();
    set_status(
        &stage,
        ConnectionStatus::AwaitingConsent {
            reason: "consent".to_owned(),
        },
    )
    .await;
    stage
}

async fn set_status(stage: &Stage, status: ConnectionStatus) {
    let store = &stage.engine.store;
    let mut connection = store.connection(stage.connection).await.unwrap().unwrap();
    connection.value.status = status;
    store.save_connection(&connection).await.unwrap();
}

pub async fn api(stage: &Stage, method: Method, rest: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/connections/{}{rest}", stage.connection))
        .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .unwrap();
    let response = stage.functions().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn link(stage: &Stage) -> String {
    let (status, body) = api(stage, Method::POST, "/authorize", None).await;
    assert_eq!(status, 200, "{body}");
    body["authorize_url"].as_str().unwrap().to_owned()
}

pub async fn sign_in(stage: &Stage, browser: &mut Browser, user: Uuid) -> crate::browser::Got {
    let microsoft = browser.open(&link(stage).await).await.location();
    let back = stage.graph.approve(&microsoft, user).unwrap();
    browser.open(&back).await
}

// spec: 37, 39, 41, 42, 43, 44, 45
#[tokio::test]
async fn consent_of_an_administrator_connects_and_is_remembered() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let landed = sign_in(&stage, &mut browser, stage.id("Ann Archer")).await;
    landed.says(200, "Connected");
    landed.says(
        200,
        &format!("href=\"/console/connections/{}\"", stage.connection),
    );
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "connected");
    assert_eq!(
        connection["authorised_account"]["object_id"],
        stage.id("Ann Archer").to_string()
    );
    assert_eq!(
        connection["authorised_account"]["user_principal_name"],
        "ann@contoso.example"
    );
    // Connecting alone syncs nothing.
    assert!(stage.extensions().is_empty());
    // Nothing is kept to act in Ann's name: nothing asks for it.
    assert!(
        stage
            .engine
            .store
            .delegated_grant(stage.connection)
            .await
            .unwrap()
            .is_none()
    );
}

// spec: 38
#[tokio::test]
async fn whoever_is_kept_by_other_pages_of_microsofts_comes_back_in_time() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let microsoft = browser.open(&link(&stage).await).await.location();
    // More about security, a second factor, whether to stay signed in: the connector sees none of it.
    stage.clock.advance(Duration::from_mins(9));
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    browser.open(&back).await.says(200, "Connected");
}

// spec: 32
#[tokio::test]
async fn the_delegated_permission_that_every_new_app_has_may_stay() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    let without = stage.graph.request_counts();
    stage
        .graph
        .consent_delegated(TENANT, APP, &["User.Read"])
        .unwrap();
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    let with = stage.graph.request_counts();
    assert!(
        with.keys().eq(without.keys()),
        "nobody is asked anything else: {with:?}"
    );
}

// spec: 69
#[tokio::test]
async fn settings_saved_before_consent_start_their_first_run_with_it() {
    let stage = scene().await;
    stage.settings(|_| {}).await;
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 2);
}

#[tokio::test]
async fn missing_permissions_are_named_one_by_one() {
    let stage = scene().await;
    stage.graph.revoke_role(TENANT, APP, "Group.Read.All").unwrap();
    let mut browser = Browser::new(&stage.functions());
    let got = sign_in(&stage, &mut browser, stage.id("Ann Archer")).await;
    got.says(200, "Group.Read.All");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "needs_attention");
    let reason = connection["status_reason"].as_str().unwrap();
    assert!(
        reason.contains("Group.Read.All") && !reason.contains("User.Read.All"),
        "{reason}"
    );
    // Consent in the portal, then another sign-in.
    stage.graph.grant_role(TENANT, APP, "Group.Read.All").unwrap();
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "connected");
}

#[tokio::test]
async fn who_may_not_consent_or_does_not_changes_nothing() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Bo Baker"))
        .await
        .says(403, "administrator");
    let microsoft = browser.open(&link(&stage).await).await.location();
    let back = stage.graph.decline(&microsoft, stage.id("Ann Archer")).unwrap();
    browser.open(&back).await.says(403, "declined");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "awaiting_consent");
    assert!(connection.get("authorised_account").is_none());
}

// case: 26
#[tokio::test]
async fn an_account_of_another_tenant_connects_nothing() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let change = IdTokenChange {
        set: [("tid".to_owned(), json!("99999999-8888-4777-8666-000000000000"))]
            .into_iter()
            .collect(),
        remove: Vec::new(),
    };
    stage.graph.set_id_token_change(TENANT, Some(change)).unwrap();
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(403, "another tenant");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "awaiting_consent");
}

// spec: 37
#[tokio::test]
async fn the_consoles_button_leads_to_microsoft_by_a_page_that_uses_nothing_up() {
    let stage = scene().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let csrf = word(&browser.open("/console").await, "csrf");
    let form = [("csrf", csrf.as_str())];
    for (language, words) in [("zh-CN", "正在前往 Microsoft"), ("en", "taken to Microsoft")] {
        browser.language = Some(language);
        let between = browser.post(&at(&stage, "/authorize"), &form).await;
        between.says(200, words);
        let policy = between.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("form-action 'self';") && !policy.contains("script-src"),
            "{policy}"
        );
        let link = between.goes_on();
        assert!(
            link.starts_with(&format!("{ORIGIN}/connect/start?attempt=")),
            "{link}"
        );
        let microsoft = browser.open(&link).await.location();
        let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
        assert_eq!(browser.open(&back).await.status, 200);
    }
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

// case: 32
#[tokio::test]
async fn who_only_asks_for_the_head_of_a_link_does_not_use_it_up() {
    let stage = scene().await;
    let router = stage.functions();
    let link = link(&stage).await;
    let scanned = Browser::new(&router).head(&link).await;
    assert_eq!((scanned.status.as_u16(), scanned.text.as_str()), (200, ""));
    assert!(!scanned.headers.contains_key(header::SET_COOKIE));
    assert_eq!(scanned.headers[header::CACHE_CONTROL], "no-store");
    let mut browser = Browser::new(&router);
    let microsoft = browser.open(&link).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    browser.open(&back).await.says(200, "Connected");
}

// case: 32
#[tokio::test]
async fn a_link_works_once_for_ten_minutes_and_binds_its_browser() {
    let stage = scene().await;
    let router = stage.functions();
    let mut browser = Browser::new(&router);
    let first = link(&stage).await;
    let microsoft = browser.open(&first).await.location();
    browser.open(&first).await.says(400, "used before");
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    Browser::new(&router).open(&back).await.says(400, "start again");
    browser.open(&back).await.says(200, "Connected");
    browser.open(&back).await.says(400, "start again");
    let second = link(&stage).await;
    stage.clock.advance(Duration::from_mins(11));
    browser.open(&second).await.says(400, "used before");
    browser
        .open(&with(&second, "attempt", "nothing"))
        .await
        .says(400, "used before");
    browser.open("/connect/start").await.says(400, "not valid");
}

#[tokio::test]
async fn an_answer_for_one_purpose_is_no_answer_for_another() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let microsoft = browser.open(&link(&stage).await).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    let elsewhere = back.replace("/connect/callback", "/sso/callback");
    browser.open(&elsewhere).await.says(400, "start again");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "awaiting_consent");
}

#[tokio::test]
async fn a_refresh_token_is_kept_only_where_contacts_are_read_in_somebodys_name() {
    let stage = scene().await;
    stage
        .settings(|settings| settings.contacts.access = ContactAccess::AuthorisedAccount)
        .await;
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    assert!(
        stage
            .engine
            .store
            .delegated_grant(stage.connection)
            .await
            .unwrap()
            .is_some()
    );
    stage
        .settings(|settings| settings.contacts.access = ContactAccess::Application)
        .await;
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    assert!(
        stage
            .engine
            .store
            .delegated_grant(stage.connection)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_switched_off_connection_stays_off_and_a_disconnected_one_gives_no_link() {
    let stage = scene().await;
    set_status(&stage, ConnectionStatus::Disabled).await;
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Connected");
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "disabled");
    set_status(&stage, ConnectionStatus::Disconnected).await;
    assert_eq!(api(&stage, Method::POST, "/authorize", None).await.0, 409);
}

// spec: 37, 39
#[tokio::test]
async fn what_is_added_to_the_registration_is_asked_for_at_the_next_sign_in() {
    let stage = scene().await;
    stage.graph.revoke_role(TENANT, APP, "Group.Read.All").unwrap();
    let mut browser = Browser::new(&stage.functions());
    let ann = stage.id("Ann Archer");
    sign_in(&stage, &mut browser, ann)
        .await
        .says(200, "Group.Read.All");
    assert!(lacks(&stage, "Group.Read.All").await);
    stage.graph.register_role(TENANT, APP, "Group.Read.All").unwrap();
    // Who may not consent changes nothing, who may does.
    sign_in(&stage, &mut browser, stage.id("Bo Baker"))
        .await
        .says(403, "administrator");
    assert!(lacks(&stage, "Group.Read.All").await);
    sign_in(&stage, &mut browser, ann).await.says(200, "Connected");
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

async fn lacks(stage: &Stage, permission: &str) -> bool {
    match stage.status().await {
        ConnectionStatus::NeedsAttention { reason, .. } => reason.contains(permission),
        _ => false,
    }
}

#[tokio::test]
async fn a_run_that_needs_less_does_not_hide_what_another_part_lacks() {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    stage.settings(|settings| settings.presence.enabled = true).await;
    let forbidden = FaultKind::Http {
        status: 403,
        code: "Forbidden".to_owned(),
    };
    let fault = Fault::new("/v1.0/communications/*", forbidden).times(1_000);
    stage.graph.add_fault(fault);
    let mut browser = Browser::new(&stage.functions());
    sign_in(&stage, &mut browser, stage.id("Ann Archer"))
        .await
        .says(200, "Presence.Read.All");
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.extensions().len(), 2);
    assert!(lacks(&stage, "Presence.Read.All").await);
    // Granted in the portal: the next run finds out.
    stage.graph.clear_faults();
    stage.sync(RunMode::Full).await;
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

#[tokio::test]
async fn contacts_in_somebodys_name_wait_for_somebody() {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    set_status(&stage, ConnectionStatus::Connected).await;
    let access = |name: &str| json!({"contacts": {"access": name}});
    assert_eq!(save(&stage, access("authorised_account")).await, 200);
    let ConnectionStatus::NeedsAttention { reason, .. } = stage.status().await else {
        unreachable!("nobody was told")
    };
    assert!(reason.contains("none is authorised"), "{reason}");
    // A good run does not make up for it.
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    assert!(matches!(
        stage.status().await,
        ConnectionStatus::NeedsAttention { .. }
    ));
    sign_in(
        &stage,
        &mut Browser::new(&stage.functions()),
        stage.id("Ann Archer"),
    )
    .await
    .says(200, "Connected");
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

/// Saves a settings document over the present one.
async fn save(stage: &Stage, document: Value) -> u16 {
    let read = stage
        .engine
        .store
        .settings(stage.connection)
        .await
        .unwrap()
        .unwrap();
    let request = Request::builder()
        .method(Method::PUT)
        .uri(format!("/api/v1/connections/{}/settings", stage.connection))
        .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, format!("\"{}\"", read.version.0))
        .body(Body::from(document.to_string()))
        .unwrap();
    let response = stage.functions().oneshot(request).await.unwrap();
    response.status().as_u16()
}

// spec: 156, 159
#[tokio::test]
async fn a_replaced_secret_resumes_by_itself_and_changes_nothing_else() {
    let stage = scene().await;
    stage.graph.set_consent(TENANT, APP, true).unwrap();
    set_status(&stage, ConnectionStatus::Connected).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    let before = api(&stage, Method::GET, "/settings", None).await.1;
    stage.graph.expire_secret(TENANT, APP, SECRET).unwrap();
    stage.clock.advance(Duration::from_hours(2));
    stage.sync(RunMode::Full).await;
    let (_, connection) = api(&stage, Method::GET, "", None).await;
    assert_eq!(connection["status"], "needs_attention");
    let reason = connection["status_reason"].as_str().unwrap();
    assert!(
        reason.contains("expired") && reason.contains("AADSTS7000222"),
        "{reason}"
    );
    let wrong = json!({"client_secret": "an-id-instead-of-a-value"});
    assert_eq!(
        api(&stage, Method::POST, "/client-secret", Some(wrong)).await.0,
        422
    );
    stage
        .graph
        .add_secret(
            TENANT,
            APP,
            "the-next~one",
            "2028-01-01T00:00:00Z".parse().unwrap(),
        )
        .unwrap();
    stage.graph.create_user(TENANT, &person("Cy Clark")).unwrap();
    let next = json!({"client_secret": "the-next~one", "expires_at": "2028-01-01T00:00:00Z"});
    let (status, connection) = api(&stage, Method::POST, "/client-secret", Some(next)).await;
    assert_eq!(
        (status, connection["status"].as_str().unwrap()),
        (200, "connected")
    );
    assert_eq!(connection["secret_expires_at"], "2028-01-01T00:00:00Z");
    stage.drive().await.unwrap();
    assert_eq!(stage.extensions().len(), 3);
    assert_eq!(api(&stage, Method::GET, "/settings", None).await.1, before);
}
