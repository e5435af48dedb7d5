//! People sign in to Linkus with Microsoft: browser, application, tenant and PBX, each with what it may know.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::connection::{ConnectionStatus, LinkusSdkCredentials};
use shared::domain::sync_run::RunMode;
use shared::sso::{challenge_of, random_word};
use simulators::graph::{Fault, FaultKind, IdTokenChange};
use uuid::Uuid;

use crate::browser::{Browser, Got, parameter, with};
use crate::stage::{APP, Stage, TENANT, person};

const APPLICATION: &str = "https://linkus.example.com/signed-in";

/// Ann and Bo have extensions, and the sign-in is on.
pub async fn scene() -> Stage {
    let stage = Stage::with(&[person("Ann Archer"), person("Bo Baker")], Vec::new()).await;
    for path in ["/sso/callback", "/connect/callback", "/console/callback"] {
        let uri = format!("{}{path}", crate::browser::ORIGIN);
        stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    }
    stage
        .settings(|settings| {
            settings.sso.enabled = true;
            settings.sso.redirect_uris = vec![APPLICATION.to_owned()];
        })
        .await;
    let store = &stage.engine.store;
    let mut secrets = store.secrets(stage.connection).await.unwrap().unwrap();
    secrets.linkus_sdk = Some(LinkusSdkCredentials {
        access_id: "simulated-access-id".to_owned(),
        access_key: "simulated-access-key".into(),
    });
    store.save_secrets(stage.connection, &secrets).await.unwrap();
    stage.sync(RunMode::Full).await;
    stage
}

/// An application's own part of a sign-in.
pub struct Application {
    pub verifier: String,
    pub login: String,
}

pub fn application(stage: &Stage) -> Application {
    let verifier = random_word();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("connection", &stage.connection.to_string())
        .append_pair("redirect_uri", APPLICATION)
        .append_pair("state", "the app's own")
        .append_pair("code_challenge", &challenge_of(&verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    Application {
        verifier,
        login: format!("{}/login?{query}", crate::browser::ORIGIN),
    }
}

impl Application {
    pub async fn exchange(&self, browser: &mut Browser, code: &str) -> Got {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", APPLICATION),
            ("code_verifier", &self.verifier),
        ];
        browser.post("/sso/token", &form).await
    }
}

/// Signs this person in as far as the code for the application.
pub async fn code_for(
    stage: &Stage,
    browser: &mut Browser,
    app: &Application,
    user: Uuid,
) -> Result<String, Got> {
    let microsoft = browser.open(&app.login).await.location();
    let back = stage.graph.approve(&microsoft, user).unwrap();
    let got = browser.open(&back).await;
    if got.status != 302 {
        return Err(got);
    }
    let location = got.location();
    assert!(location.starts_with(APPLICATION), "{location}");
    assert_eq!(parameter(&location, "state").unwrap(), "the app's own");
    Ok(parameter(&location, "code").unwrap())
}

fn body(got: &Got) -> Value {
    serde_json::from_str(&got.text).unwrap()
}

#[track_caller]
fn refused(got: &Got, error: &str) {
    assert_eq!(got.status, 400, "{}", got.text);
    assert_eq!(body(got)["error"], error);
    assert_eq!(got.headers["cache-control"], "no-store");
}

// spec: 7, 139, 140
#[tokio::test]
async fn a_synced_person_gets_the_signature_of_their_extension() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let code = code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
        .await
        .unwrap();
    let got = app.exchange(&mut browser, &code).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let answer = body(&got);
    let number = stage.bindings().await[&stage.id("Ann Archer").to_string()].clone();
    assert_eq!(answer["extension"], number);
    assert_eq!(answer["expires_in"], 8 * 3600);
    assert_eq!(
        stage.pbx.sign_opens(answer["sign"].as_str().unwrap()),
        Some(number)
    );
    assert!(answer["pbx_url"].as_str().unwrap().starts_with("http"));
}

// case: 34
#[tokio::test]
async fn a_code_works_once_for_its_own_application_alone_and_for_a_minute() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let ann = stage.id("Ann Archer");
    let app = application(&stage);
    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    assert_eq!(app.exchange(&mut browser, &code).await.status, 200);
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");

    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    let thief = application(&stage);
    refused(&thief.exchange(&mut browser, &code).await, "invalid_grant");
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");

    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    stage.clock.advance(Duration::from_secs(61));
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");
    refused(&app.exchange(&mut browser, &random_word()).await, "invalid_grant");
    refused(
        &browser.post("/sso/token", &[("grant_type", "password")]).await,
        "unsupported_grant_type",
    );
    refused(&browser.post("/sso/token", &[]).await, "invalid_request");
}

