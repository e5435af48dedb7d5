//! What is not served, or served without being listened to.

use axum::body::Body;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use shared::domain::subscription::SubscriptionKind;

use crate::harness::{Answer, Mood, Watched, World, posted, send};
use crate::items::{batch, bent, connection, lifecycle, subscription, tenant, user, user_id, without, word};

const ADDRESSES: [&str; 2] = ["/graph/notifications", "/graph/lifecycle"];

fn handshake(path: &str, query: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(format!("{path}?{query}"))
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(body.into())
        .unwrap()
}

/// Whatever is answered, nobody keeps it, and no page frames it.
#[track_caller]
fn is_kept_to_itself(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(
            answer.headers.get(name).map(|sent| sent.to_str().unwrap()),
            Some(value),
            "{name}"
        );
    }
}

fn names_of_headers(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

// case: 1
#[tokio::test]
async fn a_token_comes_back_as_text_whatever_it_holds_and_changes_nothing() {
    let watched = Watched::new(Mood::Works);
    for path in ADDRESSES {
        for (query, token) in [
            ("validationToken=a+b%3ac%2B%E2%9C%93", "a b:c+✓"),
            (
                "t=42&validationToken=%3Cscript%3Ealert(1)%3C/script%3E",
                "<script>alert(1)</script>",
            ),
        ] {
            // A body that has no end a parser would like: it is not looked at.
            let answer = send(&watched.router, handshake(path, query, batch(&[user(1)]) + "{")).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, token));
            assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        }
    }
    assert_eq!((watched.calls(), watched.tally()), (0, <_>::default()));
}

