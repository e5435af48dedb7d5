//! Teams presence: who is told of, in which words, how many at once and how often.

use serde_json::{Value, json};
use simulators::graph::{Config, Graph};
use uuid::Uuid;

use crate::support::{APP, Cloud, SECRET, TENANT};

const CALL: &str = "/communications/getPresencesByUserId";

fn user(cloud: &Cloud, name: &str, kind: &str) -> Uuid {
    let props = json!({ "displayName": name, "userType": kind, "accountEnabled": true,
        "userPrincipalName": format!("{name}@one.example") });
    cloud.graph().create_user(TENANT, &props).unwrap()
}

fn shown(body: &Value) -> Vec<(String, String, String)> {
    let text = |presence: &Value, field: &str| presence[field].as_str().unwrap().to_owned();
    let all = body["value"].as_array().unwrap().iter();
    let mut shown: Vec<_> = all
        .map(|one| (text(one, "id"), text(one, "availability"), text(one, "activity")))
        .collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn people_show_what_they_do_and_whoever_has_no_teams_is_left_out() {
    let cloud = Cloud::start().await;
    let graph = cloud.graph();
    let [ada, bo, guest, gone, free] = [
        ("ada", "Member"),
        ("bo", "Member"),
        ("guest", "Guest"),
        ("gone", "Member"),
        ("free", "Member"),
    ]
    .map(|(name, kind)| user(&cloud, name, kind));
    graph.set_presence(TENANT, ada, "Busy", "InACall").unwrap();
    graph.delete_user(TENANT, gone).unwrap();
    graph.set_teams(TENANT, free, false).unwrap();
    let ids = json!({ "ids": [ada, bo, guest, gone, free, Uuid::nil(), ada] });
    let got = cloud.post(CALL, &ids).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let wanted = |id: Uuid, availability: &str, activity: &str| {
        (id.to_string(), availability.to_owned(), activity.to_owned())
    };
    let mut both = vec![wanted(ada, "Busy", "InACall"), wanted(bo, "Offline", "Offline")];
    both.sort();
    assert_eq!(shown(&got.body), both);
    cloud.behave(|behaviour| {
        behaviour.presence.lower_camel_case = true;
        behaviour.presence.unknown_for_people_without_teams = true;
    });
    let got = cloud.post(CALL, &json!({ "ids": [ada, free] })).await;
    let mut both = vec![
        wanted(ada, "busy", "inACall"),
        wanted(free, "presenceUnknown", "presenceUnknown"),
    ];
    both.sort();
    assert_eq!(shown(&got.body), both);
    let one = cloud.get(&format!("/users/{ada}/presence")).await;
    assert_eq!((one.status, &one.body["availability"]), (200, &json!("busy")));
    assert_eq!(cloud.get("/users/ada@one.example/presence").await.status, 404);
}

#[tokio::test]
async fn six_hundred_and_fifty_guids_are_the_most_and_nothing_else_is_taken() {
    let cloud = Cloud::start().await;
    let ids = |count: u128| json!({ "ids": (1..=count).map(Uuid::from_u128).collect::<Vec<_>>() });
    assert_eq!(cloud.post(CALL, &ids(650)).await.status, 200);
    for wrong in [
        ids(651),
        ids(0),
        json!({ "ids": ["ada@one.example"] }),
        json!({ "ids": [7] }),
        json!({}),
    ] {
        assert_eq!(cloud.post(CALL, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(
        cloud.post(&format!("{CALL}?$select=id"), &ids(1)).await.status,
        400
    );
    assert_eq!(cloud.get(CALL).await.status, 405);
}

#[tokio::test]
async fn without_the_role_and_without_a_token_the_refusal_has_plain_words() {
    let mut cloud = Cloud::start().await;
    cloud
        .graph()
        .revoke_role(TENANT, APP, "Presence.Read.All")
        .unwrap();
    cloud.sign_in_as(TENANT, APP, SECRET).await;
    // The role is judged before the ids are.
    let got = cloud.post(CALL, &json!({ "ids": ["nobody"] })).await;
    assert_eq!(
        (got.status, &got.body["error"]["code"]),
        (403, &json!("Forbidden"))
    );
    let url = format!("{}{CALL}", cloud.running.graph_base_url());
    let bare = cloud
        .http
        .post(url)
        .json(&json!({ "ids": [] }))
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), 401);
    let body: Value = bare.json().await.unwrap();
    assert_eq!(body["error"]["code"], "Unauthorized");
}

#[tokio::test]
async fn fifteen_hundred_questions_in_thirty_seconds_are_the_most_and_other_calls_do_not_count() {
    let cloud = Cloud::start().await;
    cloud.behave(|behaviour| {
        behaviour.throttle.enabled = true;
        behaviour.throttle.scale = 0.01;
    });
    let ids = json!({ "ids": [Uuid::nil()] });
    for _ in 0..15 {
        assert_eq!(cloud.post(CALL, &ids).await.status, 200);
    }
    let refused = cloud.post(CALL, &ids).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(cloud.get("/users?$top=1").await.status, 200);
    cloud.graph().advance(std::time::Duration::from_secs(30));
    assert_eq!(cloud.post(CALL, &ids).await.status, 200);
}

#[tokio::test]
async fn a_working_day_moves_people_and_the_same_minute_moves_nobody() {
    let cloud = Cloud::with(Config::sized(3, 60, simulators::clock::SimClock::real())).await;
    let graph = cloud.graph();
    let tenant = graph.tenant_ids().remove(0);
    let show = |graph: &Graph, minute| graph.live_minute(&tenant, minute).unwrap().len();
    assert_eq!(show(&graph, 5 * 60), 0, "everybody is offline");
    assert!(show(&graph, 10 * 60) > 40);
    assert_eq!(show(&graph, 10 * 60), 0);
    assert!((1..40).contains(&show(&graph, 10 * 60 + 10)));
    assert!(show(&graph, 22 * 60) > 40);
}