// case: 37
#[tokio::test]
async fn codes_go_to_the_registered_address_and_to_no_other() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let good = application(&stage).login;
    for other in [
        "https://linkus.example.com/signed-in/",
        "https://linkus.example.com/signed-in?x=1",
        "https://linkus.example.com/Signed-In",
        "https://LINKUS.example.com/signed-in",
        "https://linkus.example.com:8443/signed-in",
        "https://me@linkus.example.com/signed-in",
        "https://linkus.example.com%2fsigned-in",
        "http://linkus.example.com/signed-in",
        "https://linkus.example.com/signed-in#a",
        "https://evil.example/signed-in",
        "",
    ] {
        browser
            .open(&with(&good, "redirect_uri", other))
            .await
            .says(400, "not valid");
    }
    for (name, value) in [
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
        ("code_challenge", "short"),
        ("response_type", "token"),
        ("connection", "nothing"),
    ] {
        browser
            .open(&with(&good, name, value))
            .await
            .says(400, "not valid");
    }
    let twice = format!("{good}&redirect_uri={APPLICATION}");
    browser.open(&twice).await.says(400, "not valid");
    assert_eq!(browser.open(&good).await.status, 302);
}

// case: 32
#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_nowhere_else() {
    let stage = scene().await;
    let router = stage.functions();
    let mut browser = Browser::new(&router);
    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    // Without its state, with another one, in a browser that asked nothing, in one that asked something else.
    browser
        .open(&with(&back, "state", ""))
        .await
        .says(400, "start again");
    browser
        .open(&with(&back, "state", &random_word()))
        .await
        .says(400, "start again");
    Browser::new(&router).open(&back).await.says(400, "start again");
    let mut other = Browser::new(&router);
    other.open(&application(&stage).login).await;
    // That took the attempt: nobody gets a second try at somebody else's state.
    other.open(&back).await.says(400, "start again");
    browser.open(&back).await.says(400, "start again");

    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    assert_eq!(browser.open(&back).await.status, 302);
    browser.open(&back).await.says(400, "start again");

    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    stage.clock.advance(Duration::from_mins(11));
    browser.open(&back).await.says(400, "start again");
}

#[tokio::test]
async fn two_sign_ins_side_by_side_in_one_browser_both_end_well() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let ann = stage.id("Ann Archer");
    let (first, second) = (application(&stage), application(&stage));
    let to_first = browser.open(&first.login).await.location();
    let to_second = browser.open(&second.login).await.location();
    for microsoft in [to_second, to_first] {
        let back = stage.graph.approve(&microsoft, ann).unwrap();
        assert!(browser.open(&back).await.location().starts_with(APPLICATION));
    }
}

// case: 33, 34, 35
#[tokio::test]
async fn a_code_or_an_answer_of_somebody_elses_sign_in_is_refused() {
    let stage = scene().await;
    let router = stage.functions();
    let (mut ann, mut mallory) = (Browser::new(&router), Browser::new(&router));
    let to_ann = ann.open(&application(&stage).login).await.location();
    let to_mallory = mallory.open(&application(&stage).login).await.location();
    let backs = [
        stage.graph.approve(&to_ann, stage.id("Ann Archer")).unwrap(),
        stage.graph.approve(&to_mallory, stage.id("Bo Baker")).unwrap(),
    ];
    // Ann's code under Mallory's state: Microsoft refuses it for its PKCE challenge.
    let stolen = with(&backs[1], "code", &parameter(&backs[0], "code").unwrap());
    mallory.open(&stolen).await.says(400, "start again");
    // An answer that names another server.
    let mixed = with(&backs[0], "iss", "https://evil.example");
    ann.open(&mixed).await.says(400, "not valid");
}

// case: 24, 25, 26, 27, 33
#[tokio::test]
async fn a_spoilt_id_token_lets_nobody_in() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let other = "99999999-8888-4777-8666-000000000000";
    for (name, value) in [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!(other)),
        ("tid", json!(other)),
        ("iss", json!("https://login.microsoftonline.com/common/v2.0")),
        ("exp", json!("soon")),
        ("oid", Value::Null),
    ] {
        let change = IdTokenChange {
            set: [(name.to_owned(), value.clone())]
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .collect(),
            remove: if value.is_null() {
                vec![name.to_owned()]
            } else {
                Vec::new()
            },
        };
        stage.graph.set_id_token_change(TENANT, Some(change)).unwrap();
        let got = code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
            .await
            .unwrap_err();
        got.says(403, "cannot use this sign-in");
    }
    stage.graph.set_id_token_change(TENANT, None).unwrap();
    code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
        .await
        .unwrap();
}