// case: 2
#[tokio::test]
async fn a_token_that_is_none_is_refused_and_never_repeated() {
    let watched = Watched::new(Mood::Works);
    let long = format!("validationToken={}", "canary".repeat(8_192 / 6));
    for query in [
        long.as_str(),
        "validationToken=",
        "validationToken",
        "validationToken=canary&validationToken=canary",
        "validationToken=canary%0d%0aset-cookie%3a+canary%3d1",
        "validationToken=canary%0A",
        "validationToken=canary%00",
        "validationToken=canary%1b%5b31m",
        "validationToken=canary%c2%85",
        "validationToken=canary%ff%fe",
    ] {
        let answer = send(&watched.router, handshake(ADDRESSES[0], query, "")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(!format!("{answer:?}").contains("canary"), "{query}");
        let usual = [
            "cache-control",
            "content-length",
            "content-security-policy",
            "content-type",
            "x-content-type-options",
        ];
        assert!(
            names_of_headers(&answer).iter().all(|name| usual.contains(name)),
            "{query}"
        );
    }
    // As long as it may be.
    let longest = format!("validationToken={}", "a".repeat(4_096));
    let answer = send(&watched.router, handshake(ADDRESSES[0], &longest, "")).await;
    assert_eq!(answer.body.len(), 4_096);
    // Without one it is a batch, and an empty body is none.
    let answer = send(&watched.router, posted(ADDRESSES[0], "")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

// case: 53
#[tokio::test]
async fn every_answer_is_kept_to_itself() {
    for mood in [Mood::Works, Mood::Fails, Mood::Panics] {
        let watched = Watched::new(mood);
        is_kept_to_itself(&send(&watched.router, posted(ADDRESSES[0], batch(&[user(1)]))).await);
    }
    let watched = Watched::new(Mood::Works);
    is_kept_to_itself(&send(&watched.router, handshake(ADDRESSES[0], "validationToken=a", "")).await);
    is_kept_to_itself(&send(&watched.router, posted(ADDRESSES[0], "{")).await);
}

// case: 3, 53
#[tokio::test]
async fn only_posts_are_answered() {
    let watched = Watched::new(Mood::Works);
    for path in ADDRESSES {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let request = Request::builder()
                .method(&method)
                .uri(format!("{path}?validationToken=canary"))
                .body(Body::from(batch(&[user(1)])))
                .unwrap();
            let answer = send(&watched.router, request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers[ALLOW], "POST");
            is_kept_to_itself(&answer);
            assert!(!answer.body.contains("canary"));
        }
    }
    for path in [
        "/",
        "/graph",
        "/graph/notifications/",
        "/graph/notifications/x",
        "/Graph/Notifications",
    ] {
        let answer = send(&watched.router, posted(path, batch(&[user(1)]))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        is_kept_to_itself(&answer);
    }
    assert_eq!(watched.calls(), 0);
}

/// The word with one of its characters exchanged.
fn forged_at(place: usize) -> String {
    let mut bytes = word(SubscriptionKind::Users).into_bytes();
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

// case: 4, 5
#[tokio::test]
async fn a_forged_word_is_answered_like_a_right_one_and_nobody_is_asked() {
    let watched = Watched::new(Mood::Works);
    let right = watched.post(batch(&[user(1)])).await;
    let last = word(SubscriptionKind::Users).len() - 1;
    for place in 0..=last {
        let forged = bent(user(1), "clientState", forged_at(place));
        assert_eq!(watched.post(batch(&[forged])).await, right);
    }
    assert_eq!(right.status, StatusCode::ACCEPTED);
    assert_eq!((watched.calls(), watched.tally().forged), (1, last as u64 + 1));
}

// case: 5
#[test]
fn proofs_are_compared_by_the_constant_time_function_alone() {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../",
        "shared/src/domain/client_state.rs"
    );
    let source = std::fs::read_to_string(source).unwrap();
    let (code, _) = source.split_once("#[cfg(test)]").unwrap();
    assert_eq!(code.matches("verify_slice(proof)").count(), 1);
    for line in code
        .lines()
        .filter(|line| line.contains("==") || line.contains("!="))
    {
        // Neither is part of the proof: how long the text is, and what was proven already.
        let harmless = line.contains("text.len() != ") || line.contains("*version == VERSION");
        assert!(harmless, "{line}");
    }
    for file in ["handler.rs", "verify.rs", "payload.rs"] {
        let path = format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(path).unwrap();
        let compares = |line: &&str| line.contains("word") && line.contains("==");
        assert_eq!(source.lines().find(compares), None, "{file}");
    }
}

// case: 6
#[tokio::test]
async fn a_word_that_is_no_text_is_as_good_as_a_forged_one() {
    let watched = Watched::new(Mood::Works);
    let right = word(SubscriptionKind::Users);
    let words: [Value; 9] = [
        Value::Null,
        json!(7),
        json!(-1.5),
        json!(true),
        json!([right]),
        json!({ "clientState": right }),
        json!(""),
        json!(right.repeat(1_000)),
        json!("\u{1f600}".repeat(22)),
    ];
    let mut items: Vec<Value> = words
        .into_iter()
        .map(|bad| bent(user(1), "clientState", bad))
        .collect();
    items.push(without(user(1), "clientState"));
    assert_eq!(watched.post(batch(&items)).await.status, StatusCode::ACCEPTED);
    assert_eq!((watched.calls(), watched.tally().forged), (0, 10));
}

// case: 7, 8
#[tokio::test]
async fn a_right_word_from_another_subscription_or_tenant_is_not_listened_to() {
    let world = World::new().await;
    let before = world.watch().await;
    let other = "c0ffee00-0000-4000-8000-00000000dead";
    let strange = [
        bent(user(1), "subscriptionId", other),
        bent(
            user(1),
            "subscriptionId",
            subscription(SubscriptionKind::Groups).to_string(),
        ),
        bent(user(1), "tenantId", other),
        bent(lifecycle("subscriptionRemoved"), "tenantId", other),
        bent(lifecycle("subscriptionRemoved"), "subscriptionId", other),
    ];
    assert_eq!(world.post(batch(&strange)).await, StatusCode::ACCEPTED);
    assert_eq!((world.tally().foreign, world.tally().accepted), (5, 0));
    assert_eq!((world.pending().await.count(), world.watch().await), (0, before));
}

// case: 9
#[tokio::test]
async fn one_bad_item_of_a_hundred_loses_no_other() {
    let bad = [
        bent(user(1), "clientState", forged_at(40)),
        bent(user(1), "tenantId", "not a tenant"),
        bent(user(1), "subscriptionId", Value::Null),
        bent(user(1), "resource", "Users/me"),
        bent(user(1), "resourceData", json!({ "id": user_id(2) })),
        Value::Null,
        json!(["text"]),
    ];
    for bad in bad {
        let watched = Watched::new(Mood::Works);
        let mut items: Vec<Value> = (1..100).map(user).collect();
        items.insert(50, bad);
        assert_eq!(watched.post(batch(&items)).await.status, StatusCode::ACCEPTED);
        let tally = watched.tally();
        assert_eq!((watched.calls(), watched.taken(), tally.accepted), (1, 99, 99));
        assert_eq!(tally.forged + tally.unreadable, 1);
    }
}

// case: 12
#[tokio::test]
async fn what_is_far_too_much_is_refused_before_anybody_is_asked() {
    let watched = Watched::new(Mood::Works);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let item = |text: &str| format!(r#"{{"value":[{text}]}}"#);
    let large = user(1).to_string();
    for body in [
        item(&vec![large.as_str(); 6 * 1024 * 1024 / large.len()].join(",")),
        item(&vec!["{}"; 1_000_000].join(",")),
        item(&vec!["0"; 400_000].join(",")),
        item(&nested(10_000)),
        item(&format!(r#"{{"unknown":{}}}"#, nested(10_000))),
        format!(r#"{{"unknown":{},"value":[]}}"#, nested(10_000)),
        "[".repeat(1_000_000),
        r#"{"a":"#.repeat(100_000),
        item(&format!(r#""{}"#, "a".repeat(6 * 1024 * 1024))),
    ] {
        let length = body.len();
        let answer = watched.post(body).await;
        assert!(answer.status.is_client_error(), "{length}: {}", answer.status);
        assert_eq!(answer.headers[CONTENT_TYPE], "application/problem+json");
    }
    let mut packed = posted(ADDRESSES[0], vec![0x1f, 0x8b, 8, 0]);
    packed
        .headers_mut()
        .insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let answer = send(&watched.router, packed).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(watched.calls(), 0);
}

// case: 13
#[tokio::test]
async fn a_body_that_is_not_the_documented_one_is_refused_without_being_repeated() {
    let watched = Watched::new(Mood::Works);
    let whole = batch(&[bent(user(1), "resource", "canary")]);
    let cut = whole.split_at(whole.len() - 9).0.to_owned();
    let twice = whole.replace(r#""resource":"#, r#""resource":"canary","resource":"#);
    let nan = whole.replace(r#""canary""#, "NaN");
    for body in [
        String::new(),
        cut,
        twice,
        nan,
        format!("[{whole}]"),
        "canary".to_owned(),
        "\u{feff}{}".to_owned(),
    ] {
        let answer = watched.post(body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(!answer.body.contains("canary"));
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&json!("/problems/malformed"), &json!(400))
        );
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let mut request = posted(ADDRESSES[0], batch(&[user(1)]));
        request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        assert_eq!(
            send(&watched.router, request).await.status,
            StatusCode::BAD_REQUEST,
            "{kind}"
        );
    }
    assert_eq!((watched.calls(), watched.tally()), (0, <_>::default()));
}

// case: 16
#[tokio::test]
async fn a_forged_end_of_a_subscription_is_ignored() {
    let world = World::new().await;
    let before = world.watch().await;
    let forged = [
        without(lifecycle("subscriptionRemoved"), "clientState"),
        bent(lifecycle("subscriptionRemoved"), "clientState", forged_at(0)),
    ];
    assert_eq!(world.post(batch(&forged)).await, StatusCode::ACCEPTED);
    assert_eq!((world.tally().forged, world.watch().await), (2, before));
    // What is proven is believed, once.
    let proven = lifecycle("subscriptionRemoved");
    assert_eq!(proven["tenantId"], tenant().to_string());
    assert_eq!(world.post(batch(&[proven])).await, StatusCode::ACCEPTED);
    let watch = world
        .table
        .store
        .watch(connection())
        .await
        .unwrap()
        .unwrap()
        .value;
    assert!(!watch.subscriptions.contains_key(&SubscriptionKind::Users) && watch.due_at.is_some());
}
