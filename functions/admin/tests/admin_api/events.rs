//! Recorded events of API Gateway and of function URLs, through the conversion that runs on Lambda.

use std::collections::BTreeMap;
use std::path::Path;

use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::harness::World;

/// Status, and what the body holds.
fn expectations() -> BTreeMap<&'static str, (u16, &'static str)> {
    BTreeMap::from([
        ("health-asked", (200, "{\"status\":\"ok\"}")),
        ("health-asked-by-function-url", (200, "{\"status\":\"ok\"}")),
        ("connections-listed", (200, "\"name\":\"Office\"")),
        ("connection-read-without-token", (401, "/problems/unauthorized")),
        (
            "connection-created-with-wrong-fields",
            (422, "/problems/validation"),
        ),
        ("settings-saved-by-function-url", (200, "\"delete_grace_days\":7")),
        (
            "settings-saved-without-precondition",
            (428, "/problems/precondition-required"),
        ),
        ("sync-run-requested", (202, "{\"id\":\"")),
        ("connection-deleted-by-get", (405, "/problems/method-not-allowed")),
        ("unknown-path-probed", (404, "/problems/not-found")),
        (
            "console-opened-without-session",
            (302, "/console/sign-in?return_to=/console"),
        ),
        (
            "console-opened-by-function-url",
            (302, "/console/sign-in?return_to=/console"),
        ),
        ("console-sign-in-asked", (200, "API token")),
        ("console-sign-in-with-wrong-token", (403, "not known")),
        ("console-sign-in-from-another-site", (403, "")),
        ("console-callback-without-cookie", (400, "start again")),
        ("connect-link-unknown", (400, "used before")),
        ("connect-callback-by-function-url", (400, "start again")),
        ("connect-callback-of-a-refusal", (400, "start again")),
        ("connection-authorized", (200, "/connect/start?attempt=")),
        ("certificate-activated-without-one", (404, "no certificate waits")),
    ])
}

fn events() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/admin");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_recorded_event_is_answered_as_expected() {
    let expected = expectations();
    let events = events();
    let names: Vec<&str> = events.keys().map(String::as_str).collect();
    assert_eq!(names, expected.keys().copied().collect::<Vec<_>>());
    for (name, text) in &events {
        let (status, part) = expected[name.as_str()];
        let world = World::connected().await;
        let payload: LambdaRequest = serde_json::from_str(text).unwrap();
        let event = LambdaEvent::new(payload, Context::default());
        let answer = Adapter::from(world.router.clone()).oneshot(event).await.unwrap();
        let answer: Value = serde_json::to_value(answer).unwrap();
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
        let told = format!("{} {}", answer["body"], answer["headers"]["location"]);
        let told = told.replace("\\\"", "\"");
        assert!(told.contains(part), "{name}: {answer}");
        assert!(!told.contains("evil.example"), "{name}: {answer}");
        assert_eq!(answer["headers"]["cache-control"], "no-store", "{name}");
    }
}
