//! Batches: the limits of the envelope and the life of each request inside.

use serde_json::{Value, json};
use simulators::graph::{Fault, FaultKind};

use crate::support::{Cloud, Got};

fn gets(urls: &[&str]) -> Value {
    let requests: Vec<Value> = urls
        .iter()
        .enumerate()
        .map(|(number, url)| json!({ "id": number.to_string(), "method": "GET", "url": url }))
        .collect();
    json!({ "requests": requests })
}

fn response<'a>(got: &'a Got, id: &str) -> &'a Value {
    got.body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == id)
        .unwrap()
}

#[tokio::test]
async fn the_outer_answer_is_200_whatever_happens_inside() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let got = cloud
        .post(
            "/$batch",
            &gets(&[&format!("/users/{ada}"), "/users/nobody", "nonsense"]),
        )
        .await;
    assert_eq!(got.status, 200);
    assert_eq!(response(&got, "0")["body"]["displayName"], "Ada");
    assert_eq!(response(&got, "0")["headers"]["Content-Type"], "application/json");
    assert_eq!(response(&got, "1")["status"], 404);
    assert_eq!(response(&got, "2")["status"], 400);
}

#[tokio::test]
async fn answers_come_in_any_order() {
    let cloud = Cloud::start().await;
    let urls = vec!["/organization"; 20];
    let got = cloud.post("/$batch", &gets(&urls)).await;
    let order: Vec<_> = got.body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(order.len(), 20);
    assert_ne!(
        order,
        (0..20)
            .map(|number| json!(number.to_string()))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_unreadable_batch_is_refused_as_a_whole() {
    let cloud = Cloud::start().await;
    let one = json!({ "id": "1", "method": "GET", "url": "/users" });
    let rows = [
        gets(&["/users"; 21]),
        json!({ "requests": [] }),
        json!({}),
        json!({ "requests": [one, one] }),
        json!({ "requests": [{ "method": "GET", "url": "/users" }] }),
        json!({ "requests": [one, { "id": "2", "method": "GET", "url": "/users", "dependsOn": ["9"] }] }),
    ];
    for body in rows {
        cloud.post("/$batch", &body).await.refused(400, "BadRequest");
    }
}

#[tokio::test]
async fn inner_requests_are_relative_flat_and_typed() {
    let cloud = Cloud::start().await;
    let body = json!({ "requests": [
        { "id": "0", "method": "POST", "url": "/$batch", "headers": { "Content-Type": "application/json" },
          "body": gets(&["/users"]) },
        { "id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users" },
        { "id": "2", "method": "POST", "url": "/directoryObjects/getByIds", "body": { "ids": [] } },
    ] });
    let got = cloud.post("/$batch", &body).await;
    for id in ["0", "1", "2"] {
        assert_eq!(response(&got, id)["status"], 400, "{}", got.text);
    }
}

#[tokio::test]
async fn a_failed_request_fails_those_behind_it_in_the_chain() {
    let cloud = Cloud::start().await;
    let body = json!({ "requests": [
        { "id": "1", "method": "GET", "url": "/organization" },
        { "id": "2", "method": "GET", "url": "/users/nobody", "dependsOn": ["1"] },
        { "id": "3", "method": "GET", "url": "/users", "dependsOn": ["2"] },
    ] });
    let got = cloud.post("/$batch", &body).await;
    let statuses: Vec<_> = ["1", "2", "3"]
        .map(|id| response(&got, id)["status"].clone())
        .into();
    assert_eq!(statuses, [200, 404, 424]);
}

#[tokio::test]
async fn throttling_and_faults_hit_single_requests() {
    let cloud = Cloud::start().await;
    let fault = FaultKind::Throttle {
        retry_after: Some("7".to_owned()),
    };
    cloud
        .graph()
        .add_fault(Fault::new("/v1.0/users*", fault).times(1));
    let got = cloud.post("/$batch", &gets(&["/users", "/users"])).await;
    assert_eq!(got.status, 200);
    assert_eq!(response(&got, "0")["status"], 429);
    assert_eq!(response(&got, "0")["headers"]["Retry-After"], "7");
    assert_eq!(response(&got, "1")["status"], 200);
    // 3,500 units in ten seconds, scaled to 10: five reads of two units each.
    cloud.behave(|behaviour| behaviour.throttle.scale = 10.0 / 3500.0);
    let got = cloud.post("/$batch", &gets(&["/users"; 8])).await;
    let refused = got.body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["status"] == 429)
        .count();
    assert_eq!(
        (got.status, refused),
        (200, 4),
        "the successful read before counted too"
    );
}

#[tokio::test]
async fn inner_headers_count() {
    let cloud = Cloud::start().await;
    let url = "/users?$filter=userType ne 'Guest'&$count=true";
    let with =
        json!({ "id": "1", "method": "GET", "url": url, "headers": { "ConsistencyLevel": "eventual" } });
    let without = json!({ "id": "2", "method": "GET", "url": url });
    let got = cloud
        .post("/$batch", &json!({ "requests": [with, without] }))
        .await;
    assert_eq!(
        (&response(&got, "1")["status"], &response(&got, "2")["status"]),
        (&json!(200), &json!(400))
    );
}
