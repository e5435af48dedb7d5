//! What an admin is told of unasked: failure and recovery, a plan that waits, silence, the end of a secret; by webhook and by
//! mail, once each, also when a channel was down.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::alerts::attend;
use shared::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, Reason};
use shared::domain::sync_run::{RunMode, RunState};
use shared::presence_poll::tell_of_silence;
use shared::store::DueWork;
use shared::sync_run::approval::approve;
use simulators::graph::Fault;
use simulators::pbx;
use tower::ServiceExt as _;

use crate::hook::Hook;
use crate::office::FIRMWARE;
use crate::stage::{ADMIN_TOKEN, Stage, TENANT, outlets, person};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A stage whose alerts are told to a hook, and the secret that signs them.
struct Scene {
    stage: Stage,
    hook: Hook,
    secret: String,
}

async fn api(stage: &Stage, method: Method, rest: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/connections/{}{rest}", stage.connection))
        .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, "*")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = stage.functions().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

impl Scene {
    async fn with(people: usize) -> Self {
        let people: Vec<Value> = (0..people).map(|n| person(&format!("P{n:03} Example"))).collect();
        let stage = Stage::with(&people, Vec::new()).await;
        stage.settings(|_| {}).await;
        let hook = Hook::start().await;
        let body = json!({ "webhook": { "url": hook.url } });
        let (status, saved) = api(&stage, Method::PUT, "/alerts", body).await;
        assert_eq!(status, 200, "{saved}");
        let secret = saved["webhook_secret"].as_str().unwrap().to_owned();
        let scene = Self { stage, hook, secret };
        assert_eq!(scene.stage.sync(RunMode::Full).await.state, RunState::Succeeded);
        scene.look().await;
        assert!(scene.hook.heard().is_empty());
        scene
    }

    /// One look of two schedulers at once, if any is due.
    async fn look(&self) {
        let stage = &self.stage;
        let due = stage.engine.store.due(stage.clock.now(), 10).await.unwrap();
        for due in due.into_iter().filter(|due| due.work == DueWork::Alerts) {
            let (one, other) = (stage.fresh_process(), stage.fresh_process());
            let outlets = outlets();
            let (first, second) = tokio::join!(
                Box::pin(attend(&one, &outlets, due.connection)),
                Box::pin(attend(&other, &outlets, due.connection))
            );
            first.unwrap();
            second.unwrap();
        }
    }

    /// What the hook has heard since, one list a message; every one of them signed.
    async fn told(&self) -> Vec<Vec<(String, String)>> {
        self.look().await;
        let heard = self.hook.heard();
        for message in &heard {
            assert!(message.is_signed_with(&self.secret) && !message.is_signed_with("whsec_other"));
            assert_eq!(message.path, "/hook?for=alerts");
        }
        heard.iter().map(crate::hook::Heard::alerts).collect()
    }

    async fn fail(&self) {
        let fault: Fault =
            serde_json::from_value(json!({"path": "/v1.0/users*", "times": 1000, "kind": "html502"}))
                .unwrap();
        self.stage.graph.add_fault(fault);
        assert_eq!(self.stage.sync(RunMode::Full).await.state, RunState::Failed);
    }

    async fn secret_ends(&self, at: Timestamp) {
        let store = &self.stage.engine.store;
        store
            .change_connection(self.stage.connection, |connection| {
                connection.secret_expires_at = Some(at);
            })
            .await
            .unwrap();
        store
            .alerts_soon(self.stage.connection, self.stage.clock.now())
            .await
            .unwrap();
    }

    /// Lines of the history that are about the connection, oldest first.
    async fn history(&self) -> Vec<OperationRecord> {
        let now = self.stage.clock.now();
        let store = &self.stage.engine.store;
        let id = self.stage.connection;
        let found = store
            .history(id, &id.to_string(), Timestamp::UNIX_EPOCH, now, 100, None)
            .await
            .unwrap();
        let mut lines = found.items;
        lines.retain(|line| line.object == ObjectKind::Connection);
        lines.reverse();
        lines
    }
}

