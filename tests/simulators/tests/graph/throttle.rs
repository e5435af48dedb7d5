//! Resource units: what calls cost, when they are refused and how long to wait.

use std::time::Duration;

use simulators::graph::RetryAfterForm;

use crate::support::{APP, Cloud, OTHER_TENANT, SECRET, TENANT};

#[tokio::test]
async fn calls_cost_what_the_table_says() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let group = cloud.group("Group", &[]);
    let rows = [
        ("/users".to_owned(), "2"),
        ("/users?$select=id".to_owned(), "1"),
        ("/users?$top=5".to_owned(), "1"),
        ("/users?$top=50".to_owned(), "2"),
        ("/users?$select=id&$top=5".to_owned(), "1"),
        ("/users?$expand=manager".to_owned(), "3"),
        (format!("/users/{ada}"), "2"),
        (format!("/groups/{group}/members"), "3"),
        (format!("/groups/{group}/transitiveMembers"), "5"),
        (format!("/groups/{group}/transitiveMembers?$select=id"), "4"),
        ("/groups".to_owned(), "1"),
        ("/users/delta".to_owned(), "1"),
    ];
    for (path, units) in rows {
        assert_eq!(
            cloud.get(&path).await.header("x-ms-resource-unit"),
            Some(units),
            "{path}"
        );
    }
}

/// A limit of 20 units in ten seconds.
fn tight(cloud: &Cloud) {
    cloud.behave(|behaviour| behaviour.throttle.scale = 20.0 / 3500.0);
}

#[tokio::test]
async fn the_bucket_empties_warns_refuses_and_refills() {
    let cloud = Cloud::start().await;
    tight(&cloud);
    let mut shares = Vec::new();
    for _ in 0..10 {
        let got = cloud.get("/users").await;
        assert_eq!(got.status, 200);
        shares.push(got.header("x-ms-throttle-limit-percentage").map(str::to_owned));
    }
    assert_eq!(shares[6], None);
    assert_eq!(
        shares[7..],
        [
            Some("0.80".to_owned()),
            Some("0.90".to_owned()),
            Some("1.00".to_owned())
        ]
    );
    let refused = cloud.get("/users").await;
    refused.refused(429, "TooManyRequests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let scope = format!("Tenant_Application/ReadWrite/{APP}/{TENANT}");
    assert_eq!(refused.header("x-ms-throttle-scope"), Some(scope.as_str()));
    assert_eq!(
        refused.header("x-ms-throttle-information"),
        Some("ResourceUnitLimitExceeded")
    );
    let inner = if refused.body["error"].get("innerError").is_some() {
        "innerError"
    } else {
        "innererror"
    };
    assert_eq!(refused.body["error"][inner]["code"], "429");
    cloud.graph().advance(Duration::from_secs(10));
    assert_eq!(cloud.get("/users").await.status, 200);
}

#[tokio::test]
async fn refused_calls_count_so_hammering_makes_it_worse() {
    let cloud = Cloud::start().await;
    tight(&cloud);
    for _ in 0..10 {
        cloud.get("/users").await;
    }
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(
            cloud
                .get("/users")
                .await
                .header("retry-after")
                .unwrap()
                .parse::<u32>()
                .unwrap(),
        );
    }
    assert_eq!(waits, [1, 2, 3, 4]);
    cloud.graph().advance(Duration::from_secs(5));
    assert_eq!(
        cloud.get("/users").await.status,
        200,
        "who waits as told gets through"
    );
}

#[tokio::test]
async fn the_wait_can_be_fractional_or_absent() {
    let cloud = Cloud::start().await;
    tight(&cloud);
    for _ in 0..10 {
        cloud.get("/users").await;
    }
    cloud.behave(|behaviour| behaviour.throttle.retry_after = RetryAfterForm::Fractional);
    assert_eq!(
        cloud.get("/users?$top=5").await.header("retry-after"),
        Some("0.500")
    );
    cloud.behave(|behaviour| behaviour.throttle.retry_after = RetryAfterForm::Absent);
    let got = cloud.get("/users").await;
    assert_eq!((got.status, got.header("retry-after")), (429, None));
    cloud.behave(|behaviour| behaviour.throttle.enabled = false);
    assert_eq!(cloud.get("/users").await.status, 200);
}

#[tokio::test]
async fn tenants_have_buckets_of_their_own_and_larger_ones_larger() {
    let mut cloud = Cloud::start().await;
    tight(&cloud);
    for _ in 0..11 {
        cloud.get("/users").await;
    }
    assert_eq!(cloud.get("/users").await.status, 429);
    cloud.sign_in_as(OTHER_TENANT, APP, SECRET).await;
    assert_eq!(cloud.get("/users").await.status, 200);
    cloud.sign_in().await;
    // 51 users make a tenant of the middle size: 5,000 units instead of 3,500.
    cloud.users(51);
    let share = cloud
        .get("/groups")
        .await
        .header("x-ms-throttle-limit-percentage")
        .map(str::to_owned);
    assert_eq!(share.as_deref(), Some("0.88"));
}
