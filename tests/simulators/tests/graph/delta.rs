//! Delta rounds of users: what they hold, what they refuse and how their links go bad.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::graph::{ExpiredForm, Fault, FaultKind};

use crate::support::{APP, Cloud, OTHER_TENANT, SECRET, TENANT, ids};

const SELECT: &str = "/users/delta?$select=displayName,accountEnabled,department";

async fn round(cloud: &Cloud, path: &str) -> (Vec<Value>, String) {
    let (objects, link) = cloud.follow(path).await;
    (objects, link.expect("the last page has the delta link"))
}

#[tokio::test]
async fn the_first_round_holds_everybody_and_the_next_only_what_changed() {
    let cloud = Cloud::start().await;
    cloud.behave(|behaviour| behaviour.delta.page_sizes = vec![1, 2, 200]);
    let users = cloud.users(6);
    let (all, link) = round(&cloud, SELECT).await;
    assert_eq!(all.len(), 6);
    let (nothing, link) = round(&cloud, &link).await;
    assert!(nothing.is_empty());
    cloud.graph().disable_user(TENANT, users[2]).unwrap();
    cloud
        .graph()
        .update_user(TENANT, users[3], &json!({ "jobTitle": "not selected" }))
        .unwrap();
    let joiner = cloud.user("Joiner");
    let (changed, _) = round(&cloud, &link).await;
    assert_eq!(ids(&changed), [users[2].to_string(), joiner.to_string()]);
    assert_eq!(
        (&changed[0]["accountEnabled"], &changed[0]["displayName"]),
        (&json!(false), &json!("Person 002"))
    );
}

#[tokio::test]
async fn absent_is_never_set_and_null_is_emptied() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    let (first, link) = round(&cloud, SELECT).await;
    assert!(first[0].get("department").is_none());
    cloud
        .graph()
        .update_user(TENANT, id, &json!({ "department": "Sales" }))
        .unwrap();
    cloud
        .graph()
        .update_user(TENANT, id, &json!({ "department": null }))
        .unwrap();
    let (second, _) = round(&cloud, &link).await;
    assert_eq!(second[0].get("department"), Some(&Value::Null));
}

#[tokio::test]
async fn minimal_brings_changed_properties_alone() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    let (_, link) = round(&cloud, SELECT).await;
    cloud
        .graph()
        .update_user(TENANT, id, &json!({ "department": "Sales" }))
        .unwrap();
    let got = cloud.get_minimal(&link).await;
    assert_eq!(
        got.body["value"],
        json!([{ "id": id.to_string(), "department": "Sales" }])
    );
    assert_eq!(got.header("preference-applied"), Some("return=minimal"));
    assert_eq!(cloud.get(&link).await.body["value"][0]["displayName"], "Ada");
}

#[tokio::test]
async fn deleted_restored_and_purged_users_show_as_such() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    let (_, link) = round(&cloud, SELECT).await;
    cloud.graph().delete_user(TENANT, id).unwrap();
    let (removed, link) = round(&cloud, &link).await;
    assert_eq!(
        removed,
        [json!({ "id": id.to_string(), "@removed": { "reason": "changed" } })]
    );
    cloud.graph().restore_user(TENANT, id).unwrap();
    let (restored, link) = round(&cloud, &link).await;
    assert_eq!(restored[0]["displayName"], "Ada");
    cloud.graph().delete_user(TENANT, id).unwrap();
    let (_, link) = round(&cloud, &link).await;
    cloud.graph().purge_user(TENANT, id).unwrap();
    let (purged, _) = round(&cloud, &link).await;
    assert_eq!(
        purged,
        [json!({ "id": id.to_string(), "@removed": { "reason": "deleted" } })]
    );
    let (fresh, _) = round(&cloud, SELECT).await;
    assert!(
        fresh.is_empty(),
        "who was deleted before the first round is not listed"
    );
}

