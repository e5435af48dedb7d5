//! One connection's life with everything that is secret in it, well and badly, and then a search for all of that wherever it
//! could have come to lie.

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::domain::settings::ContactAccess;
use shared::domain::sync_run::{RunMode, Trigger};
use shared::ports::{Directory as _, PbxTokenStore as _, SyncHint, UserQuery};
use shared::telemetry::chain;
use simulators::graph::{Fault, FaultKind, IdTokenChange};

use crate::browser::{Browser, ORIGIN, parameter};
use crate::connect::{api, sign_in};
use crate::eavesdrop::heard;
use crate::sign_in::{application, code_for, scene};
use crate::stage::{ADMIN_TOKEN, APP, SECRET, Stage, TENANT};

/// What was secret, with a name for whoever has to look for it.
#[derive(Default)]
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn add(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        assert!(value.len() > 7, "{name} is too short to be searched for");
        self.0.push((name, value));
    }

    /// The parameters of an address that are secret.
    fn add_from(&mut self, address: &str) {
        for name in ["code", "state", "attempt", "nonce"] {
            if let Some(value) = parameter(address, name).filter(|value| value.len() > 20) {
                self.add(name, value);
            }
        }
    }

    fn add_cookies(&mut self, browser: &Browser) {
        for value in browser.cookies.values() {
            self.add("cookie", value.clone());
            // The part that opens a session, without the proof that we made it.
            let secret = value.split('.').next().unwrap_or_default();
            self.add("session", secret);
        }
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, text: &str) {
        for (name, value) in &self.0 {
            assert!(!text.contains(value.as_str()), "{name} is in {place}");
        }
    }
}

/// Somebody connects, and contacts are read in their name.
async fn connecting(stage: &Stage, canaries: &mut Canaries) {
    let ann = stage.id("Ann Archer");
    stage.graph.set_administrator(TENANT, ann, true).unwrap();
    stage
        .graph
        .consent_delegated(TENANT, APP, &["User.Read.All"])
        .unwrap();
    stage
        .settings(|settings| settings.contacts.access = ContactAccess::AuthorisedAccount)
        .await;
    let (_, link) = api(stage, Method::POST, "/authorize", None).await;
    canaries.add_from(link["authorize_url"].as_str().unwrap());
    let mut browser = Browser::new(&stage.functions());
    sign_in(stage, &mut browser, ann).await.says(200, "Connected");
    canaries.add_cookies(&browser);
    keep_grant(stage, canaries).await;
    let store = &stage.engine.store;
    let connection = store.connection(stage.connection).await.unwrap().unwrap().value;
    let secrets = store.secrets(stage.connection).await.unwrap().unwrap();
    let account = stage.sides.account_graph(&connection, &secrets).unwrap();
    account.list_users(&UserQuery::default()).await.unwrap();
    keep_grant(stage, canaries).await;
    stage.graph.revoke_sign_ins(TENANT, ann).unwrap();
    stage.clock.advance(Duration::from_hours(2));
    let ended = account.list_users(&UserQuery::default()).await.unwrap_err();
    canaries.are_not_in("an error", &format!("{ended:?} {}", chain(&ended)));
}

async fn keep_grant(stage: &Stage, canaries: &mut Canaries) {
    let held = stage.engine.store.delegated_grant(stage.connection).await;
    let held = held.unwrap().unwrap();
    canaries.add("refresh token", held.token.expose_secret());
    canaries.are_not_in("Debug", &format!("{held:?}"));
}

/// Somebody signs in to Linkus, well and badly.
async fn signing_in(stage: &Stage, canaries: &mut Canaries) {
    let (mut browser, app) = (Browser::new(&stage.functions()), application(stage));
    let bo = stage.id("Bo Baker");
    let microsoft = browser.open(&app.login).await.location();
    canaries.add_from(&microsoft);
    let back = stage.graph.approve(&microsoft, bo).unwrap();
    canaries.add_from(&back);
    canaries.add("verifier", app.verifier.clone());
    let location = browser.open(&back).await.location();
    canaries.add("code for the app", parameter(&location, "code").unwrap());
    let got = app
        .exchange(&mut browser, &parameter(&location, "code").unwrap())
        .await;
    let answer: serde_json::Value = serde_json::from_str(&got.text).unwrap();
    canaries.add("signature", answer["sign"].as_str().unwrap());
    // The same code again, and a code that nobody gave out.
    app.exchange(&mut browser, &parameter(&location, "code").unwrap())
        .await;
    canaries.add("invented code", "canary-invented-code");
    app.exchange(&mut browser, "canary-invented-code").await;
    browser.open(&back).await;
    canaries.add_cookies(&browser);

    canaries.add("claim", "canary-claim");
    let change = IdTokenChange {
        set: [("nonce".to_owned(), json!("canary-claim"))]
            .into_iter()
            .collect(),
        remove: Vec::new(),
    };
    stage.graph.set_id_token_change(TENANT, Some(change)).unwrap();
    code_for(stage, &mut browser, &app, bo).await.unwrap_err();
    stage.graph.set_id_token_change(TENANT, None).unwrap();
}