fn one(kind: &str, change: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), change.to_owned())]
}

#[tokio::test]
async fn failure_is_told_once_with_all_that_is_new_and_so_is_the_recovery() {
    let scene = Scene::with(2).await;
    scene.fail().await;
    assert!(scene.told().await.is_empty(), "one failure is waited for");
    scene.stage.clock.advance(MINUTE * 15);
    scene.fail().await;
    let in_five_days = scene.stage.clock.now() + Duration::from_hours(5 * 24);
    scene.secret_ends(in_five_days).await;
    let told = scene.told().await;
    let both = [one("sync_failing", "raised"), one("secret_ends", "raised")].concat();
    assert_eq!(told, [both]);
    assert!(scene.told().await.is_empty());
    // A day later somebody is reminded, once; the secret has steps of its own.
    scene.stage.clock.advance(HOUR * 24);
    assert_eq!(scene.told().await, [one("sync_failing", "reminder")]);
    scene.stage.clock.advance(HOUR);
    assert!(scene.told().await.is_empty());
    scene.stage.graph.clear_faults();
    assert_eq!(scene.stage.sync(RunMode::Full).await.state, RunState::Succeeded);
    assert_eq!(scene.told().await, [one("sync_failing", "cleared")]);
    assert!(scene.told().await.is_empty());
    let history: Vec<(OperationKind, Reason)> = scene
        .history()
        .await
        .iter()
        .map(|line| (line.kind, line.reason))
        .collect();
    assert_eq!(history.len(), 3, "{history:?}");
    for line in [
        (OperationKind::Alert, Reason::SyncFailing),
        (OperationKind::Alert, Reason::SecretEnds),
        (OperationKind::Recovery, Reason::SyncFailing),
    ] {
        assert!(history.contains(&line), "{history:?}");
    }
}

#[tokio::test]
async fn what_needs_a_person_is_told_at_once_and_in_the_language_of_the_alerts() {
    let scene = Scene::with(1).await;
    let body = json!({ "language": "zh-CN", "webhook": { "url": scene.hook.url } });
    let (status, saved) = api(&scene.stage, Method::PUT, "/alerts", body).await;
    assert_eq!((status, saved.get("webhook_secret")), (200, None));
    scene
        .stage
        .graph
        .remove_secret(TENANT, crate::stage::APP, crate::stage::SECRET)
        .unwrap();
    scene.stage.clock.advance(HOUR * 2);
    scene.stage.sync(RunMode::Full).await;
    scene.look().await;
    let [heard] = &scene.hook.heard()[..] else {
        unreachable!("one message")
    };
    let message = heard.json();
    assert_eq!(message["alerts"][0]["needs_attention"], true);
    let text = message["text"].as_str().unwrap();
    assert!(
        text.contains("同步需要人工处理") && text.contains("AADSTS7000215"),
        "{text}"
    );
    assert!(!text.contains("P000"), "no name of a person: {text}");
    assert_eq!(message["connection"]["name"], "Contoso");
}

