//! The administrator's side over HTTP: whoever runs the simulator as a process can do all a test can.

use http::Method;
use serde_json::{Value, json};

use crate::support::{APP, Cloud, Got, SECRET, TENANT, credentials, read};

async fn sim(cloud: &Cloud, method: Method, path: &str, body: Value) -> Got {
    let url = format!("{}/_sim{path}", cloud.running.login_base_url());
    read(cloud.http.request(method, url).json(&body)).await
}

#[tokio::test]
async fn it_documents_itself() {
    let cloud = Cloud::start().await;
    let got = sim(&cloud, Method::GET, "", Value::Null).await;
    let routes = got.body["routes"].as_array().unwrap();
    assert!(
        routes
            .iter()
            .any(|route| route["call"].as_str().unwrap().contains("/_sim/faults"))
    );
    assert_eq!(
        sim(&cloud, Method::GET, "/nothing", Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn a_life_in_the_directory() {
    let cloud = Cloud::start().await;
    let users = format!("/tenants/{TENANT}/users");
    let made = sim(
        &cloud,
        Method::POST,
        &users,
        json!({ "displayName": "Ada", "userPrincipalName": "a@x" }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let user = format!("{users}/{id}");
    assert_eq!(
        sim(&cloud, Method::PATCH, &user, json!({ "jobTitle": "Clerk" }))
            .await
            .status,
        204
    );
    assert_eq!(cloud.get("/users/a@x").await.body["jobTitle"], "Clerk");
    assert_eq!(
        sim(&cloud, Method::PATCH, &user, json!({ "nickname": 1 }))
            .await
            .status,
        400
    );
    for (method, path, status) in [
        (Method::POST, format!("{user}/disable"), 204),
        (Method::POST, format!("{user}/enable"), 204),
        (Method::DELETE, user.clone(), 204),
        (Method::DELETE, user.clone(), 404),
        (Method::POST, format!("{user}/restore"), 204),
        (Method::GET, user.clone(), 200),
        (Method::POST, format!("{user}/purge"), 204),
        (Method::GET, user.clone(), 404),
    ] {
        assert_eq!(
            sim(&cloud, method.clone(), &path, Value::Null).await.status,
            status,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn groups_and_members() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let groups = format!("/tenants/{TENANT}/groups");
    let made = sim(
        &cloud,
        Method::POST,
        &groups,
        json!({ "displayName": "G", "groupTypes": [] }),
    )
    .await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let member = format!("{groups}/{id}/members/{ada}");
    assert_eq!(sim(&cloud, Method::PUT, &member, Value::Null).await.status, 204);
    assert_eq!(
        cloud.get(&format!("/groups/{id}/members")).await.ids(),
        [ada.to_string()]
    );
    assert_eq!(
        sim(&cloud, Method::DELETE, &member, Value::Null).await.status,
        204
    );
    assert_eq!(
        sim(&cloud, Method::DELETE, &format!("{groups}/{id}"), Value::Null)
            .await
            .status,
        204
    );
    cloud
        .get(&format!("/groups/{id}"))
        .await
        .refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn apps_secrets_and_keys() {
    let cloud = Cloud::start().await;
    let app = format!("/tenants/{TENANT}/apps/{APP}");
    let steps = [
        (Method::DELETE, format!("{app}/roles/User.Read.All"), Value::Null),
        (Method::PUT, format!("{app}/roles/User.Read.All"), Value::Null),
        (Method::PUT, format!("{app}/consent"), json!({ "granted": true })),
        (Method::PUT, format!("{app}/enabled"), json!({ "enabled": true })),
        (
            Method::POST,
            format!("{app}/secrets"),
            json!({ "value": "second", "ends_at": "2027-01-01T00:00:00Z" }),
        ),
        (
            Method::POST,
            format!("{app}/secrets/expire"),
            json!({ "value": SECRET }),
        ),
        (
            Method::POST,
            format!("/tenants/{TENANT}/keys/roll"),
            json!({ "overlap": true }),
        ),
        (
            Method::POST,
            format!("/tenants/{TENANT}/delta/expire"),
            Value::Null,
        ),
    ];
    for (method, path, body) in steps {
        let got = sim(&cloud, method.clone(), &path, body).await;
        assert_eq!(got.status, 204, "{method} {path}: {}", got.text);
    }
    let expired = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert_eq!(expired.body["error_codes"], json!([7_000_222]));
    assert_eq!(cloud.token(TENANT, &credentials(APP, "second")).await.status, 200);
    sim(
        &cloud,
        Method::POST,
        &format!("{app}/secrets/remove"),
        json!({ "value": SECRET }),
    )
    .await;
    let removed = cloud.token(TENANT, &credentials(APP, SECRET)).await;
    assert_eq!(removed.body["error_codes"], json!([7_000_215]));
}

#[tokio::test]
async fn clock_faults_behaviour_and_the_request_log() {
    let cloud = Cloud::start().await;
    sim(&cloud, Method::POST, "/clock", json!({ "advance_seconds": 60 })).await;
    assert_eq!(
        cloud.get("/users").await.header("date"),
        Some("Sun, 01 Mar 2026 10:16:00 GMT")
    );
    let fault =
        json!({ "path": "/v1.0/users*", "times": 1, "kind": { "http": { "status": 500, "code": "X" } } });
    assert_eq!(sim(&cloud, Method::POST, "/faults", fault).await.status, 204);
    assert_eq!(
        sim(
            &cloud,
            Method::POST,
            "/faults",
            json!({ "path": "*", "kind": "empty503" })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        sim(&cloud, Method::POST, "/faults", json!({ "kind": "unknown" }))
            .await
            .status,
        400
    );
    assert_eq!(
        sim(&cloud, Method::GET, "/faults", Value::Null)
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        2
    );
    cloud.get("/users?$select=id").await.refused(500, "X");
    sim(&cloud, Method::DELETE, "/faults", Value::Null).await;
    let mut behaviour = sim(&cloud, Method::GET, "/behaviour", Value::Null).await.body;
    behaviour["delta"]["page_sizes"] = json!([1]);
    assert_eq!(
        sim(&cloud, Method::PUT, "/behaviour", behaviour).await.status,
        204
    );
    assert_eq!(cloud.graph().behaviour().delta.page_sizes, [1]);
    let log = sim(&cloud, Method::GET, "/requests", Value::Null).await;
    assert_eq!(log.body["counts"]["GET /v1.0/users"], 2);
    assert!(!log.text.contains(SECRET) && !log.text.contains("eyJ"));
    let last = log.body["requests"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["status"], &last["query"]),
        (&json!(500), &json!([["$select", "id"]]))
    );
    sim(&cloud, Method::DELETE, "/requests", Value::Null).await;
    assert!(cloud.graph().requests().is_empty());
}