#[tokio::test]
async fn a_soft_deleted_user_is_purged_after_thirty_days() {
    let mut cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    cloud.graph().delete_user(TENANT, id).unwrap();
    let (_, link) = round(&cloud, "/users/delta?$deltatoken=latest").await;
    cloud.behave(|behaviour| behaviour.delta.lifetime_seconds = i64::MAX);
    cloud.graph().advance(Duration::from_hours(30 * 24));
    cloud.sign_in().await;
    let (purged, _) = round(&cloud, &link).await;
    assert_eq!(purged[0]["@removed"]["reason"], "deleted");
}

#[tokio::test]
async fn latest_begins_now() {
    let cloud = Cloud::start().await;
    cloud.users(3);
    let got = cloud
        .get("/users/delta?$deltatoken=latest&$select=displayName")
        .await;
    assert_eq!(got.body["value"], json!([]));
    let link = got.body["@odata.deltaLink"].as_str().unwrap();
    let id = cloud.user("Later");
    let (changed, _) = round(&cloud, link).await;
    assert_eq!(changed, [json!({ "id": id.to_string(), "displayName": "Later" })]);
}

#[tokio::test]
async fn a_filter_takes_up_to_fifty_ids_and_nothing_else() {
    let cloud = Cloud::start().await;
    let users = cloud.users(51);
    let filter = |count: usize| {
        let clauses: Vec<String> = users
            .iter()
            .take(count)
            .map(|id| format!("id eq '{id}'"))
            .collect();
        format!("/users/delta?$filter={}", clauses.join(" or "))
    };
    let (found, link) = round(&cloud, &filter(50)).await;
    assert_eq!(found.len(), 50);
    cloud.graph().disable_user(TENANT, users[50]).unwrap();
    assert!(
        round(&cloud, &link).await.0.is_empty(),
        "the filter stays with the link"
    );
    cloud
        .get(&filter(51))
        .await
        .refused(400, "Request_UnsupportedQuery");
    cloud
        .get("/users/delta?$filter=accountEnabled eq true")
        .await
        .refused(400, "Request_UnsupportedQuery");
}

#[tokio::test]
async fn options_that_delta_does_not_know_are_refused() {
    let cloud = Cloud::start().await;
    for option in [
        "$top=5",
        "$orderby=displayName",
        "$expand=manager",
        "$search=\"a:b\"",
        "$count=true",
        "$skip=1",
    ] {
        cloud
            .get(&format!("/users/delta?{option}"))
            .await
            .refused(400, "Request_UnsupportedQuery");
    }
    for outside in ["signInActivity", "aboutMe"] {
        let got = cloud.get(&format!("/users/delta?$select={outside}")).await;
        got.refused(400, "BadRequest");
        assert!(got.text.contains(outside));
    }
    cloud
        .get("/users/delta?$deltatoken=invented")
        .await
        .refused(400, "Request_BadRequest");
    let (_, link) = round(&cloud, SELECT).await;
    cloud
        .get(&format!("{link}&$select=mail"))
        .await
        .refused(400, "Request_BadRequest");
    for path in ["/users/delta()", "/users/microsoft.graph.delta()"] {
        assert_eq!(cloud.get(path).await.status, 200);
    }
}

#[tokio::test]
async fn pages_may_be_empty_repeat_and_replay() {
    let cloud = Cloud::start().await;
    let users = cloud.users(4);
    cloud.behave(|behaviour| {
        behaviour.delta.page_sizes = vec![2];
        behaviour.delta.empty_pages = true;
        behaviour.delta.repeat_objects = true;
        behaviour.delta.replay_changes = 1;
        behaviour.delta.removals_in_first_round = true;
    });
    cloud.graph().delete_user(TENANT, users[3]).unwrap();
    let first = cloud.get(SELECT).await;
    assert_eq!(first.ids().len(), 3);
    assert_eq!(first.ids()[0], first.ids()[2]);
    let second = cloud.get(first.next()).await;
    assert!(second.ids().is_empty());
    let (rest, link) = round(&cloud, second.next()).await;
    assert!(
        rest.iter()
            .any(|object| object["@removed"]["reason"] == "changed")
    );
    assert!(!round(&cloud, &link).await.0.is_empty(), "a later round replays");
}