#[tokio::test]
async fn a_webhook_that_was_down_gets_the_same_message_later() {
    let scene = Scene::with(1).await;
    scene.hook.answers(StatusCode::INTERNAL_SERVER_ERROR);
    scene
        .secret_ends(scene.stage.clock.now() + Duration::from_hours(24 * 5))
        .await;
    let mut ids = Vec::new();
    // One try, and the next ones a minute and three minutes later.
    for (wait, tries) in [(0, 1), (59, 0), (1, 1), (119, 0), (1, 1)] {
        scene.stage.clock.advance(Duration::from_secs(wait));
        scene.look().await;
        let heard = scene.hook.heard();
        assert_eq!(heard.len(), tries, "after {wait} s");
        ids.extend(heard.iter().map(|message| message.json()["id"].clone()));
    }
    let (_, open) = api(&scene.stage, Method::GET, "/alerts/open", Value::Null).await;
    assert_eq!(open["open"][0]["kind"], "secret_ends");
    assert_eq!(open["waiting"][0]["failed"], 3);
    assert_eq!(open["waiting"][0]["error"], "HTTP status 500");
    // A redirect leads nowhere.
    scene.hook.answers(StatusCode::FOUND);
    scene.stage.clock.advance(MINUTE * 4);
    assert_eq!(scene.told().await.len(), 1);
    scene.hook.answers(StatusCode::OK);
    scene.stage.clock.advance(MINUTE * 8);
    scene.look().await;
    let heard = scene.hook.heard();
    ids.extend(heard.iter().map(|message| message.json()["id"].clone()));
    assert_eq!(heard[0].signed_at(), scene.stage.clock.now().as_second());
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    scene.stage.clock.advance(HOUR);
    assert!(scene.told().await.is_empty());
    let (_, open) = api(&scene.stage, Method::GET, "/alerts/open", Value::Null).await;
    assert_eq!(open["waiting"], json!([]));
}

#[tokio::test]
async fn a_channel_that_is_down_for_a_day_is_given_up_and_history_says_so() {
    let scene = Scene::with(1).await;
    scene.hook.answers(StatusCode::BAD_GATEWAY);
    scene
        .secret_ends(scene.stage.clock.now() + Duration::from_hours(24 * 5))
        .await;
    let mut tries = 0;
    for _ in 0..25 * 4 {
        tries += scene.told().await.len();
        scene.stage.clock.advance(MINUTE * 15);
    }
    assert!((20..40).contains(&tries), "{tries}");
    let (_, open) = api(&scene.stage, Method::GET, "/alerts/open", Value::Null).await;
    assert_eq!(open["waiting"], json!([]));
    let history = scene.history().await;
    let given_up = history
        .iter()
        .find(|line| line.reason == Reason::AlertNotDelivered)
        .unwrap();
    assert_eq!(given_up.error.as_deref(), Some("HTTP status 502"));
}

#[tokio::test]
async fn a_held_plan_is_told_until_somebody_decides() {
    let scene = Scene::with(30).await;
    for n in 0..11 {
        let user = scene.stage.id(&format!("P{n:03} Example"));
        scene.stage.graph.delete_user(TENANT, user).unwrap();
    }
    let run = scene.stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Held);
    scene.look().await;
    let heard = scene.hook.heard();
    assert_eq!(heard[0].alerts(), one("plan_held", "raised"));
    assert_eq!(heard[0].json()["alerts"][0]["removals"], 11);
    approve(&scene.stage.engine, scene.stage.connection, run.id)
        .await
        .unwrap();
    assert_eq!(scene.told().await, [one("plan_held", "cleared")]);
    scene.stage.drive().await.unwrap();
    assert!(scene.told().await.is_empty());
}

#[tokio::test]
async fn silence_is_told_when_the_schedule_explains_it_no_longer() {
    let scene = Scene::with(1).await;
    let mut told = Vec::new();
    for hour in 1..=30 {
        scene.stage.clock.advance(HOUR);
        told.extend(scene.told().await.into_iter().map(|alerts| (hour, alerts)));
    }
    assert_eq!(told, [(26, one("no_good_run", "raised"))]);
    scene.stage.sync(RunMode::Full).await;
    assert_eq!(scene.told().await, [one("no_good_run", "cleared")]);
}

#[tokio::test]
async fn a_connection_that_is_switched_off_is_silent_by_right() {
    let scene = Scene::with(1).await;
    let body = json!({ "delete_extensions": false, "delete_extension_groups": false });
    let (status, _) = api(&scene.stage, Method::POST, "/disable", body).await;
    assert_eq!(status, 200);
    for _ in 0..60 {
        scene.stage.clock.advance(HOUR);
        assert!(scene.told().await.is_empty());
    }
    // And has its whole time again once it is on.
    let (status, _) = api(&scene.stage, Method::POST, "/enable", json!({})).await;
    assert_eq!(status, 200);
    assert!(scene.told().await.is_empty());
    for _ in 0..25 {
        scene.stage.clock.advance(HOUR);
        assert!(scene.told().await.is_empty());
    }
    scene.stage.clock.advance(HOUR);
    assert_eq!(scene.told().await, [one("no_good_run", "raised")]);
}