/// An administrator at the console, well and badly.
async fn at_the_console(stage: &Stage, canaries: &mut Canaries) {
    let mut browser = Browser::new(&stage.functions());
    canaries.add("wrong token", "canary-console-token");
    browser
        .post("/console/sign-in", &[("token", "canary-console-token")])
        .await
        .says(403, "not known");
    browser.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
    let page = browser.open("/console").await;
    let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    canaries.add("csrf word", csrf.split('"').next().unwrap());
    canaries.add_cookies(&browser);
    browser.post("/console/sign-out", &[("csrf", "wrong")]).await;
}

/// Secrets are replaced, and each side fails in its own way.
async fn in_trouble(stage: &Stage, canaries: &mut Canaries) {
    api(stage, Method::POST, "/certificate/new", Some(json!({}))).await;
    let waiting = stage.engine.store.waiting_certificate(stage.connection).await;
    let waiting = waiting.unwrap().unwrap();
    let line = waiting.private_key_pem.expose_secret().lines().nth(7).unwrap();
    canaries.add("private key", line);
    canaries.are_not_in("Debug", &format!("{waiting:?}"));
    canaries.add("wrong secret", "canary-wrong-secret");
    let wrong = json!({"client_secret": "canary-wrong-secret"});
    let (status, _) = api(stage, Method::POST, "/client-secret", Some(wrong)).await;
    assert_eq!(status, 422);
    let pbx = json!({"pbx": {"client_secret": "canary-pbx-secret"}});
    canaries.add("wrong PBX secret", "canary-pbx-secret");
    let (status, _) = api(stage, Method::PATCH, "", Some(pbx)).await;
    assert_eq!(status, 422);
    for (path, kind) in [
        ("/v1.0/users*", FaultKind::Empty503),
        ("/*/oauth2/*", FaultKind::Empty503),
        ("/*/oauth2/*", FaultKind::SignIn { code: 7_000_222 }),
    ] {
        stage.graph.add_fault(Fault::new(path, kind).times(1_000));
        stage.clock.advance(Duration::from_hours(2));
        stage.sync(RunMode::Full).await;
        stage.graph.clear_faults();
    }
    stage.clock.advance(Duration::from_hours(2));
    stage.sync(RunMode::Full).await;
}

/// What lies sealed in the table.
async fn sealed(stage: &Stage, canaries: &mut Canaries) {
    let store = &stage.engine.store;
    let id = stage.connection;
    let pairs = [
        store.pbx_token_store(id).load().await.unwrap(),
        store.sdk_token_store(id).load().await.unwrap(),
    ];
    for pair in pairs.into_iter().flatten() {
        canaries.add("PBX token", pair.access_token.expose_secret());
        canaries.add("PBX refresh token", pair.refresh_token.expose_secret());
    }
    let secrets = store.secrets(id).await.unwrap().unwrap();
    canaries.are_not_in("Debug", &format!("{secrets:?}"));
}

// case: 63
#[tokio::test]
async fn what_is_secret_in_a_whole_life_is_in_no_log_no_answer_and_not_readable_in_the_table() {
    let stage = scene().await;
    let mut canaries = Canaries::default();
    canaries.add("client secret", SECRET);
    canaries.add("admin's token", ADMIN_TOKEN);
    canaries.add("PBX secret", "simulated-client-secret");
    canaries.add("SDK key", "simulated-access-key");
    let uri = format!("{ORIGIN}/connect/callback");
    stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    signing_in(&stage, &mut canaries).await;
    connecting(&stage, &mut canaries).await;
    at_the_console(&stage, &mut canaries).await;
    in_trouble(&stage, &mut canaries).await;
    sealed(&stage, &mut canaries).await;
    assert!(canaries.0.len() > 30, "{}", canaries.0.len());

    canaries.are_not_in("the log", &heard());
    canaries.are_not_in("the table", &stage.table_in_plain().await);
    for rest in [
        "",
        "/settings",
        "/certificate",
        "/console-access",
        "/sync-runs",
        "/bindings?kind=user",
        "/history",
    ] {
        let (status, answer) = api(&stage, Method::GET, rest, None).await;
        assert_eq!(status, 200, "{rest}");
        canaries.are_not_in(rest, &answer.to_string());
    }
    // What a queue for dead letters would keep.
    let hint = SyncHint {
        connection_id: stage.connection,
        trigger: Trigger::Manual,
        run_id: None,
    };
    canaries.are_not_in("a queue", &serde_json::to_string(&hint).unwrap());
    assert!(
        heard().contains("an id_token was refused"),
        "the log was listened to"
    );
}
