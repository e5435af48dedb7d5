//! Whatever is sent: no panic, no 5xx while the sink works, and nothing taken that no right word came with.

use axum::body::Body;
use http::{Request, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use shared::domain::subscription::SubscriptionKind;
use tokio::runtime::Runtime;

use crate::harness::{Mood, Watched, send};
use crate::items::{batch, key, user, user_id, word};

const NAMES: [&str; 9] = [
    "value",
    "clientState",
    "subscriptionId",
    "tenantId",
    "changeType",
    "resource",
    "resourceData",
    "id",
    "lifecycleEvent",
];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Any JSON, with names and texts that mean something here among the others.
fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        Just(word(SubscriptionKind::Users)),
        Just(word(SubscriptionKind::Groups)),
        Just(user_id(1).to_string()),
        Just(format!("Users/{}", user_id(1))),
        Just("reauthorizationRequired".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        any::<String>()
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let member = (name.clone(), inner.clone());
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::Array),
            vec(member, 0..6).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// A right item with some members made wrong.
fn nearly_right() -> impl Strategy<Value = Value> {
    vec((prop::sample::select(&NAMES[1..]), json()), 0..3).prop_map(|changes| {
        let mut item = user(1);
        for (name, value) in changes {
            item[name] = value;
        }
        item
    })
}

fn has_a_right_word(item: &Value) -> bool {
    item["clientState"]
        .as_str()
        .is_some_and(|text| key().verify(text).is_some())
}

fn served(answer: StatusCode) -> bool {
    matches!(answer.as_u16(), 200 | 202 | 400 | 404 | 405 | 413 | 415)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_answered(body in vec(any::<u8>(), 0..2_048)) {
        let watched = Watched::new(Mood::Works);
        let answer = runtime().block_on(watched.post(body));
        prop_assert!(served(answer.status));
        prop_assert_eq!(watched.calls(), 0);
    }

    #[test]
    fn any_json_is_answered_and_only_a_right_word_is_listened_to(items in vec(prop_oneof![json(), nearly_right()], 0..12)) {
        let watched = Watched::new(Mood::Works);
        let answer = runtime().block_on(watched.post(batch(&items)));
        prop_assert_eq!(answer.status, StatusCode::ACCEPTED);
        let right = items.iter().filter(|item| has_a_right_word(item)).count();
        prop_assert!(watched.taken() <= right);
        let tally = watched.tally();
        prop_assert_eq!(tally.forged, (items.len() - right) as u64);
        prop_assert_eq!(tally.accepted + tally.unreadable + tally.unknown, right as u64);
    }

    #[test]
    fn a_body_cut_anywhere_is_refused(items in vec(nearly_right(), 1..4), share in 0.0..1.0_f64) {
        let watched = Watched::new(Mood::Works);
        let whole = batch(&items).into_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a few thousand bytes")]
        let cut = (whole.len() as f64 * share) as usize;
        let answer = runtime().block_on(watched.post(whole[..cut].to_vec()));
        prop_assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        prop_assert_eq!(watched.calls(), 0);
    }

    #[test]
    fn any_query_is_answered_and_comes_back_as_text_or_not_at_all(query in "[!-\"$-;=?-~]{0,64}", token in ".{0,64}") {
        let watched = Watched::new(Mood::Works);
        let escaped: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        for query in [query, format!("validationToken={escaped}")] {
            let Ok(request) = Request::post(format!("/graph/notifications?{query}")).body(Body::empty()) else {
                continue;
            };
            let answer = runtime().block_on(send(&watched.router, request));
            prop_assert!(served(answer.status));
            if answer.status == StatusCode::OK && query.starts_with("validationToken=") {
                prop_assert_eq!(&answer.headers["content-type"], "text/plain; charset=utf-8");
            }
        }
        prop_assert_eq!(watched.calls(), 0);
    }
}