#[tokio::test]
async fn presence_that_stays_away_is_told() {
    let scene = Scene::with(1).await;
    scene
        .stage
        .settings(|settings| settings.presence.enabled = true)
        .await;
    let (store, id) = (&scene.stage.engine.store, scene.stage.connection);
    let now = scene.stage.clock.now();
    store.presence_soon(id, true, now).await.unwrap();
    scene.stage.clock.advance(MINUTE * 11);
    tell_of_silence(store, id, scene.stage.clock.now()).await.unwrap();
    assert_eq!(scene.told().await, [one("presence_silent", "raised")]);
}

// spec: 156
#[tokio::test]
async fn the_end_of_a_secret_is_told_step_by_step_and_its_successor_ends_it() {
    let scene = Scene::with(1).await;
    let store = &scene.stage.engine.store;
    scene
        .secret_ends(scene.stage.clock.now() + Duration::from_hours(24 * 8))
        .await;
    let mut told = Vec::new();
    for hour in 0..24 * 9 {
        let of_secret =
            |alerts: Vec<(String, String)>| alerts.into_iter().find(|(kind, _)| kind == "secret_ends");
        let news: Vec<_> = scene.told().await.into_iter().filter_map(of_secret).collect();
        told.extend(news.into_iter().map(|(_, change)| (hour, change)));
        scene.stage.clock.advance(HOUR);
    }
    let raised = |hour| (hour, "raised".to_owned());
    // 14 days are over already; 7 days, 1 day, the end.
    assert_eq!(told, [0, 24, 24 * 7, 24 * 8].map(raised));
    store
        .change_connection(scene.stage.connection, |connection| {
            connection.secret_expires_at = None;
        })
        .await
        .unwrap();
    let now = scene.stage.clock.now();
    store.alerts_soon(scene.stage.connection, now).await.unwrap();
    let news = scene.told().await.concat();
    assert!(
        news.contains(&("secret_ends".to_owned(), "cleared".to_owned())),
        "{news:?}"
    );
}

#[tokio::test]
async fn mail_goes_out_through_the_pbx_if_its_firmware_can() {
    let scene = Scene::with(1).await;
    let to = json!(["it@contoso.example", "night@contoso.example"]);
    let body = json!({ "email": { "to": to } });
    let (status, answer) = api(&scene.stage, Method::PUT, "/alerts", body).await;
    assert_eq!(status, 200, "{answer}");
    let (_, tested) = api(&scene.stage, Method::POST, "/alerts/test", json!({})).await;
    let refused = tested["channels"][0]["error"].as_str().unwrap();
    assert_eq!(tested["channels"][0]["delivered"], false);
    assert!(refused.contains("firmware cannot send mail"), "{refused}");
    scene
        .stage
        .pbx
        .change_settings(|settings| FIRMWARE.clone_into(&mut settings.firmware));
    let (_, tested) = api(&scene.stage, Method::POST, "/alerts/test", json!({})).await;
    assert_eq!(
        tested,
        json!({"channels": [{"channel": "email", "delivered": true}]})
    );
    scene
        .secret_ends(scene.stage.clock.now() + Duration::from_hours(24 * 5))
        .await;
    assert!(scene.told().await.is_empty(), "the webhook is not set any more");
    let outbox = scene.stage.pbx.outbox();
    let got: Vec<&str> = outbox.iter().map(|mail| mail.to.as_str()).collect();
    let each = ["it@contoso.example", "night@contoso.example"];
    assert_eq!(got, [each, each].concat());
    let alert = &outbox[2];
    assert!(alert.subject.contains("Contoso"), "{}", alert.subject);
    assert!(
        alert.content.contains("secret or certificate ends on 2026-03-07"),
        "{}",
        alert.content
    );
    // Without a mail server the PBX says so, and the test tells.
    scene
        .stage
        .pbx
        .change_settings(|settings| settings.mail_server = false);
    let (_, tested) = api(&scene.stage, Method::POST, "/alerts/test", json!({})).await;
    assert_eq!(tested["channels"][0]["delivered"], false);
}