#[tokio::test]
async fn a_link_expires_after_seven_days_in_the_chosen_form() {
    let mut cloud = Cloud::start().await;
    let (_, link) = round(&cloud, SELECT).await;
    cloud.graph().advance(Duration::from_hours(7 * 24));
    cloud.sign_in().await;
    assert_eq!(cloud.get(&link).await.status, 200, "seven days are still good");
    cloud.graph().advance(Duration::from_secs(1));
    let forms = [
        (ExpiredForm::GoneSyncStateNotFound, 410, "syncStateNotFound"),
        (ExpiredForm::GoneResyncRequired, 410, "resyncRequired"),
        (ExpiredForm::NotFoundSyncStateNotFound, 404, "SyncStateNotFound"),
        (ExpiredForm::BadRequestSyncStateInvalid, 400, "syncStateInvalid"),
        (ExpiredForm::BadRequestOlderThan, 400, "Request_UnsupportedQuery"),
        (ExpiredForm::BadRequest, 400, "Request_BadRequest"),
        (ExpiredForm::GoneWithLocation, 410, "resyncRequired"),
    ];
    for (form, status, code) in forms {
        cloud.behave(|behaviour| behaviour.delta.expired = form);
        cloud.get(&link).await.refused(status, code);
    }
    let gone = cloud.get(&link).await;
    let location = gone.header("location").unwrap();
    assert!(location.ends_with("$deltatoken="), "{location}");
    cloud.user("Ada");
    let (all, _) = round(&cloud, location).await;
    assert_eq!(all[0]["displayName"], "Ada");
    assert!(all[0].get("mail").is_none(), "the way back keeps the selection");
}

#[tokio::test]
async fn tokens_expire_on_command_and_by_fault() {
    let cloud = Cloud::start().await;
    let (_, link) = round(&cloud, SELECT).await;
    let form = ExpiredForm::GoneSyncStateNotFound;
    cloud
        .graph()
        .add_fault(Fault::new("/v1.0/users/delta*", FaultKind::ExpireDelta { form }).times(1));
    assert_eq!(
        cloud.get(SELECT).await.status,
        200,
        "a first page has no token to expire"
    );
    cloud.get(&link).await.refused(410, "syncStateNotFound");
    assert_eq!(cloud.get(&link).await.status, 200);
    cloud.graph().expire_delta_tokens(TENANT).unwrap();
    cloud.get(&link).await.refused(410, "resyncRequired");
}

#[tokio::test]
async fn a_link_is_good_in_its_own_tenant_and_for_its_own_objects_only() {
    let mut cloud = Cloud::start().await;
    let (_, link) = round(&cloud, SELECT).await;
    cloud
        .get(&link.replace("/users/", "/groups/"))
        .await
        .refused(400, "Request_BadRequest");
    cloud.sign_in_as(OTHER_TENANT, APP, SECRET).await;
    cloud.get(&link).await.refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn the_manager_comes_as_a_change_when_selected() {
    let cloud = Cloud::start().await;
    let (ada, bo) = (cloud.user("Ada"), cloud.user("Bo"));
    let (_, link) = round(&cloud, "/users/delta?$select=displayName,manager").await;
    cloud.graph().set_manager(TENANT, bo, Some(ada)).unwrap();
    let (changed, _) = round(&cloud, &link).await;
    assert_eq!(changed[0]["manager@delta"][0]["id"], ada.to_string());
}

#[tokio::test]
async fn a_user_who_changes_and_leaves_during_a_round_ends_as_removed() {
    let cloud = Cloud::start().await;
    let users = cloud.users(2);
    let (_, link) = round(&cloud, SELECT).await;
    cloud.behave(|behaviour| behaviour.delta.page_sizes = vec![1]);
    cloud.graph().disable_user(TENANT, users[0]).unwrap();
    cloud.graph().disable_user(TENANT, users[1]).unwrap();
    cloud.graph().delete_user(TENANT, users[0]).unwrap();
    let (changes, _) = round(&cloud, &link).await;
    let last = changes
        .iter()
        .rfind(|object| object["id"] == users[0].to_string())
        .unwrap();
    assert_eq!(last["@removed"]["reason"], "changed");
    assert_eq!(
        changes
            .iter()
            .filter(|object| object["id"] == users[0].to_string())
            .count(),
        2
    );
}
