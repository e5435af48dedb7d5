//! Recorded events of API Gateway, through the conversion that runs on Lambda, over a real table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::harness::World;

/// What each event comes to: the status, what the counts say, what waits in the table, what the watch was asked for; the body
/// of a handshake.
const EXPECTED: &[(&str, &str)] = &[
    ("body-base64", "202 accepted 1, waiting 1"),
    ("body-empty", "400"),
    ("body-of-another-shape", "400"),
    ("body-packed", "415"),
    ("body-truncated", "400"),
    ("body-with-duplicate-keys", "400"),
    ("body-with-nan", "400"),
    ("body-without-items", "202"),
    ("client-state-forged", "202 forged 1"),
    ("client-state-list", "202 forged 1"),
    ("client-state-missing", "202 forged 1"),
    ("client-state-null", "202 forged 1"),
    ("client-state-number", "202 forged 1"),
    ("client-state-of-the-other-kind", "202 unreadable 1"),
    ("connection-unknown", "202 foreign 1"),
    ("content-type-missing", "400"),
    ("content-type-wrong", "400"),
    ("duplicates-in-one-batch", "202 accepted 4, waiting 1"),
    ("group-members-changed", "202 accepted 1, waiting 1"),
    ("group-of-no-concern-changed", "202 accepted 1, due"),
    ("handshake-by-get", "405"),
    (
        "handshake-of-lifecycle",
        "200 Validation: Testing client application reachability for subscription Request-Id: 7f3c2b1a-0000-4000-8000-000000000009",
    ),
    (
        "handshake-of-notifications",
        "200 Validation: Testing client application reachability for subscription Request-Id: 7f3c2b1a-0000-4000-8000-000000000009",
    ),
    ("handshake-too-long", "400"),
    ("handshake-with-invalid-utf8", "400"),
    ("handshake-with-line-break", "400"),
    ("handshake-with-markup", "200 <script>alert(1)</script>"),
    ("handshake-with-two-tokens", "400"),
    ("handshake-without-token", "400"),
    ("id-of-another-object", "202 unreadable 1"),
    ("item-without-resource", "202 unreadable 1"),
    ("item-without-resource-data", "202 accepted 1, waiting 1"),
    ("items-of-other-types", "202 accepted 1, forged 4, waiting 1"),
    (
        "lifecycle-event-at-the-other-address",
        "202 accepted 1, due, to be renewed",
    ),
    ("lifecycle-event-unknown", "202 unknown 1"),
    ("missed", "202 accepted 1, due"),
    ("notifications-by-get", "405"),
    ("path-tricks", "202 unreadable 8"),
    ("reauthorization-required", "202 accepted 1, due, to be renewed"),
    (
        "several-subscriptions-in-one-batch",
        "202 accepted 3, foreign 1, waiting 3",
    ),
    ("spelled-otherwise", "202 accepted 2, waiting 2"),
    ("subscription-removed", "202 accepted 1, due, subscription lost"),
    ("subscription-removed-without-client-state", "202 forged 1"),
    ("subscription-unknown", "202 foreign 1"),
    ("tenant-foreign", "202 foreign 1"),
    ("unknown-fields", "202 accepted 1, waiting 1"),
    ("unknown-path-probed", "404"),
    ("user-created", "202 accepted 1, waiting 1"),
    ("user-deleted", "202 accepted 1, waiting 1"),
    ("user-updated", "202 accepted 1, waiting 1"),
    ("user-updated-at-the-other-address", "202 accepted 1, waiting 1"),
    ("user-without-extension-deleted", "202 accepted 1"),
    ("user-without-extension-updated", "202 accepted 1, due"),
];

fn events() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/graph-notifications");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

async fn outcome(world: &World, event: &str) -> String {
    let payload: LambdaRequest = serde_json::from_str(event).unwrap();
    let event = LambdaEvent::new(payload, Context::default());
    let answer = Adapter::from(world.router.clone()).oneshot(event).await.unwrap();
    let answer: Value = serde_json::to_value(answer).unwrap();
    let status = answer["statusCode"].as_u64().unwrap();
    if status == 200 {
        assert_eq!(answer["headers"]["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer["headers"]["x-content-type-options"], "nosniff");
        return format!("200 {}", answer["body"].as_str().unwrap());
    }
    format!("{status}{}", traces(world).await)
}

/// What a request left behind.
async fn traces(world: &World) -> String {
    let (tally, pending, watch) = (world.tally(), world.pending().await, world.watch().await);
    let counts = [
        ("accepted", tally.accepted),
        ("forged", tally.forged),
        ("unreadable", tally.unreadable),
        ("unknown", tally.unknown),
        ("foreign", tally.foreign),
        ("waiting", pending.count()),
        ("hints", world.hints() as u64),
    ];
    let asked = watch.subscriptions.values().any(|known| known.asked_at.is_some());
    let signs = [
        ("due", watch.due_at.is_some()),
        ("to be renewed", asked),
        ("subscription lost", watch.subscriptions.len() < 2),
        ("others", pending.waiting.others),
    ];
    let mut text = String::new();
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        write!(text, ", {name} {count}").unwrap();
    }
    for (name, _) in signs.into_iter().filter(|(_, holds)| *holds) {
        write!(text, ", {name}").unwrap();
    }
    text.replacen(", ", " ", 1)
}

// case: 1, 2, 3, 6, 7, 8, 11, 13
#[tokio::test]
async fn every_recorded_event_comes_to_what_is_expected() {
    let events = events();
    let names: Vec<&str> = events.keys().map(String::as_str).collect();
    let expected: BTreeMap<_, _> = EXPECTED.iter().copied().collect();
    assert_eq!(names, expected.keys().copied().collect::<Vec<_>>());
    for (name, event) in &events {
        let world = World::new().await;
        assert_eq!(outcome(&world, event).await, expected[name.as_str()], "{name}");
    }
}

/// Graph repeats what it is not sure of.
#[tokio::test]
async fn an_event_that_comes_again_leaves_nothing_more_behind() {
    for (name, event) in &events() {
        let world = World::new().await;
        outcome(&world, event).await;
        let (pending, watch) = (world.pending().await, world.watch().await);
        let once = outcome(&world, event).await;
        assert!(!once.starts_with('5'), "{name}: {once}");
        assert_eq!(
            (world.pending().await, world.watch().await),
            (pending, watch),
            "{name}"
        );
    }
}
