//! Who gets into the console, how far, and for how long: by Microsoft account, by API token, and by neither.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use shared::domain::console_access::{AccessEntry, ConsoleAccess, Who};
use shared::domain::ids::{ConnectionId, EntraGroupId, EntraUserId};
use shared::domain::role::Role;
use shared::store::{ApiToken, Version};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::browser::{Browser, Got, ORIGIN};
use crate::stage::{ADMIN_TOKEN, APP, Stage, TENANT, person};

async fn scene() -> Stage {
    let people = [person("Ann Archer"), person("Bo Baker"), person("Cy Clark")];
    let stage = Stage::with(&people, Vec::new()).await;
    let uri = format!("{ORIGIN}/console/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    stage
}

async fn allow(stage: &Stage, entries: Vec<(Who, Role, bool)>) {
    let entries = entries
        .into_iter()
        .map(|(who, role, everywhere)| AccessEntry {
            who,
            role,
            everywhere,
        })
        .collect();
    let store = &stage.engine.store;
    let read = store.console_access(stage.connection).await.unwrap();
    let written = store
        .put_console_access(stage.connection, &ConsoleAccess { entries }, read.version)
        .await;
    written.unwrap().unwrap();
}

fn who(id: Uuid) -> Who {
    Who::Person(EntraUserId::from(id))
}

async fn through_microsoft(stage: &Stage, browser: &mut Browser, user: Uuid) -> Got {
    let door = format!("/console/sign-in/microsoft?connection={}", stage.connection);
    let microsoft = browser.open(&door).await.location();
    let back = stage.graph.approve(&microsoft, user).unwrap();
    browser.open(&back).await
}

/// A call of the API with what the browser holds.
async fn call(
    stage: &Stage,
    browser: &Browser,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let cookies: Vec<String> = browser.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookies.join("; "))
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = stage
        .functions()
        .oneshot(request.body(Body::from("{}")).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn get(stage: &Stage, browser: &Browser, rest: &str) -> u16 {
    let path = format!("/api/v1/connections/{}{rest}", stage.connection);
    call(stage, browser, (Method::GET, &path), &[]).await.0
}

async fn csrf(browser: &mut Browser) -> String {
    let page = browser.open("/console").await;
    let rest = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_token_opens_the_console_the_first_time() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    assert_eq!(
        browser.open("/console").await.location(),
        "/console/sign-in?return_to=/console"
    );
    browser.open("/console/sign-in").await.says(200, "API token");
    browser
        .post("/console/sign-in", &[("token", "wrong")])
        .await
        .says(403, "not known");
    browser.post("/console/sign-in", &[]).await.says(403, "not known");
    // case: 38, 46
    let evil = browser
        .post_from(
            "https://evil.example",
            "/console/sign-in",
            &[("token", ADMIN_TOKEN)],
        )
        .await;
    assert_eq!(evil.status, 403);
    assert!(!browser.cookies.contains_key("__Host-console"));
    let form = [("token", ADMIN_TOKEN), ("return_to", "//evil.example")];
    assert_eq!(
        browser.post("/console/sign-in", &form).await.location(),
        "/console"
    );
    browser.open("/console").await.says(200, "You may do everything");
    browser.language = Some("zh-CN");
    browser.open("/console").await.says(200, "您可以");
    assert_eq!(get(&stage, &browser, "").await, 200);
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let stage = scene().await;
    let token = ApiToken {
        role: Role::Viewer,
        name: "short".to_owned(),
        created_at: stage.engine.clock.now(),
        expires_at: None,
    };
    let hash = admin::TokenHash::of("yc_viewer").hex();
    stage.engine.store.put_api_token(&hash, &token).await.unwrap();
    let mut browser = Browser::new(&stage.functions());
    browser.post("/console/sign-in", &[("token", "yc_viewer")]).await;
    assert_eq!(get(&stage, &browser, "").await, 200);
    // case: 51
    assert_eq!(get(&stage, &browser, "/console-access").await, 403);
    stage.engine.store.delete_api_token(&hash).await.unwrap();
    assert_eq!(get(&stage, &browser, "").await, 401);
}

#[tokio::test]
async fn people_groups_and_app_roles_are_let_in_and_nobody_else() {
    let stage = scene().await;
    let group = stage.graph.create_group(TENANT, &json!({"displayName": "Phones", "securityEnabled": true, "mailEnabled": false, "groupTypes": []})).unwrap();
    let inner = stage
        .graph
        .create_group(
            TENANT,
            &json!({"displayName": "Inner", "securityEnabled": true, "mailEnabled": false, "groupTypes": []}),
        )
        .unwrap();
    stage.graph.add_member(TENANT, group, inner).unwrap();
    stage
        .graph
        .add_member(TENANT, inner, stage.id("Bo Baker"))
        .unwrap();
    stage
        .graph
        .assign_app_role(TENANT, APP, stage.id("Cy Clark"), "console.viewer")
        .unwrap();
    let router = stage.functions();
    let mut stranger = Browser::new(&router);
    through_microsoft(&stage, &mut stranger, stage.id("Ann Archer"))
        .await
        .says(403, "may not use this console");
    allow(
        &stage,
        vec![
            (who(stage.id("Ann Archer")), Role::Admin, true),
            (Who::Group(EntraGroupId::from(group)), Role::Operator, false),
            (Who::AppRole("console.viewer".to_owned()), Role::Viewer, false),
        ],
    )
    .await;
    for (name, words) in [
        ("Ann Archer", "You may do everything"),
        ("Bo Baker", "run, approve and pause"),
        ("Cy Clark", "You may look at everything."),
    ] {
        let mut browser = Browser::new(&router);
        let landed = through_microsoft(&stage, &mut browser, stage.id(name))
            .await
            .location();
        assert_eq!(landed, "/console");
        let page = browser.open(&landed).await;
        page.says(200, words);
        page.says(200, name);
    }
    let other = stage.graph.create_user(TENANT, &person("Di Dorn")).unwrap();
    let mut browser = Browser::new(&router);
    through_microsoft(&stage, &mut browser, other)
        .await
        .says(403, "may not use this console");
    assert_eq!(get(&stage, &browser, "").await, 401);
}

// case: 45
#[tokio::test]
async fn who_is_taken_off_a_list_or_out_of_a_group_is_out_within_a_quarter_of_an_hour() {
    let stage = scene().await;
    let group = stage.graph.create_group(TENANT, &json!({"displayName": "Phones", "securityEnabled": true, "mailEnabled": false, "groupTypes": []})).unwrap();
    let (ann, bo, cy) = (stage.id("Ann Archer"), stage.id("Bo Baker"), stage.id("Cy Clark"));
    for member in [ann, bo] {
        stage.graph.add_member(TENANT, group, member).unwrap();
    }
    stage
        .graph
        .assign_app_role(TENANT, APP, cy, "console.viewer")
        .unwrap();
    let by_group = Who::Group(EntraGroupId::from(group));
    let by_role = Who::AppRole("console.viewer".to_owned());
    allow(
        &stage,
        vec![(by_group, Role::Admin, true), (by_role, Role::Viewer, false)],
    )
    .await;
    let router = stage.functions();
    let mut browsers = Vec::new();
    for user in [ann, bo, cy] {
        let mut browser = Browser::new(&router);
        through_microsoft(&stage, &mut browser, user).await.location();
        assert_eq!(get(&stage, &browser, "").await, 200);
        browsers.push(browser);
    }
    stage.graph.remove_member(TENANT, group, ann).unwrap();
    stage.clock.advance(Duration::from_mins(14));
    assert_eq!(get(&stage, &browsers[0], "").await, 200);
    stage.clock.advance(Duration::from_mins(1));
    assert_eq!(get(&stage, &browsers[0], "").await, 401);
    assert_eq!(get(&stage, &browsers[1], "").await, 200);
    // An app role shows at a sign-in alone.
    assert_eq!(get(&stage, &browsers[2], "").await, 401);
    through_microsoft(&stage, &mut browsers[2], cy).await.location();
    assert_eq!(get(&stage, &browsers[2], "").await, 200);
    // A disabled account is out as well, though its group stays.
    stage.graph.disable_user(TENANT, bo).unwrap();
    stage.clock.advance(Duration::from_mins(16));
    assert_eq!(get(&stage, &browsers[1], "").await, 401);
}

// case: 45
#[tokio::test]
async fn a_right_that_was_taken_away_does_not_return_with_a_later_request() {
    let stage = scene().await;
    let (ann, bo) = (stage.id("Ann Archer"), stage.id("Bo Baker"));
    allow(
        &stage,
        vec![(who(ann), Role::Admin, true), (who(bo), Role::Admin, true)],
    )
    .await;
    let router = stage.functions();
    let (mut demoted, mut narrowed) = (Browser::new(&router), Browser::new(&router));
    through_microsoft(&stage, &mut demoted, ann).await.location();
    through_microsoft(&stage, &mut narrowed, bo).await.location();
    for browser in [&mut demoted, &mut narrowed] {
        assert_eq!(browser.open("/console/tokens").await.status, 200);
    }
    allow(
        &stage,
        vec![(who(ann), Role::Viewer, true), (who(bo), Role::Admin, false)],
    )
    .await;
    stage.clock.advance(Duration::from_mins(15));
    // The first request finds out, those that follow are within the next quarter of an hour, then somebody looks again.
    for wait in [0, 0, 1, 14, 1] {
        stage.clock.advance(Duration::from_mins(wait));
        assert_eq!(get(&stage, &demoted, "").await, 200);
        assert_eq!(get(&stage, &demoted, "/console-access").await, 403);
        demoted
            .open("/console")
            .await
            .says(200, "You may look at everything.");
        assert_eq!(demoted.open("/console/tokens").await.status, 403);
        assert_eq!(get(&stage, &narrowed, "/console-access").await, 200);
        assert_eq!(narrowed.open("/console/tokens").await.status, 403);
    }
    // What was given back takes a sign-in.
    allow(
        &stage,
        vec![(who(ann), Role::Admin, true), (who(bo), Role::Admin, true)],
    )
    .await;
    stage.clock.advance(Duration::from_mins(15));
    assert_eq!(get(&stage, &demoted, "/console-access").await, 403);
    through_microsoft(&stage, &mut demoted, ann).await.location();
    assert_eq!(get(&stage, &demoted, "/console-access").await, 200);
}

// case: 46
#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let stage = scene().await;
    allow(&stage, vec![(who(stage.id("Ann Archer")), Role::Admin, false)]).await;
    let mut browser = Browser::new(&stage.functions());
    through_microsoft(&stage, &mut browser, stage.id("Ann Archer")).await;
    let word = csrf(&mut browser).await;
    let path = format!("/api/v1/connections/{}/authorize", stage.connection);
    let post = (Method::POST, path.as_str());
    let other = {
        let mut other = Browser::new(&stage.functions());
        other.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
        csrf(&mut other).await
    };
    for headers in [
        vec![],
        vec![("x-csrf-token", "wrong")],
        vec![("x-csrf-token", other.as_str())],
        vec![
            ("x-csrf-token", word.as_str()),
            ("origin", "https://evil.example"),
        ],
        vec![("x-csrf-token", word.as_str()), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(
            call(&stage, &browser, post.clone(), &headers).await.0,
            403,
            "{headers:?}"
        );
    }
    let good = [("x-csrf-token", word.as_str()), ("origin", ORIGIN)];
    assert_eq!(call(&stage, &browser, post, &good).await.0, 200);
}

// case: 44
#[tokio::test]
async fn signing_out_ends_every_copy_of_the_cookie() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    browser.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
    let word = csrf(&mut browser).await;
    let copy = browser.clone();
    assert_eq!(
        browser.post("/console/sign-out", &[("csrf", "x")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser
            .post("/console/sign-out", &[("csrf", &word)])
            .await
            .location(),
        "/console/sign-in"
    );
    assert_eq!(get(&stage, &copy, "").await, 401);
}

// case: 51
#[tokio::test]
async fn whoever_has_one_connection_sees_and_changes_no_other() {
    let stage = scene().await;
    allow(&stage, vec![(who(stage.id("Ann Archer")), Role::Admin, false)]).await;
    let store = &stage.engine.store;
    let mut other = store.connection(stage.connection).await.unwrap().unwrap().value;
    other.id = ConnectionId::generate(stage.engine.clock.now());
    other.pbx.serial_number = "ANOTHER".to_owned();
    "Somebody else".clone_into(&mut other.name);
    let secrets = store.secrets(stage.connection).await.unwrap().unwrap();
    store.create_connection(&other, &secrets).await.unwrap();
    let mut browser = Browser::new(&stage.functions());
    through_microsoft(&stage, &mut browser, stage.id("Ann Archer")).await;
    let page = browser.open("/console").await;
    assert!(
        page.text.contains("Contoso") && !page.text.contains("Somebody else"),
        "{}",
        page.text
    );
    let (status, list) = call(&stage, &browser, (Method::GET, "/api/v1/connections"), &[]).await;
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1));
    let path = format!("/api/v1/connections/{}", other.id);
    assert_eq!(call(&stage, &browser, (Method::GET, &path), &[]).await.0, 403);
    let word = csrf(&mut browser).await;
    let headers = [("x-csrf-token", word.as_str())];
    assert_eq!(
        call(&stage, &browser, (Method::POST, "/api/v1/connections"), &headers)
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn the_list_is_versioned_and_nobody_gives_more_than_they_have() {
    let stage = scene().await;
    let path = format!("/api/v1/connections/{}/console-access", stage.connection);
    let router = stage.functions();
    let put = |tag: &str, everywhere: bool, extra: Vec<(&'static str, String)>| {
        let body = json!({"entries": [{"who": {"person": stage.id("Ann Archer")}, "role": "admin", "everywhere": everywhere}]});
        let mut request = Request::builder()
            .method(Method::PUT)
            .uri(&path)
            .header("if-match", tag)
            .header("content-type", "application/json");
        for (name, value) in extra {
            request = request.header(name, value);
        }
        router
            .clone()
            .oneshot(request.body(Body::from(body.to_string())).unwrap())
    };
    let admin = || vec![("authorization", format!("Bearer {ADMIN_TOKEN}"))];
    assert_eq!(put("\"7\"", false, admin()).await.unwrap().status(), 412);
    assert_eq!(put("\"0\"", false, admin()).await.unwrap().status(), 200);
    let mut ann = Browser::new(&router);
    through_microsoft(&stage, &mut ann, stage.id("Ann Archer")).await;
    let word = csrf(&mut ann).await;
    let cookies: Vec<String> = ann.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let as_ann = || vec![("cookie", cookies.join("; ")), ("x-csrf-token", word.clone())];
    // Ann may speak of this connection alone, so she makes nobody speak of all.
    assert_eq!(put("\"1\"", true, as_ann()).await.unwrap().status(), 422);
    assert_eq!(put("\"1\"", true, admin()).await.unwrap().status(), 200);
    let stored = stage.engine.store.console_access(stage.connection).await.unwrap();
    assert_eq!(stored.version, Version(2));
}

// case: 43
#[tokio::test]
async fn half_an_hour_without_a_request_ends_the_session() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    browser.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
    stage.clock.advance(Duration::from_mins(29));
    assert_eq!(get(&stage, &browser, "").await, 200);
    stage.clock.advance(Duration::from_mins(30));
    assert_eq!(get(&stage, &browser, "").await, 401);
}
