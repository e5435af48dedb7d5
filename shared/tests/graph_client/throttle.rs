//! Refusals for our pace: waited for within limits, never beyond patience.

use std::time::Duration;

use shared::ports::DirectoryError;
use simulators::graph::FaultKind;

use crate::support::{Cloud, all, printed};

async fn waited(retry_after: Option<&str>) -> i64 {
    let cloud = Cloud::start().await;
    cloud.fault(
        "/v1.0/users*",
        0,
        1,
        FaultKind::Throttle {
            retry_after: retry_after.map(str::to_owned),
        },
    );
    all(&cloud.client()).await.unwrap();
    assert_eq!(cloud.calls("/v1.0/users"), 2, "{retry_after:?}");
    cloud.seconds()
}

// case: 61
#[tokio::test]
async fn advice_is_followed_within_limits() {
    assert!((10..=11).contains(&waited(Some("10")).await));
    assert!((3..=4).contains(&waited(Some("2.128")).await));
    for absurd in [Some("0"), Some("-7"), Some("Thu, 01 Jan 1970 00:00:00 GMT"), None] {
        assert!((0..=2).contains(&waited(absurd).await), "{absurd:?}");
    }
}

// case: 61
#[tokio::test]
async fn a_wait_beyond_patience_is_an_error_that_says_how_long() {
    let cloud = Cloud::start().await;
    cloud.fault(
        "/v1.0/users*",
        0,
        1,
        FaultKind::Throttle {
            retry_after: Some("86400".to_owned()),
        },
    );
    let error = all(&cloud.client()).await.unwrap_err();
    printed(&error);
    let DirectoryError::Unavailable {
        retry_after: Some(wait),
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert!(
        (Duration::from_mins(15)..=Duration::from_mins(17)).contains(&wait),
        "{wait:?}"
    );
    assert_eq!(cloud.calls("/v1.0/users"), 1);
    assert!(cloud.seconds() < 2);
}

#[tokio::test]
async fn endless_throttling_ends_within_the_budget() {
    let cloud = Cloud::start().await;
    cloud.fault(
        "/v1.0/users*",
        0,
        10_000,
        FaultKind::Throttle {
            retry_after: Some("1".to_owned()),
        },
    );
    let error = all(&cloud.client()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable { .. }));
    assert!(cloud.seconds() <= 120);
    assert!(cloud.calls("/v1.0/users") < 15);
}

#[tokio::test]
async fn a_refusal_holds_back_every_request_of_the_client() {
    let cloud = Cloud::start().await;
    let client = cloud.client();
    cloud.fault(
        "/v1.0/users*",
        0,
        1,
        FaultKind::Throttle {
            retry_after: Some("30".to_owned()),
        },
    );
    let (a, b) = tokio::join!(all(&client), all(&client));
    assert!(a.is_ok() && b.is_ok());
    assert!((30..=34).contains(&cloud.seconds()), "{}", cloud.seconds());
}

#[tokio::test]
async fn a_real_bucket_is_lived_with() {
    let cloud = Cloud::start().await;
    cloud.users(300);
    cloud.behave(|behaviour| behaviour.throttle.scale = 0.001);
    let client = cloud.client();
    for _ in 0..12 {
        assert_eq!(all(&client).await.unwrap().len(), 300);
    }
}
