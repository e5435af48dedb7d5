//! Teams presence drives extension presence: a tenant's people on one side, their extensions and calls on the other.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use shared::deadline::Deadline;
use shared::domain::settings::{ConnectionSettings, ExtensionPresence, GroupMapping, OnOff, PresenceMapping};
use shared::domain::sync_run::RunMode;
use shared::presence_poll::{EVERY, PollEnd, PollError, Poller, poll_due};
use simulators::graph::{Fault, FaultKind};
use simulators::pbx;
use tower::ServiceExt as _;

use crate::browser::{Browser, ORIGIN};
use crate::proxy::Cut;
use crate::stage::{ADMIN_TOKEN, APP, Stage, TENANT, person};

/// A stage whose people have extensions from 2000 on, and a process that polls.
struct Scene {
    stage: Stage,
    poller: Poller,
}

const PEOPLE: [&str; 3] = ["Ada Archer", "Bo Baker", "Cy Clark"];

impl Scene {
    async fn with(change: impl FnOnce(&mut ConnectionSettings)) -> Self {
        let stage = Stage::with(&PEOPLE.map(person), Vec::new()).await;
        stage
            .settings(|settings| {
                settings.presence.enabled = true;
                settings.presence.users_default = OnOff::On;
                change(settings);
            })
            .await;
        stage.sync(RunMode::Full).await;
        let now = stage.engine.clock.now();
        let store = &stage.engine.store;
        store.presence_soon(stage.connection, true, now).await.unwrap();
        let poller = Poller::new(stage.engine.clone(), EVERY);
        Self { stage, poller }
    }

    async fn on() -> Self {
        Self::with(|_| {}).await
    }

    /// Another process, with clients and a memory of its own.
    fn restart(&mut self) {
        self.poller = Poller::new(self.stage.fresh_process(), EVERY);
    }

    async fn message(&self) -> Result<PollEnd, PollError> {
        poll_due(&self.poller, self.stage.connection, &Deadline::when_asked()).await
    }

    /// A minute later, or whenever the next poll is due.
    async fn poll(&self) -> PollEnd {
        self.until_due().await;
        self.message().await.unwrap()
    }

    async fn until_due(&self) {
        let store = &self.stage.engine.store;
        let work = store.presence_work(self.stage.connection).await.unwrap().unwrap();
        if let Some(due) = work.value.due_at {
            let wait = due.duration_since(self.stage.clock.now());
            self.stage.clock.advance(wait.try_into().unwrap_or_default());
        }
    }

    async fn good(&self) -> shared::store::PollCounts {
        match self.poll().await {
            PollEnd::Polled(counts) => counts,
            other => panic_with(&other),
        }
    }

    fn teams(&self, name: &str, availability: &str, activity: &str) {
        let id = self.stage.id(name);
        self.stage
            .graph
            .set_presence(TENANT, id, availability, activity)
            .unwrap();
    }

    /// What the extensions of the three show.
    fn shown(&self) -> Vec<&'static str> {
        let extensions: BTreeMap<String, &str> = self
            .stage
            .pbx
            .extensions()
            .into_iter()
            .map(|extension| (extension.number, extension.presence_status))
            .collect();
        extensions.into_values().collect()
    }

    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let path = format!("/api/v1/connections/{}{path}", self.stage.connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self
            .stage
            .functions()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The `presence` of the connection.
    async fn told(&self) -> Value {
        let (status, mut connection) = self.api("GET", "", None).await;
        assert_eq!(status, 200, "{connection}");
        connection["presence"].take()
    }
}

#[expect(
    clippy::panic,
    reason = "a poll that was to be good and was not ends the test"
)]
fn panic_with(end: &PollEnd) -> shared::store::PollCounts {
    panic!("the poll ended as {end:?}")
}

