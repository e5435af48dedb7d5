//! The console's pages as requests: who gets which, what a form does, and what is refused. A real browser looks at them in
//! `tests/browser`.

use std::collections::BTreeSet;

use admin::{Access, create_token, page_listing};
use http::{Method, Request, header};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::domain::connection::ConnectionStatus;
use shared::domain::role::Role;
use shared::domain::sync_run::RunMode;
use tower::ServiceExt as _;

use crate::browser::{Browser, Got};
use crate::stage::{ADMIN_TOKEN, Stage, person};

const NOBODY: &str = "0190d2a0-0000-7000-8000-00000000ffff";

async fn in_step() -> Stage {
    let people = [person("Ann Archer"), person("Bo Baker")];
    let stage = Stage::with(&people, Vec::new()).await;
    stage.settings(|_| {}).await;
    stage.sync(RunMode::Full).await;
    stage
}

pub async fn signed_in(stage: &Stage, token: &str) -> Browser {
    let mut browser = Browser::new(&stage.functions());
    let got = browser.post("/console/sign-in", &[("token", token)]).await;
    assert_eq!(got.location(), "/console");
    browser
}

pub async fn with_role(stage: &Stage, role: Role) -> Browser {
    let made = create_token(&stage.engine.store, stage.engine.clock.as_ref(), role, "test").await;
    signed_in(stage, made.unwrap().secret.expose_secret()).await
}