#[tokio::test]
async fn the_old_secret_signs_for_a_day_beside_its_successor() {
    let scene = Scene::with(1).await;
    let (_, renewed) = api(&scene.stage, Method::POST, "/alerts/webhook-secret", json!({})).await;
    let next = renewed["webhook_secret"].as_str().unwrap();
    for (hours, old_signs) in [(0, true), (23, true), (1, false)] {
        scene.stage.clock.advance(HOUR * hours);
        let (_, tested) = api(&scene.stage, Method::POST, "/alerts/test", json!({})).await;
        assert_eq!(tested["channels"][0]["delivered"], true);
        let [heard] = &scene.hook.heard()[..] else {
            unreachable!("one message")
        };
        assert!(heard.is_signed_with(next));
        assert_eq!(heard.is_signed_with(&scene.secret), old_signs);
        assert_eq!(heard.json()["type"], "test");
    }
    assert!(!scene.stage.table_in_plain().await.contains(next));
}

#[tokio::test]
async fn a_tick_with_nothing_due_reads_and_writes_nothing_of_alerts() {
    let scene = Scene::with(1).await;
    let store = &scene.stage.engine.store;
    let before = store.alerts(scene.stage.connection).await.unwrap().unwrap();
    for _ in 0..30 {
        scene.stage.clock.advance(MINUTE);
        let due = store.due(scene.stage.clock.now(), 10).await.unwrap();
        assert!(due.iter().all(|due| due.work != DueWork::Alerts), "{due:?}");
        scene.look().await;
    }
    let after = store.alerts(scene.stage.connection).await.unwrap().unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn one_mail_that_is_refused_keeps_no_other_back_and_nobody_gets_theirs_twice() {
    let scene = Scene::with(1).await;
    scene
        .stage
        .pbx
        .change_settings(|settings| FIRMWARE.clone_into(&mut settings.firmware));
    let body = json!({ "email": { "to": ["first@contoso.example", "second@contoso.example"] } });
    let (status, _) = api(&scene.stage, Method::PUT, "/alerts", body).await;
    assert_eq!(status, 200);
    scene.stage.pbx.fault(pbx::Fault::once(
        "system/sendemail",
        pbx::FaultKind::Errcode { code: 40_001 },
    ));
    scene
        .secret_ends(scene.stage.clock.now() + Duration::from_hours(24 * 5))
        .await;
    scene.look().await;
    let got = || -> Vec<String> {
        let outbox = scene.stage.pbx.outbox();
        outbox.into_iter().map(|mail| mail.to).collect()
    };
    assert_eq!(got(), ["second@contoso.example"]);
    scene.stage.clock.advance(MINUTE);
    scene.look().await;
    assert_eq!(got(), ["second@contoso.example", "first@contoso.example"]);
    scene.stage.clock.advance(HOUR);
    scene.look().await;
    assert_eq!(got().len(), 2);
}

#[tokio::test]
async fn a_channel_that_is_set_later_hears_what_is_still_wrong() {
    let scene = Scene::with(1).await;
    let (status, _) = api(&scene.stage, Method::PUT, "/alerts", json!({})).await;
    assert_eq!(status, 200);
    scene.fail().await;
    scene.fail().await;
    assert!(scene.told().await.is_empty());
    let body = json!({ "webhook": { "url": scene.hook.url } });
    let (status, _) = api(&scene.stage, Method::PUT, "/alerts", body).await;
    assert_eq!(status, 200);
    assert_eq!(scene.told().await, [one("sync_failing", "reminder")]);
}