// spec: 9, 126, 127, 131, 133, 134
#[tokio::test]
async fn every_row_of_the_mapping_reaches_the_extension_and_nothing_goes_back() {
    let scene = Scene::on().await;
    scene.good().await;
    assert_eq!(scene.shown(), ["off_work"; 3], "nobody is in Teams");
    for (availability, activity, shown) in [
        ("Available", "Available", "available"),
        ("Busy", "InACall", "away"),
        ("DoNotDisturb", "Presenting", "do_not_disturb"),
        ("BeRightBack", "BeRightBack", "lunch"),
        ("Away", "Away", "off_work"),
        ("AvailableIdle", "Available", "available"),
        ("Offline", "Offline", "off_work"),
    ] {
        scene.teams("Bo Baker", availability, activity);
        scene.good().await;
        assert_eq!(scene.shown(), ["off_work", shown, "off_work"], "{availability}");
    }
    scene
        .stage
        .pbx
        .edit_extension("2000", by_hand("business_trip"))
        .unwrap();
    scene.good().await;
    assert_eq!(scene.shown()[0], "business_trip", "Teams did not change");
    let asked = scene.stage.graph.requests();
    let written = asked
        .iter()
        .filter(|call| call.method != "GET" && call.path.starts_with("/v1.0"));
    let paths: std::collections::BTreeSet<_> = written.map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/v1.0/communications/getPresencesByUserId"].into());
}

fn by_hand(presence: &str) -> serde_json::Map<String, Value> {
    let Value::Object(changes) = json!({ "presence_status": presence }) else {
        return serde_json::Map::new();
    };
    changes
}

// spec: 133
#[tokio::test]
async fn calls_go_where_the_new_presence_sends_them() {
    let scene = Scene::on().await;
    scene.good().await;
    let handling = json!({ "id": 1, "presence_list": [
        { "status": "away", "enb_ex_always_forward": 1, "ex_always_forward_dest": "extension" }] });
    let Value::Object(handling) = handling else { return };
    scene.stage.pbx.portal("extension/update", handling).unwrap();
    let outside = || scene.stage.pbx.call("2000", pbx::Caller::Outside).unwrap();
    assert_eq!(outside(), pbx::CallEnd::Rings { seconds: 30 });
    scene.teams("Ada Archer", "Busy", "InAMeeting");
    scene.good().await;
    assert_eq!(outside(), pbx::CallEnd::Forwarded("extension".to_owned()));
    assert_eq!(
        scene.stage.pbx.call("2000", pbx::Caller::Inside).unwrap(),
        pbx::CallEnd::Rings { seconds: 30 }
    );
    scene.teams("Ada Archer", "DoNotDisturb", "DoNotDisturb");
    scene.good().await;
    assert_eq!(
        outside(),
        pbx::CallEnd::Forwarded("ext_vm".to_owned()),
        "nothing rings"
    );
}

#[tokio::test]
async fn both_spellings_count_unknown_words_change_nothing_and_people_without_teams_are_skipped() {
    let scene = Scene::on().await;
    for name in PEOPLE {
        scene.teams(name, "Available", "Available");
    }
    scene.good().await;
    let mut behaviour = scene.stage.graph.behaviour();
    behaviour.presence.lower_camel_case = true;
    behaviour.presence.unknown_for_people_without_teams = true;
    scene.stage.graph.set_behaviour(behaviour);
    scene.teams("Ada Archer", "DoNotDisturb", "UrgentInterruptionsOnly");
    scene.teams("Bo Baker", "OnTheMoon", "OnTheMoon");
    scene
        .stage
        .graph
        .set_teams(TENANT, scene.stage.id("Cy Clark"), false)
        .unwrap();
    let counts = scene.good().await;
    assert_eq!((counts.people, counts.known, counts.changed), (3, 1, 1));
    assert_eq!(scene.shown(), ["do_not_disturb", "available", "available"]);
}