pub fn word(page: &Got, name: &str) -> String {
    let rest = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    rest.and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

pub fn at(stage: &Stage, rest: &str) -> String {
    format!("/console/connections/{}{rest}", stage.connection)
}

/// A path of the console with something in each of its places.
fn concrete(stage: &Stage, template: &str) -> String {
    template
        .replace("{id}", &stage.connection.to_string())
        .replace("{run}", NOBODY)
        .replace("{part}", "users")
        .replace("{section}", "safety")
        .replace("{verdict}", "approve")
        .replace("{user}", "nobody@contoso.example")
}

async fn send(stage: &Stage, browser: &Browser, method: &str, path: &str, body: &str) -> u16 {
    let cookies: Vec<String> = browser.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(header::COOKIE, cookies.join("; "))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(body.to_owned()))
        .unwrap();
    stage
        .functions()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

// case: 51
#[tokio::test]
async fn every_page_lets_in_its_role_and_higher_ones_alone() {
    let stage = in_step().await;
    let pages = page_listing();
    assert!(pages.len() > 25);
    let stranger = Browser::new(&stage.functions());
    for role in [Role::Viewer, Role::Operator] {
        let mut browser = with_role(&stage, role).await;
        let csrf = word(&browser.open("/console").await, "csrf");
        for (method, template, access) in &pages {
            let Access::Needs(needed) = access else { continue };
            let path = concrete(&stage, template);
            let anonymous = send(&stage, &stranger, method, &path, "").await;
            let door = if method == "GET" { 302 } else { 403 };
            assert_eq!(anonymous, door, "{method} {path} leads a stranger to the door");
            if role.allows(*needed) {
                continue;
            }
            let body = format!("csrf={csrf}");
            let status = send(&stage, &browser, method, &path, &body).await;
            assert_eq!(status, 403, "{method} {path} {role:?}");
        }
    }
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

// case: 46, 47
#[tokio::test]
async fn a_form_that_no_page_of_this_session_sent_changes_nothing() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let other = signed_in(&stage, ADMIN_TOKEN).await;
    let csrf = word(&browser.open("/console").await, "csrf");
    let disable = at(&stage, "/disable");
    let forged = [
        (&browser, String::new()),
        (&browser, "csrf=x".to_owned()),
        (&browser, format!("csrf={csrf}&csrf={csrf}")),
        (&other, format!("csrf={csrf}")),
    ];
    for (sender, body) in forged {
        assert_eq!(send(&stage, sender, "POST", &disable, &body).await, 403, "{body}");
    }
    let foreign = browser
        .post_from("https://evil.example", &disable, &[("csrf", &csrf)])
        .await;
    assert_eq!(foreign.status, 403);
    for (method, template, _) in page_listing() {
        let posts: BTreeSet<String> = page_listing()
            .into_iter()
            .filter(|(method, _, _)| method == "POST")
            .map(|(_, path, _)| path)
            .collect();
        let gets = page_listing()
            .into_iter()
            .any(|(m, path, _)| m == "GET" && path == template);
        if method == "POST" && posts.contains(&template) && !gets {
            let status = send(&stage, &browser, "GET", &concrete(&stage, &template), "").await;
            assert_eq!(status, 405, "{template} is changed by no GET");
        }
    }
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

// spec: 48, 68, 144
#[tokio::test]
async fn a_section_is_saved_by_its_form_and_refused_with_what_was_typed() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let page = browser.open(&at(&stage, "")).await;
    let (csrf, version) = (word(&page, "csrf"), word(&page, "version"));
    let save = at(&stage, "/settings/safety");
    let wrong = [
        ("csrf", csrf.as_str()),
        ("version", &version),
        ("/safety/max_removals", "many\"><script>"),
        ("/safety/max_removals_percent", "7"),
    ];
    let refused = browser.post(&save, &wrong).await;
    refused.says(422, "value=\"many&#34;&#62;&#60;script&#62;\"");
    assert!(
        refused.text.contains("id=\"safety-max-removals-error\"") && refused.text.contains("value=\"7\"")
    );
    let right = [
        ("csrf", csrf.as_str()),
        ("version", &version),
        ("/safety/max_removals", "3"),
        ("/safety/max_removals_percent", "7"),
        ("role", "admin"),
        ("tenant_id", "x"),
    ];
    assert!(
        browser
            .post(&save, &right)
            .await
            .location()
            .ends_with("?done=saved&in=safety#note")
    );
    let again = browser.post(&save, &right).await;
    again.says(412, "somebody else saved before you");
    let stored = stage
        .engine
        .store
        .settings(stage.connection)
        .await
        .unwrap()
        .unwrap()
        .value;
    assert_eq!(
        (stored.safety.max_removals, stored.safety.max_removals_percent),
        (3, 7)
    );
    assert!(stored.users.enabled, "nothing else changed");
}

// spec: 162, 165, 166, 170, 172
#[tokio::test]
async fn switches_ask_first_and_whoever_only_looks_has_changed_nothing() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let pause = at(&stage, "/pause/users");
    let asked = browser.open(&pause).await;
    asked.says(200, "Delete the PBX extensions in sync with the Users");
    asked.says(200, "cannot be edited by hand");
    let csrf = word(&asked, "csrf");
    for rest in ["/disable", "/disconnect"] {
        let dialog = browser.open(&at(&stage, rest)).await;
        dialog.says(200, "Delete the PBX extensions in sync with the Users");
        dialog.says(200, "Delete the PBX extension groups in sync with the Groups");
    }
    browser
        .open(&at(&stage, ""))
        .await
        .says(200, "2 users successfully synced");
    let form = [("csrf", csrf.as_str())];
    browser.post(&pause, &form).await.location();
    browser
        .open(&at(&stage, ""))
        .await
        .says(200, "Paused: the settings are kept");
    browser.post(&at(&stage, "/resume/users"), &form).await.location();
    browser.post(&at(&stage, "/disable"), &form).await.location();
    let page = browser.open(&at(&stage, "")).await;
    page.says(200, "badge disabled\">Disabled");
    assert!(
        page.text.contains("<fieldset class=\"plain\" disabled>"),
        "read-only"
    );
    let version = word(&page, "version");
    let save = [
        ("csrf", csrf.as_str()),
        ("version", &version),
        ("/safety/max_removals", "1"),
        ("/safety/max_removals_percent", "1"),
    ];
    browser
        .post(&at(&stage, "/settings/safety"), &save)
        .await
        .says(409, "cannot be changed now");
    browser.post(&at(&stage, "/enable"), &form).await.location();
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
    let gone = browser.post(&at(&stage, "/delete"), &form).await;
    gone.says(409, "disconnect the connection before you delete it");
}

