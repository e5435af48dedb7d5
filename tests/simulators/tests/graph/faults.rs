//! Scripted faults as a client meets them.

use serde_json::json;
use simulators::graph::{Fault, FaultKind};

use crate::support::Cloud;

fn users(kind: FaultKind) -> Fault {
    Fault::new("/v1.0/users*", kind).times(1)
}

#[tokio::test]
async fn errors_of_any_status_skip_and_count() {
    let cloud = Cloud::start().await;
    let kind = FaultKind::Http {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
    };
    cloud
        .graph()
        .add_fault(Fault::new("/v1.0/users*", kind).skip(1).times(2));
    let statuses = [
        cloud.get("/users").await.status,
        cloud.get("/groups").await.status,
    ];
    assert_eq!(statuses, [200, 200]);
    cloud.get("/users").await.refused(503, "ServiceUnavailable");
    cloud
        .get("/users?$top=5")
        .await
        .refused(503, "ServiceUnavailable");
    assert_eq!(cloud.get("/users").await.status, 200);
    assert!(cloud.graph().faults().is_empty());
}

#[tokio::test]
async fn a_dropped_connection_is_no_answer_at_all() {
    let cloud = Cloud::start().await;
    cloud.graph().add_fault(users(FaultKind::Drop));
    let error = cloud
        .request(http::Method::GET, "/users")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(cloud.get("/users").await.status, 200);
    assert_eq!(cloud.graph().request_counts()["GET /v1.0/users"], 2);
}

#[tokio::test]
async fn a_cut_body_breaks_off_after_a_good_start() {
    let cloud = Cloud::start().await;
    cloud.users(20);
    cloud.graph().add_fault(users(FaultKind::Truncate));
    let response = cloud.request(http::Method::GET, "/users").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be() {
    let cloud = Cloud::start().await;
    cloud.graph().add_fault(users(FaultKind::Html502));
    let got = cloud.get("/users").await;
    assert_eq!((got.status, got.header("content-type")), (502, Some("text/html")));
    assert!(got.text.starts_with("<html>"));
    cloud.graph().add_fault(users(FaultKind::Empty503));
    let got = cloud.get("/users").await;
    assert_eq!((got.status, got.text.as_str()), (503, ""));
    cloud.graph().add_fault(users(FaultKind::BadJson));
    let got = cloud.get("/users").await;
    assert_eq!((got.status, &got.body), (200, &json!(null)));
    cloud.graph().add_fault(users(FaultKind::Throttle {
        retry_after: Some("2.128".to_owned()),
    }));
    let got = cloud.get("/users").await;
    assert_eq!((got.status, got.header("retry-after")), (429, Some("2.128")));
    cloud.graph().add_fault(users(FaultKind::Delay { ms: 1 }));
    assert_eq!(cloud.get("/users").await.status, 200);
}

#[tokio::test]
async fn links_can_point_to_a_strange_host() {
    let cloud = Cloud::start().await;
    cloud.users(2);
    cloud.graph().add_fault(users(FaultKind::NextlinkOtherHost));
    assert!(
        cloud
            .get("/users?$top=1")
            .await
            .next()
            .starts_with("https://graph.attacker.example/")
    );
    cloud.graph().add_fault(users(FaultKind::NextlinkOtherHost));
    let got = cloud.get("/users/delta").await;
    assert!(
        got.body["@odata.deltaLink"]
            .as_str()
            .unwrap()
            .starts_with("https://graph.attacker.example/")
    );
}