// spec: 129, 130, 132
#[tokio::test]
async fn the_mapping_of_the_first_group_holds_over_the_default_and_a_persons_own_over_both() {
    let scene = Scene::with(|_| {}).await;
    let group = |name: &str, members: &[&str]| {
        let graph = &scene.stage.graph;
        let props =
            json!({ "displayName": name, "securityEnabled": true, "mailEnabled": false, "groupTypes": [] });
        let group = graph.create_group(TENANT, &props).unwrap();
        for member in members {
            graph.add_member(TENANT, group, scene.stage.id(member)).unwrap();
        }
        group
    };
    let busy = |presence| PresenceMapping {
        busy: presence,
        ..PresenceMapping::default()
    };
    let (first, second) = (
        group("Field", &["Ada Archer", "Bo Baker"]),
        group("All", &["Ada Archer", "Bo Baker", "Cy Clark"]),
    );
    scene
        .stage
        .settings(|settings| {
            settings.presence.groups = vec![
                GroupMapping {
                    group_id: first.into(),
                    mapping: busy(ExtensionPresence::BusinessTrip),
                },
                GroupMapping {
                    group_id: second.into(),
                    mapping: busy(ExtensionPresence::DoNotDisturb),
                },
            ];
        })
        .await;
    let bo = format!("/users/{}/presence", scene.stage.id("Bo Baker"));
    let own = json!({ "enabled": true, "mapping": { "busy": "lunch" } });
    assert_eq!(scene.api("PUT", &bo, Some(own)).await.0, 200);
    for name in PEOPLE {
        scene.teams(name, "Busy", "Busy");
    }
    scene.good().await;
    assert_eq!(scene.shown(), ["business_trip", "lunch", "do_not_disturb"]);
    let (_, told) = scene.api("GET", &bo, None).await;
    assert_eq!(
        told["last"],
        json!({ "teams": "busy", "extension": "lunch", "refused": false })
    );
}

// spec: 129, 135
#[tokio::test]
async fn an_admin_decides_about_one_person_and_takes_it_back() {
    let scene = Scene::with(|settings| settings.presence.users_default = OnOff::Off).await;
    let path = |name: &str| format!("/users/{}/presence", scene.stage.id(name));
    assert_eq!(scene.good().await.people, 0);
    let (status, told) = scene.api("GET", &path("Ada Archer"), None).await;
    assert_eq!((status, told), (200, json!({ "enabled": false })));
    let (status, told) = scene
        .api("PUT", &path("Ada Archer"), Some(json!({ "enabled": true })))
        .await;
    assert_eq!(
        (status, &told["enabled"], &told["chosen_by"]),
        (200, &json!(true), &json!("admin"))
    );
    scene.teams("Ada Archer", "Busy", "Busy");
    scene.teams("Bo Baker", "Busy", "Busy");
    // At once: the choice made the poll due.
    assert!(matches!(scene.message().await.unwrap(), PollEnd::Polled(counts) if counts.people == 1));
    assert_eq!(scene.shown(), ["away", "available", "available"]);
    let (status, told) = scene.api("DELETE", &path("Ada Archer"), None).await;
    assert_eq!((status, told["enabled"].clone()), (200, json!(false)));
    assert_eq!(scene.good().await.people, 0);
    for (path, body, status) in [
        (path("Ada Archer"), json!({}), 422),
        (
            path("Ada Archer"),
            json!({ "enabled": true, "mapping": { "busy": "lunch_break" } }),
            422,
        ),
        (
            path("Ada Archer"),
            json!({ "enabled": true, "role": "admin" }),
            422,
        ),
        (
            format!("/users/{}/presence", uuid::Uuid::nil()),
            json!({ "enabled": true }),
            404,
        ),
        ("/users/ada/presence".to_owned(), json!({ "enabled": true }), 404),
    ] {
        let (got, told) = scene.api("PUT", &path, Some(body.clone())).await;
        assert_eq!(got, status, "{path} {body}: {told}");
    }
}