// spec: 154, 155
#[tokio::test]
async fn update_now_starts_a_run_and_shows_it() {
    let stage = in_step().await;
    let mut browser = with_role(&stage, Role::Operator).await;
    let csrf = word(&browser.open("/console").await, "csrf");
    let form = [("csrf", csrf.as_str()), ("mode", "full")];
    let run = browser.post(&at(&stage, "/runs"), &form).await.location();
    browser.open(&run).await.says(200, "Waiting");
    stage.drive().await.unwrap();
    browser.open(&run).await.says(200, "Succeeded");
    let id = run.rsplit('/').next().unwrap();
    let csv = format!(
        "/api/v1/connections/{}/sync-runs/{id}/operations?format=csv",
        stage.connection
    );
    assert_eq!(browser.open(&csv).await.status, 200);
    let over = browser.post(&format!("{run}/approve"), &[("csrf", &csrf)]).await;
    over.says(409, "This run is over");
}

// spec: 19, 20, 156, 158
#[tokio::test]
async fn the_addresses_to_register_and_the_secret_s_form_are_where_the_manual_has_them() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let page = browser.open(&at(&stage, "")).await;
    for path in ["/connect/callback", "/sso/callback", "/console/callback"] {
        page.says(
            200,
            &format!("value=\"{}{path}\" readonly", crate::browser::ORIGIN),
        );
    }
    let places: Vec<usize> = [
        "id=\"basic\"",
        "id=\"app\"",
        "id=\"users\"",
        "id=\"groups\"",
        "id=\"contacts\"",
        "id=\"presence\"",
        "id=\"sso\"",
    ]
    .iter()
    .map(|section| page.text.find(section).unwrap())
    .collect();
    assert!(places.is_sorted(), "the manual's order: {places:?}");
    let form = browser.open(&at(&stage, "/client-secret")).await;
    let csrf = word(&form, "csrf");
    let wrong = [
        ("csrf", csrf.as_str()),
        ("/client_secret", "canary-secret"),
        ("/expires_at", "2028-01-31"),
    ];
    let refused = browser.post(&at(&stage, "/client-secret"), &wrong).await;
    refused.says(422, "id=\"client-secret-error\"");
    assert!(!refused.text.contains("canary") && refused.text.contains("2028-01-31"));
}

// spec: 73, 79
#[tokio::test]
async fn bound_people_are_marked_and_sign_in_is_offered_as_the_next_step() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let people = browser.open(&at(&stage, "/people")).await;
    assert_eq!(
        people.text.matches("class=\"marker\"").count(),
        2,
        "{}",
        people.text
    );
    let ann = stage.id("Ann Archer");
    browser
        .open(&at(&stage, &format!("/people/{ann}")))
        .await
        .says(200, "class=\"marker\"");
    let next = "<a href=\"#sso\">Next: let these users sign in";
    browser.open(&at(&stage, "")).await.says(200, next);
    stage
        .settings(|settings| {
            settings.sso.redirect_uris = vec!["https://pbx.example.com/login".to_owned()];
            settings.sso.enabled = true;
        })
        .await;
    let page = browser.open(&at(&stage, "")).await;
    assert!(!page.text.contains(next), "it is on already");
}