// case: 29, 31
// spec: 141
#[tokio::test]
async fn whoever_has_no_extension_of_ours_is_refused_whatever_their_address() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let mut namesake = person("Ann Archer");
    namesake["userPrincipalName"] = json!("other@contoso.example");
    let namesake = stage.graph.create_user(TENANT, &namesake).unwrap();
    let refusal = code_for(&stage, &mut browser, &app, namesake).await.unwrap_err();
    refusal.says(403, "cannot use this sign-in");
    assert!(!refusal.text.contains("contoso"), "{}", refusal.text);
}

// case: 30
#[tokio::test]
async fn another_name_and_another_address_are_the_same_person() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let ann = stage.id("Ann Archer");
    let changes = json!({"mail": "new@contoso.example", "userPrincipalName": "new@contoso.example", "displayName": "A. New"});
    stage.graph.update_user(TENANT, ann, &changes).unwrap();
    code_for(&stage, &mut browser, &app, ann).await.unwrap();
}

// case: 31
// spec: 142, 173
#[tokio::test]
async fn switching_off_stops_sign_ins_at_every_step_at_once() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let ann = stage.id("Ann Archer");
    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    let microsoft = browser.open(&app.login).await.location();
    let back = stage.graph.approve(&microsoft, ann).unwrap();
    let me = sign_in_to_me(&stage, &mut browser, ann).await;
    assert_eq!(me.status, 200);

    stage.settings(|settings| settings.sso.enabled = false).await;
    let generic = "cannot use this sign-in";
    browser.open(&app.login).await.says(403, generic);
    browser.open(&back).await.says(403, generic);
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");
    browser.open("/me").await.says(403, generic);

    stage.settings(|settings| settings.sso.enabled = true).await;
    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    let store = &stage.engine.store;
    let mut connection = store.connection(stage.connection).await.unwrap().unwrap();
    connection.value.status = ConnectionStatus::Disabled;
    store.save_connection(&connection).await.unwrap();
    browser.open(&app.login).await.says(403, generic);
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");
    browser.open("/me").await.says(403, generic);
}

// case: 31
#[tokio::test]
async fn who_is_leaving_cannot_sign_in_any_more() {
    let stage = scene().await;
    stage
        .settings(|settings| settings.users.delete_grace_days = 7)
        .await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let ann = stage.id("Ann Archer");
    let code = code_for(&stage, &mut browser, &app, ann).await.unwrap();
    stage.graph.disable_user(TENANT, ann).unwrap();
    stage.sync(RunMode::Full).await;
    refused(&app.exchange(&mut browser, &code).await, "invalid_grant");
}

#[tokio::test]
async fn many_sign_ins_at_once_take_one_session_of_the_pbx_and_no_key_is_fetched_twice() {
    let stage = scene().await;
    let router = stage.functions();
    let before = stage.pbx.sessions();
    let all = (0..12).map(|n| {
        let (stage, router) = (&stage, &router);
        async move {
            let mut browser = Browser::new(router);
            let app = application(stage);
            let user = stage.id(if n % 2 == 0 { "Ann Archer" } else { "Bo Baker" });
            let code = code_for(stage, &mut browser, &app, user).await.unwrap();
            app.exchange(&mut browser, &code).await.status
        }
    });
    assert!(join_all(all).await.iter().all(|status| *status == 200));
    assert!(stage.pbx.sessions() <= before + 1, "{}", stage.pbx.sessions());
    let counts = stage.graph.request_counts();
    let keys: u64 = counts
        .iter()
        .filter(|(path, _)| path.contains("/discovery/"))
        .map(|(_, n)| *n)
        .sum();
    assert_eq!(keys, 1, "{counts:?}");
}

#[tokio::test]
async fn a_firmware_that_ends_no_signatures_still_lets_people_in() {
    let stage = scene().await;
    stage
        .pbx
        .change_settings(|settings| settings.behaviour.signatures_may_end = false);
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let code = code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
        .await
        .unwrap();
    let got = app.exchange(&mut browser, &code).await;
    assert_eq!(got.status, 200, "{}", got.text);
    assert_eq!(body(&got)["expires_in"], 0);
}