// spec: 3, 125
#[tokio::test]
async fn old_firmware_switches_presence_off_and_an_update_switches_it_on() {
    let scene = Scene::on().await;
    let store = &scene.stage.engine.store;
    let mut stored = store.connection(scene.stage.connection).await.unwrap().unwrap();
    stored.value.pbx.firmware_version = "83.8.0.25".to_owned();
    store.save_connection(&stored).await.unwrap();
    scene
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.8.0.25".to_owned());
    assert!(matches!(scene.poll().await, PollEnd::Failed(_)));
    let told = scene.told().await;
    assert_eq!(told["state"], "blocked");
    let reason = told["reason"].as_str().unwrap();
    assert!(
        reason.contains("83.10.0.30") && reason.contains("83.8.0.25"),
        "{reason}"
    );
    assert_eq!(scene.stage.pbx.requests("extension/update"), 0);
    assert_eq!(
        scene.stage.status().await,
        shared::domain::connection::ConnectionStatus::Connected
    );
    scene
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.12.0.23".to_owned());
    scene.good().await;
    assert_eq!(scene.told().await["state"], "on");
    let stored = store.connection(scene.stage.connection).await.unwrap().unwrap();
    assert_eq!(stored.value.pbx.firmware_version, "83.12.0.23");
    assert!(stored.value.pbx.capabilities.presence);
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_named_and_once_it_is_back_presence_goes_on() {
    let mut scene = Scene::on().await;
    scene.good().await;
    scene
        .stage
        .graph
        .revoke_role(TENANT, APP, "Presence.Read.All")
        .unwrap();
    // Its token shows what its app may do now.
    scene.restart();
    assert!(matches!(scene.poll().await, PollEnd::Failed(_)));
    let told = scene.told().await;
    assert_eq!(
        (&told["state"], &told["alert"]),
        (&json!("blocked"), &json!(false))
    );
    assert!(told["reason"].as_str().unwrap().contains("Presence.Read.All"));
    assert!(matches!(scene.poll().await, PollEnd::Failed(_)));
    assert_eq!(scene.told().await["alert"], true, "a quarter of an hour");
    scene
        .stage
        .graph
        .grant_role(TENANT, APP, "Presence.Read.All")
        .unwrap();
    scene.good().await;
    let told = scene.told().await;
    assert_eq!((&told["state"], &told["alert"]), (&json!("on"), &json!(false)));
    // Directory sync noticed nothing of all that.
    assert_eq!(scene.stage.sync(RunMode::Full).await.counts().failed, 0);
}

#[tokio::test]
async fn the_connection_tells_what_the_last_poll_did_and_how_long_ago() {
    let scene = Scene::on().await;
    assert_eq!(scene.told().await["state"], "waiting");
    scene.teams("Ada Archer", "Available", "Available");
    scene.good().await;
    scene.stage.clock.advance(Duration::from_secs(20));
    let told = scene.told().await;
    let counts = json!({ "people": 3, "known": 3, "changed": 3, "written": 3, "failed": 0 });
    for (key, value) in counts.as_object().unwrap() {
        assert_eq!(told["last_poll"][key], *value, "{key}");
    }
    assert_eq!(told["last_poll"]["age_seconds"], 20);
    assert_eq!((&told["people"], &told["alert"]), (&json!(3), &json!(false)));
    assert!(told["next_poll_at"].is_string());
    scene
        .stage
        .settings(|settings| settings.presence.enabled = false)
        .await;
    assert_eq!(scene.poll().await, PollEnd::Off);
    assert_eq!(scene.told().await["state"], "off");
}

#[tokio::test]
async fn a_throttled_graph_is_waited_for_and_a_dead_one_is_left_in_peace() {
    let scene = Scene::on().await;
    let fault = |kind, times| Fault {
        path: "/v1.0/communications/getPresencesByUserId".to_owned(),
        method: None,
        skip: 0,
        times,
        kind,
    };
    let throttled = FaultKind::Throttle {
        retry_after: Some("7".to_owned()),
    };
    scene.stage.graph.add_fault(fault(throttled, Some(2)));
    let begin = scene.stage.clock.now();
    scene.good().await;
    assert!(scene.stage.clock.now().duration_since(begin).as_secs() >= 14);
    scene.stage.graph.add_fault(fault(FaultKind::Empty503, None));
    assert!(matches!(scene.poll().await, PollEnd::Failed(_)));
    assert_eq!(scene.told().await["state"], "failing");
    scene.stage.graph.clear_faults();
    scene.good().await;
}

#[tokio::test]
async fn somebody_who_is_disabled_is_dropped_with_the_next_run() {
    let scene = Scene::with(|settings| settings.users.delete_grace_days = 7).await;
    scene.good().await;
    scene
        .stage
        .graph
        .disable_user(TENANT, scene.stage.id("Bo Baker"))
        .unwrap();
    scene.stage.sync(RunMode::Full).await;
    scene.teams("Bo Baker", "Busy", "Busy");
    assert_eq!(scene.good().await.people, 2);
    assert_eq!(scene.shown()[1], "off_work");
}

/// How a poll is cut, and what it may come to when it is repeated.
async fn cut_at(effect: usize, cut: Cut) -> Option<Vec<String>> {
    let mut scene = Scene::on().await;
    scene.good().await;
    scene.teams("Ada Archer", "Busy", "Busy");
    scene.teams("Bo Baker", "BeRightBack", "BeRightBack");
    scene.until_due().await;
    scene.stage.pbx.reset_counters();
    scene.stage.scissors.cut_at(effect, cut);
    // A process that dies tells nobody how it ended.
    let ended = scene.message().await;
    let effects = scene.stage.scissors.effects();
    if effects.len() <= effect {
        assert!(matches!(ended, Ok(PollEnd::Polled(_))), "{ended:?}");
        return None;
    }
    scene.stage.scissors.heal();
    scene.restart();
    // Past the hold of the dead one.
    scene.stage.clock.advance(Duration::from_mins(2));
    for _ in 0..2 {
        scene.good().await;
    }
    let at = format!("{cut:?} effect {effect} of {effects:?}");
    assert_eq!(scene.shown(), ["away", "lunch", "off_work"], "{at}");
    let mut written: Vec<_> = scene.stage.pbx.writes().iter().map(|write| write.id).collect();
    written.sort();
    assert_eq!(written, [Some(1), Some(2)], "{at}");
    Some(effects)
}

// spec: 133
#[tokio::test]
async fn a_poll_that_is_cut_anywhere_is_finished_by_the_next_and_writes_nothing_twice() {
    for cut in [Cut::Before, Cut::After, Cut::AnswerLost] {
        let mut effect = 0;
        while cut_at(effect, cut).await.is_some() {
            effect += 1;
        }
        assert!(effect >= 6, "only {effect} effects were cut");
    }
}

/// Signs Bo in to their own page.
async fn me(scene: &Scene) -> (Browser, String) {
    for path in ["/sso/callback", "/connect/callback", "/console/callback"] {
        let uri = format!("{ORIGIN}{path}");
        scene.stage.graph.add_redirect_uri(TENANT, APP, &uri).unwrap();
    }
    let mut browser = Browser::new(&scene.stage.functions());
    let login = browser.open("/me").await.location();
    let microsoft = browser.open(&login).await.location();
    let back = scene
        .stage
        .graph
        .approve(&microsoft, scene.stage.id("Bo Baker"))
        .unwrap();
    let me = browser.open(&back).await.location();
    let page = browser.open(&me).await;
    let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap().to_owned();
    (browser, csrf)
}

const ROWS: [(&str, &str); 6] = [
    ("available", "available"),
    ("busy", "business_trip"),
    ("do_not_disturb", "do_not_disturb"),
    ("be_right_back", "lunch"),
    ("away", "away"),
    ("offline", "off_work"),
];

// spec: 128, 130, 132, 135
#[tokio::test]
async fn a_person_turns_it_on_and_chooses_a_status_for_each_of_teams_without_a_script() {
    let scene = Scene::with(|settings| settings.presence.users_default = OnOff::Off).await;
    let (mut browser, csrf) = me(&scene).await;
    let page = browser.open("/me").await;
    page.says(200, "Teams status on your extension");
    page.says(200, "calls go");
    let (_, body) = page.text.split_once("</style>").unwrap();
    assert!(
        !page.text.contains("<script") && !body.contains("checked"),
        "{body}"
    );
    assert_eq!(page.text.matches("<select").count(), 6);
    assert_eq!(page.text.matches("<option").count(), 36);
    assert_eq!(page.text.matches("value=\"lunch\"").count(), 6);
    browser.language = Some("zh-CN");
    browser
        .open("/me")
        .await
        .says(200, "我的分机跟随 Microsoft Teams");
    browser.language = None;

    let mut form = vec![("csrf", csrf.as_str()), ("enabled", "on"), ("own", "on")];
    form.extend(ROWS);
    let saved = browser.post("/me/presence", &form).await;
    assert_eq!(saved.status.as_u16(), 302);
    let page = browser.open(&saved.location()).await;
    page.says(200, "Saved");
    assert_eq!(page.text.matches(" checked").count(), 2);
    assert!(page.text.contains("value=\"business_trip\" selected"));
    scene.teams("Bo Baker", "Busy", "InAMeeting");
    scene.teams("Ada Archer", "Busy", "InAMeeting");
    assert_eq!(scene.good().await.people, 1);
    assert_eq!(scene.shown(), ["available", "business_trip", "available"]);

    let off = browser.post("/me/presence", &[("csrf", &csrf)]).await;
    assert_eq!(off.status.as_u16(), 302);
    assert_eq!(scene.good().await.people, 0);
}

#[tokio::test]
async fn a_form_that_outlived_its_session_leads_back_to_the_page_and_decides_nothing() {
    let scene = Scene::on().await;
    let (mut browser, csrf) = me(&scene).await;
    browser
        .post("/me/sign-out", &[("csrf", &csrf)])
        .await
        .says(200, "signed out");
    for (language, words) in [("zh-CN", "正在前往 Microsoft"), ("en", "taken to Microsoft")] {
        browser.language = Some(language);
        let between = browser
            .post("/me/presence", &[("csrf", &csrf), ("enabled", "on")])
            .await;
        between.says(200, words);
        assert_eq!(between.goes_on(), "/me");
    }
    let login = browser.open("/me").await.location();
    assert!(login.starts_with("/login?connection="), "{login}");
    let store = &scene.stage.engine.store;
    let bo = scene.stage.id("Bo Baker").into();
    assert_eq!(
        store.presence_choice(scene.stage.connection, bo).await.unwrap(),
        None
    );
}

// case: 46, 47, 50
#[tokio::test]
async fn only_their_own_page_decides_for_a_person_and_only_what_it_offers() {
    let scene = Scene::on().await;
    let (mut browser, csrf) = me(&scene).await;
    let choice = async || {
        let bo = scene.stage.id("Bo Baker").into();
        let store = &scene.stage.engine.store;
        store.presence_choice(scene.stage.connection, bo).await.unwrap()
    };
    let right = [("csrf", csrf.as_str()), ("enabled", "on")];
    browser
        .post_from("https://evil.example", "/me/presence", &right)
        .await
        .says(403, "cannot use");
    browser
        .post("/me/presence", &[("enabled", "on")])
        .await
        .says(403, "cannot use");
    for wrong in [
        vec![("csrf", csrf.as_str()), ("enabled", "yes")],
        vec![("csrf", &csrf), ("own", "on")],
        vec![("csrf", &csrf), ("enabled", "on"), ("enabled", "on")],
    ] {
        assert_eq!(
            browser.post("/me/presence", &wrong).await.status.as_u16(),
            400,
            "{wrong:?}"
        );
    }
    let mut unknown = vec![("csrf", csrf.as_str()), ("own", "on")];
    unknown.extend(ROWS.map(|(row, _)| (row, "lunch_break")));
    assert_eq!(browser.post("/me/presence", &unknown).await.status.as_u16(), 400);
    assert_eq!(browser.open("/me/presence").await.status.as_u16(), 405);
    assert_eq!(choice().await, None);
    scene
        .stage
        .settings(|settings| {
            settings.presence.enabled = false;
            settings.sso.enabled = true;
        })
        .await;
    browser.post("/me/presence", &right).await.says(403, "cannot use");
    let page = browser.open("/me").await;
    assert!(
        page.status.is_success() && !page.text.contains("/me/presence"),
        "{}",
        page.text
    );
    assert_eq!(choice().await, None);
}

#[tokio::test]
async fn one_sick_pbx_does_not_make_another_connection_wait() {
    let (sick, well) = (Scene::on().await, Scene::on().await);
    sick.stage.pbx.fault(pbx::Fault::forever(
        "extension/update",
        pbx::FaultKind::DropBefore,
    ));
    well.teams("Ada Archer", "Busy", "Busy");
    let (one, other) = tokio::join!(sick.poll(), well.poll());
    assert!(
        matches!(one, PollEnd::Failed(counts) if counts.written == 0),
        "{one:?}"
    );
    assert!(
        matches!(other, PollEnd::Polled(counts) if counts.written == 3),
        "{other:?}"
    );
}
