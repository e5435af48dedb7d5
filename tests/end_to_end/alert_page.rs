//! The page of alerts as requests: what its form saves, what is shown once, what a test says.

use http::StatusCode;
use shared::domain::role::Role;

use crate::hook::Hook;
use crate::pages::{at, signed_in, with_role, word};
use crate::stage::{ADMIN_TOKEN, Stage, person};

#[tokio::test]
async fn an_admin_says_who_is_told_and_tries_it() {
    let stage = Stage::with(&[person("Ann Archer")], Vec::new()).await;
    let hook = Hook::start().await;
    let mut browser = signed_in(&stage, ADMIN_TOKEN).await;
    let page = browser.open(&at(&stage, "/alerts")).await;
    let (csrf, version) = (word(&page, "csrf"), word(&page, "version"));
    page.says(200, "Nothing that anybody would be told of");
    let form = |url: &'static str| {
        [
            ("csrf", csrf.clone()),
            ("version", version.clone()),
            ("/webhook/url", url.to_owned()),
            ("/email/to", "it@contoso.example\r\n".to_owned()),
            ("/failed_runs", "3".to_owned()),
            ("/language", "zh-CN".to_owned()),
        ]
    };
    let refused = form("http://alerts.example.com/\"><script>");
    let refused: Vec<(&str, &str)> = refused.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = browser.post(&at(&stage, "/alerts"), &refused).await;
    answer.says(422, "id=\"webhook-url-error\"");
    assert!(!answer.text.contains("\"><script>") && answer.text.contains("value=\"3\""));

    let mut right = form("");
    right[2].1.clone_from(&hook.url);
    let right: Vec<(&str, &str)> = right.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let saved = browser.post(&at(&stage, "/alerts"), &right).await;
    saved.says(200, "whsec_");
    let page = browser.open(&at(&stage, "/alerts")).await;
    page.says(200, &hook.url);
    assert!(!page.text.contains("whsec_"), "the secret is shown once");
    let settings = stage.engine.store.alert_settings(stage.connection).await.unwrap();
    assert_eq!(settings.value.failed_runs, 3);
    // Somebody who still has the page of before is told that it is old.
    let mut other = right.clone();
    other[4].1 = "5";
    let too_late = browser.post(&at(&stage, "/alerts"), &other).await;
    too_late.says(412, "saved since you read them");

    hook.answers(StatusCode::GONE);
    let only_csrf = [("csrf", csrf.as_str())];
    let tested = browser.post(&at(&stage, "/alerts/test"), &only_csrf).await;
    tested.says(200, "HTTP status 410");
    assert!(
        tested.text.contains("firmware cannot send mail"),
        "{}",
        tested.text
    );
    hook.answers(StatusCode::OK);
    let tested = browser.post(&at(&stage, "/alerts/test"), &only_csrf).await;
    tested.says(200, "Taken");
    let renewed = browser.post(&at(&stage, "/alerts/secret"), &only_csrf).await;
    renewed.says(200, "whsec_");
    assert_eq!(hook.heard().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_shown_in_the_visitors_language_and_in_the_history() {
    let stage = Stage::with(&[person("Ann Archer")], Vec::new()).await;
    let store = &stage.engine.store;
    let ends = "2026-03-05T09:00:00Z".parse().unwrap();
    store
        .change_connection(stage.connection, |connection| {
            connection.secret_expires_at = Some(ends);
        })
        .await
        .unwrap();
    let now = stage.clock.now();
    store.alerts_soon(stage.connection, now).await.unwrap();
    let outlets = crate::stage::outlets();
    shared::alerts::attend(&stage.engine, &outlets, stage.connection)
        .await
        .unwrap();
    let mut browser = with_role(&stage, Role::Viewer).await;
    browser
        .open(&at(&stage, "/alerts"))
        .await
        .says(200, "secret or certificate ends on 2026-03-05");
    browser
        .open(&at(&stage, "/alerts?lang=zh-CN"))
        .await
        .says(200, "将于 2026-03-05 到期");
    let history = browser.open(&at(&stage, "/history")).await;
    history.says(200, "应用的客户端密码或证书到期");
    assert!(!history.text.contains("/runs/0"), "an alert belongs to no run");
}