// spec: 129, 130
#[tokio::test]
async fn an_admin_decides_about_one_persons_presence_on_their_page() {
    let stage = in_step().await;
    let ann = stage.id("Ann Archer");
    let page = at(&stage, &format!("/people/{ann}"));
    let mut browser = with_role(&stage, Role::Operator).await;
    let first = browser.open(&page).await;
    first.says(200, "The settings of the connection");
    first.says(200, "value=\"follow\" checked");
    let csrf = word(&first, "csrf");
    let save = format!("{page}/presence");
    let mapping = [
        "available",
        "busy",
        "do_not_disturb",
        "be_right_back",
        "away",
        "offline",
    ]
    .map(|status| (format!("/presence/mapping/{status}"), "business_trip"));
    let mut form = vec![
        ("csrf", csrf.as_str()),
        ("/presence/choice", "on"),
        ("/presence/own_mapping", "on"),
    ];
    form.extend(mapping.iter().map(|(name, value)| (name.as_str(), *value)));
    assert!(
        browser
            .post(&save, &form)
            .await
            .location()
            .ends_with("?done=saved")
    );
    let store = &stage.engine.store;
    let choice = store
        .presence_choice(stage.connection, ann.into())
        .await
        .unwrap()
        .unwrap();
    assert!(choice.enabled && choice.mapping.is_some());
    let decided = browser.open(&page).await;
    decided.says(200, "An administrator");
    decided.says(200, "value=\"business_trip\" selected");
    browser
        .post(&save, &[("csrf", &csrf), ("/presence/choice", "follow")])
        .await
        .location();
    assert_eq!(
        store.presence_choice(stage.connection, ann.into()).await.unwrap(),
        None
    );
    let wrong = [
        ("csrf", csrf.as_str()),
        ("/presence/choice", "on"),
        ("/presence/own_mapping", "on"),
    ];
    assert_eq!(browser.post(&save, &wrong).await.status, 422);
    let nobody = at(&stage, "/people/3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1cfff/presence");
    let form = [("csrf", csrf.as_str()), ("/presence/choice", "off")];
    assert_eq!(browser.post(&nobody, &form).await.status, 404);
    let mut viewer = with_role(&stage, Role::Viewer).await;
    let seen = viewer.open(&page).await;
    assert!(
        !seen.text.contains("/presence/choice"),
        "a viewer is offered nothing to change"
    );
}

/// Sentences of the API that stand on pages, none of them in English there.
#[tokio::test]
async fn chinese_pages_hold_no_english_sentence_of_ours() {
    let stage = in_step().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    browser.language = Some("zh-CN");
    let ann = stage.id("Ann Archer");
    stage.edit("Bo Baker", &json!({"mail": "ann.archer@contoso.example"}));
    let run = stage.sync(RunMode::Full).await;
    let bo = stage.id("Bo Baker");
    for rest in [
        String::new(),
        "/runs".to_owned(),
        format!("/runs/{}", run.id),
        format!("/people/{ann}"),
        format!("/people/{bo}"),
        "/health".to_owned(),
        "/history".to_owned(),
    ] {
        let page = browser.open(&at(&stage, &rest)).await;
        assert_eq!(page.status, 200, "{rest}");
        for english in [
            "the account is",
            "is chosen",
            "has an address",
            "the number",
            "has the same",
            "must be",
        ] {
            assert!(
                !page.text.contains(english),
                "{rest} says {english}: {}",
                page.text
            );
        }
    }
}

#[tokio::test]
async fn a_contact_of_the_list_leads_to_what_happened_to_it_and_to_nothing_else() {
    let stage = crate::contacts::scene().await;
    stage.sync(RunMode::Full).await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let list = browser.open(&at(&stage, "/contacts")).await;
    list.says(200, "Rui Alves");
    let link = list
        .text
        .split("href=\"")
        .filter_map(|part| part.split('"').next())
        .find(|link| link.contains("history?object="))
        .unwrap();
    let history = browser.open(&link.replace("&amp;", "&")).await;
    let told: Vec<&str> = ["Rui Alves", "Mia Berg"]
        .into_iter()
        .filter(|name| history.text.contains(name))
        .collect();
    assert_eq!((history.status.as_u16(), told.len()), (200, 1), "{told:?}");
}
