//! Change notifications: what the service asks of a subscriber, and what it tells them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use simulators::graph::Behaviour;
use uuid::Uuid;

use super::support::*;

/// What a subscriber answers, and what it was told.
#[derive(Clone, Default)]
struct Subscriber(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    refuse_handshake: bool,
    leave_plus: bool,
    status: u16,
    handshakes: Vec<String>,
    items: Vec<Value>,
    posts: usize,
}

impl Subscriber {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .route("/changes", post(take))
            .route("/life", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}")
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap()
    }
}

async fn take(State(subscriber): State<Subscriber>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    if let Some(raw) = query
        .split('&')
        .find_map(|part| part.strip_prefix("validationToken="))
    {
        let mut heard = subscriber.heard();
        heard.handshakes.push(query.clone());
        if heard.refuse_handshake {
            return http::StatusCode::FORBIDDEN.into_response();
        }
        let plus = if heard.leave_plus {
            raw.to_owned()
        } else {
            raw.replace('+', " ")
        };
        return ([("content-type", "text/plain")], plus.replace("%3a", ":")).into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut heard = subscriber.heard();
    heard.posts += 1;
    let status = if heard.status == 0 { 202 } else { heard.status };
    if status == 202 {
        heard.items.extend(body["value"].as_array().unwrap().clone());
    }
    http::StatusCode::from_u16(status).unwrap().into_response()
}

fn wanted(base: &str, resource: &str) -> Value {
    let ends_at = start_time() + jiff::SignedDuration::from_hours(24);
    json!({ "changeType": "updated,deleted", "notificationUrl": format!("{base}/changes"),
        "lifecycleNotificationUrl": format!("{base}/life"), "resource": resource,
        "expirationDateTime": ends_at.to_string(), "clientState": "word" })
}

async fn stage() -> (Cloud, Subscriber, String) {
    let cloud = Cloud::start().await;
    let subscriber = Subscriber::default();
    let base = subscriber.start().await;
    cloud.behave(|behaviour: &mut Behaviour| {
        behaviour.notifications.delay_ms = 0;
        behaviour.notifications.spread_ms = 0;
        behaviour.notifications.most_copies = 1;
    });
    (cloud, subscriber, base)
}

fn id_of(got: &Got) -> Uuid {
    got.body["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn both_addresses_must_answer_the_handshake_before_a_subscription_is_granted() {
    let (cloud, subscriber, base) = stage().await;
    let made = cloud.post("/subscriptions", &wanted(&base, "/users")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.body["clientState"], "word");
    let handshakes = subscriber.heard().handshakes.clone();
    assert_eq!(handshakes.len(), 2);
    assert!(
        handshakes
            .iter()
            .all(|query| query.contains('+') && query.contains("%3a"))
    );

    subscriber.heard().leave_plus = true;
    let refused = cloud.post("/subscriptions", &wanted(&base, "/groups")).await;
    refused.refused(400, "InvalidRequest");
    assert!(refused.text.contains("Subscription validation request failed"));
    subscriber.heard().leave_plus = false;
    subscriber.heard().refuse_handshake = true;
    cloud
        .post("/subscriptions", &wanted(&base, "/groups"))
        .await
        .refused(400, "InvalidRequest");
    let listed = cloud.get("/subscriptions").await;
    assert_eq!(listed.ids(), [made.body["id"].as_str().unwrap()]);
    assert_eq!(listed.body["value"][0]["clientState"], Value::Null);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_the_documented_error() {
    let (mut cloud, _subscriber, base) = stage().await;
    let with = |name: &str, value: Value| {
        let mut body = wanted(&base, "/users");
        body[name] = value;
        body
    };
    for (name, value, code) in [
        (
            "notificationUrl",
            json!("http://hook.example/x"),
            "InvalidRequest",
        ),
        ("changeType", json!("renamed"), "InvalidRequest"),
        ("resource", json!("/applications"), "InvalidRequest"),
        ("clientState", json!("x".repeat(129)), "InvalidRequest"),
        (
            "expirationDateTime",
            json!("2026-03-01T00:00:00Z"),
            "InvalidRequest",
        ),
        (
            "expirationDateTime",
            json!("2026-04-01T00:00:00Z"),
            "ExtensionError",
        ),
        ("notificationUrl", Value::Null, "InvalidRequest"),
    ] {
        let got = cloud.post("/subscriptions", &with(name, value)).await;
        got.refused(400, code);
    }
    let presence = with("resource", json!("/communications/presences/1"));
    let mut presence = presence;
    presence["changeType"] = json!("updated");
    presence["expirationDateTime"] = json!("2026-03-01T11:00:00Z");
    cloud
        .post("/subscriptions", &presence)
        .await
        .refused(403, "ExtensionError");

    assert_eq!(
        cloud
            .post("/subscriptions", &wanted(&base, "/users"))
            .await
            .status,
        201
    );
    let again = cloud.post("/subscriptions", &wanted(&base, "users")).await;
    again.refused(409, "Conflict");
    cloud.graph().revoke_role(TENANT, APP, "Group.Read.All").unwrap();
    cloud.sign_in().await;
    cloud
        .post("/subscriptions", &wanted(&base, "/groups"))
        .await
        .refused(403, "ExtensionError");
}

#[tokio::test]
async fn a_change_is_told_in_the_documented_shape_and_others_are_not() {
    let (cloud, subscriber, base) = stage().await;
    let ann = cloud.user("Ann");
    let group = cloud.group("Sales", &[]);
    let users = id_of(&cloud.post("/subscriptions", &wanted(&base, "/users")).await);
    cloud.post("/subscriptions", &wanted(&base, "/groups")).await;
    let graph = cloud.graph();
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Boss" }))
        .unwrap();
    graph.add_member(TENANT, group, ann).unwrap();
    graph.delete_user(TENANT, ann).unwrap();
    graph.purge_user(TENANT, ann).unwrap();
    assert!(graph.deliver_due().await > 0);
    let items = subscriber.heard().items.clone();
    let of_users: Vec<&Value> = items
        .iter()
        .filter(|item| item["subscriptionId"] == users.to_string())
        .collect();
    let mut changes: Vec<&str> = of_users
        .iter()
        .map(|item| item["changeType"].as_str().unwrap())
        .collect();
    changes.sort_unstable();
    assert_eq!(changes, ["deleted", "updated", "updated"]);
    let one = of_users.first().unwrap();
    assert_eq!(one["resource"], format!("Users/{ann}"));
    assert_eq!(
        (&one["tenantId"], &one["clientState"]),
        (&json!(TENANT), &json!("word"))
    );
    assert_eq!(one["resourceData"]["organizationId"], TENANT);
    assert!(
        items
            .iter()
            .any(|item| item["resourceData"]["members@delta"][0]["id"] == ann.to_string())
    );
    assert_eq!(graph.deliver_due().await, 0);
}

#[tokio::test]
async fn what_is_not_taken_comes_again_later_and_for_four_hours_only() {
    let (cloud, subscriber, base) = stage().await;
    let ann = cloud.user("Ann");
    let mut day = wanted(&base, "/users");
    day["expirationDateTime"] = json!("2026-03-20T00:00:00Z");
    cloud.post("/subscriptions", &day).await;
    let graph = cloud.graph();
    subscriber.heard().status = 503;
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Boss" }))
        .unwrap();
    assert_eq!(graph.deliver_due().await, 1);
    assert_eq!(graph.deliver_due().await, 0, "not before some time has passed");
    graph.advance(Duration::from_secs(10));
    assert_eq!(graph.deliver_due().await, 1);
    subscriber.heard().status = 202;
    graph.advance(Duration::from_secs(20));
    assert_eq!(graph.deliver_due().await, 1);
    assert_eq!(subscriber.heard().items.len(), 1);

    subscriber.heard().status = 500;
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Clerk" }))
        .unwrap();
    for _ in 0..40 {
        graph.deliver_due().await;
        graph.advance(Duration::from_hours(1));
    }
    assert_eq!(graph.deliveries_waiting(), 0, "given up after four hours");
}

#[tokio::test]
async fn copies_and_losses_are_as_many_as_set() {
    let (cloud, subscriber, base) = stage().await;
    let people = cloud.users(40);
    cloud.post("/subscriptions", &wanted(&base, "/users")).await;
    let graph = cloud.graph();
    let change = |title: &str| {
        for user in &people {
            graph
                .update_user(TENANT, *user, &json!({ "jobTitle": title }))
                .unwrap();
        }
    };
    cloud.behave(|behaviour| behaviour.notifications.most_copies = 4);
    change("A");
    graph.deliver_due().await;
    let told = subscriber.heard().items.len();
    assert!(told > 60 && told <= 160, "{told}");
    subscriber.heard().items.clear();
    cloud.behave(|behaviour| behaviour.notifications.lost_percent = 100);
    change("B");
    assert_eq!(graph.deliver_due().await, 0);
}

#[tokio::test]
async fn an_ignored_request_for_authorisation_ends_the_telling_until_it_is_given() {
    let (cloud, subscriber, base) = stage().await;
    let ann = cloud.user("Ann");
    let id = id_of(&cloud.post("/subscriptions", &wanted(&base, "/users")).await);
    let graph = cloud.graph();
    assert!(graph.send_lifecycle(id, "missed").is_err(), "of mailboxes only");
    graph.send_lifecycle(id, "reauthorizationRequired").unwrap();
    graph.deliver_due().await;
    assert_eq!(
        subscriber.heard().items[0]["lifecycleEvent"],
        "reauthorizationRequired"
    );
    graph.advance(Duration::from_hours(2));
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Boss" }))
        .unwrap();
    assert_eq!(graph.deliver_due().await, 0);
    let mut cloud = cloud;
    cloud.sign_in().await;
    let given = cloud
        .post(&format!("/subscriptions/{id}/reauthorize"), &json!({}))
        .await;
    assert_eq!(given.status, 204);
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Clerk" }))
        .unwrap();
    assert_eq!(graph.deliver_due().await, 1);
}

#[tokio::test]
async fn a_subscription_is_renewed_ends_by_itself_and_is_gone_once_deleted() {
    let (mut cloud, _subscriber, base) = stage().await;
    let id = id_of(&cloud.post("/subscriptions", &wanted(&base, "/users")).await);
    let path = format!("/subscriptions/{id}");
    let renew = |end: &str| json!({ "expirationDateTime": end });
    let renewal = cloud
        .request(http::Method::PATCH, &path)
        .json(&renew("2026-03-20T00:00:00Z"));
    let renewed = read(renewal).await;
    assert_eq!(
        renewed.body["expirationDateTime"], "2026-03-20T00:00:00Z",
        "{}",
        renewed.text
    );
    let short = read(
        cloud
            .request(http::Method::PATCH, &path)
            .json(&renew("2026-03-01T10:20:00Z")),
    )
    .await;
    assert_eq!(
        short.body["expirationDateTime"], "2026-03-01T11:00:00Z",
        "45 minutes at least"
    );
    let word = read(
        cloud
            .request(http::Method::PATCH, &path)
            .json(&json!({ "clientState": "x" })),
    )
    .await;
    word.refused(400, "InvalidRequest");
    cloud.graph().advance(Duration::from_mins(46));
    cloud.sign_in().await;
    cloud.get(&path).await.refused(404, "ResourceNotFound");

    let mut again = wanted(&base, "/users");
    again["expirationDateTime"] = json!("2026-03-03T00:00:00Z");
    let id = id_of(&cloud.post("/subscriptions", &again).await);
    let path = format!("/subscriptions/{id}");
    assert_eq!(read(cloud.request(http::Method::DELETE, &path)).await.status, 204);
    assert_eq!(read(cloud.request(http::Method::DELETE, &path)).await.status, 404);
}

#[tokio::test]
async fn without_consent_nothing_is_told_until_it_is_given_back() {
    let (cloud, subscriber, base) = stage().await;
    let ann = cloud.user("Ann");
    cloud.post("/subscriptions", &wanted(&base, "/users")).await;
    let graph = cloud.graph();
    graph.set_consent(TENANT, APP, false).unwrap();
    graph
        .update_user(TENANT, ann, &json!({ "jobTitle": "Boss" }))
        .unwrap();
    assert_eq!(graph.deliver_due().await, 0);
    graph.set_consent(TENANT, APP, true).unwrap();
    graph.advance(Duration::from_mins(5));
    assert_eq!(graph.deliver_due().await, 1);
    assert_eq!(subscriber.heard().items.len(), 1);
}