#[tokio::test]
async fn what_is_down_is_said_to_be_down() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let fault = Fault::new("*/.well-known/openid-configuration", FaultKind::Empty503).times(1);
    stage.graph.add_fault(fault);
    browser.open(&app.login).await.says(503, "cannot be reached");
    let code = code_for(&stage, &mut browser, &app, stage.id("Ann Archer"))
        .await
        .unwrap();
    let store = &stage.engine.store;
    let mut secrets = store.secrets(stage.connection).await.unwrap().unwrap();
    secrets.linkus_sdk = None;
    store.save_secrets(stage.connection, &secrets).await.unwrap();
    let got = app.exchange(&mut browser, &code).await;
    assert_eq!(
        (got.status.as_u16(), body(&got)["error"].as_str().unwrap()),
        (503, "server_error")
    );
}

// case: 39, 48
#[tokio::test]
async fn an_error_of_microsofts_is_told_without_its_words() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let microsoft = browser.open(&application(&stage).login).await.location();
    let back = format!("{}/sso/callback", crate::browser::ORIGIN);
    let word = parameter(&microsoft, "state").unwrap();
    let back = with(&format!("{back}?error=access_denied"), "state", &word);
    let back = with(&back, "error_description", "<script>alert(1)</script>AADSTS65004");
    let got = browser.open(&back).await;
    got.says(403, "cancelled at Microsoft");
    assert!(!got.text.contains("script>alert"), "{}", got.text);
}

async fn sign_in_to_me(stage: &Stage, browser: &mut Browser, user: Uuid) -> Got {
    let login = browser
        .open(&format!("/me?connection={}", stage.connection))
        .await
        .location();
    let microsoft = browser.open(&login).await.location();
    let back = stage.graph.approve(&microsoft, user).unwrap();
    let me = browser.open(&back).await.location();
    assert_eq!(me, "/me");
    browser.open(&me).await
}

#[tokio::test]
async fn a_persons_own_page_shows_their_extension_in_both_languages_until_they_sign_out() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    // One connection only, so nobody is asked which.
    assert!(
        browser
            .open("/me")
            .await
            .location()
            .starts_with("/login?connection=")
    );
    let me = sign_in_to_me(&stage, &mut browser, stage.id("Bo Baker")).await;
    let number = stage.bindings().await[&stage.id("Bo Baker").to_string()].clone();
    me.says(200, &format!("<dd>{number}</dd>"));
    me.says(200, "Bo Baker");
    let policy = me.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    browser.language = Some("zh-CN,zh;q=0.9");
    browser.open("/me").await.says(200, "分机号码");
    browser.open("/me?lang=en").await.says(200, "Extension");

    // case: 46
    let csrf = me.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap().to_owned();
    browser.language = None;
    browser.post("/me/sign-out", &[]).await.says(403, "cannot use");
    browser
        .post_from("https://evil.example", "/me/sign-out", &[("csrf", &csrf)])
        .await
        .says(403, "cannot use");
    assert_eq!(browser.open("/me").await.status, 200);
    // case: 47
    assert_eq!(browser.open("/me/sign-out").await.status, 405);
    let held = browser.clone();
    browser
        .post("/me/sign-out", &[("csrf", &csrf)])
        .await
        .says(200, "signed out");
    assert_eq!(browser.open("/me").await.status, 302);
    // case: 44
    let mut replayed = held;
    assert_eq!(replayed.open("/me").await.status, 302);
}

// case: 52
#[tokio::test]
async fn addresses_come_from_the_settings_whatever_host_a_request_names() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    browser.host = Some("evil.example");
    let microsoft = browser.open(&application(&stage).login).await.location();
    let redirect_uri = parameter(&microsoft, "redirect_uri").unwrap();
    assert_eq!(redirect_uri, format!("{}/sso/callback", crate::browser::ORIGIN));
    let back = stage.graph.approve(&microsoft, stage.id("Ann Archer")).unwrap();
    assert!(browser.open(&back).await.location().starts_with(APPLICATION));
    let to_me = browser.open("/me").await.location();
    assert!(to_me.starts_with("/login?"), "{to_me}");
    let door = format!("/console/sign-in/microsoft?connection={}", stage.connection);
    let microsoft = browser.open(&door).await.location();
    let redirect_uri = parameter(&microsoft, "redirect_uri").unwrap();
    assert_eq!(
        redirect_uri,
        format!("{}/console/callback", crate::browser::ORIGIN)
    );
    assert!(!browser.open("/console/sign-in").await.text.contains("evil"));
}

#[tokio::test]
async fn keys_that_were_rolled_at_once_are_found_at_the_next_sign_in() {
    let stage = scene().await;
    let mut browser = Browser::new(&stage.functions());
    let app = application(&stage);
    let ann = stage.id("Ann Archer");
    code_for(&stage, &mut browser, &app, ann).await.unwrap();
    stage.graph.roll_keys(TENANT, false).unwrap();
    code_for(&stage, &mut browser, &app, ann).await.unwrap();
}
