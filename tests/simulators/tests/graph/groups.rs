//! Groups, their members through all levels, and the groups delta with its chunks.

use serde_json::{Value, json};
use simulators::clock::SimClock;
use simulators::graph::{AdminError, Config, OtherObject};
use uuid::Uuid;

use crate::support::{APP, Cloud, TENANT, ids, start_time, tenant};

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

fn strings(list: &[Uuid]) -> Vec<String> {
    sorted(list.iter().map(Uuid::to_string).collect())
}

#[tokio::test]
async fn group_filters_follow_the_table() {
    let cloud = Cloud::start().await;
    let security = cloud.group("PBX users", &[]).to_string();
    let unified = json!({ "displayName": "Team", "groupTypes": ["Unified"], "mailEnabled": true,
        "securityEnabled": false });
    let unified = cloud.graph().create_group(TENANT, &unified).unwrap().to_string();
    let plain = [
        ("groupTypes/any(c:c eq 'Unified')", &unified),
        ("securityEnabled eq true and mailEnabled eq false", &security),
        ("startsWith(displayName,'PBX')", &security),
    ];
    for (filter, wanted) in plain {
        assert_eq!(
            cloud.get(&format!("/groups?$filter={filter}")).await.ids(),
            [wanted.as_str()]
        );
    }
    let not = "/groups?$filter=NOT groupTypes/any(c:c eq 'Unified')";
    cloud.get(not).await.refused(400, "Request_UnsupportedQuery");
    assert_eq!(
        cloud.get_eventual(&format!("{not}&$count=true")).await.ids(),
        [security.as_str()]
    );
    assert_eq!(
        cloud.get(&format!("/groups/{security}")).await.body["displayName"],
        "PBX users"
    );
    cloud
        .get(&format!("/groups/{}", Uuid::nil()))
        .await
        .refused(404, "Request_ResourceNotFound");
    cloud
        .get(&format!("/groups/{}/members", Uuid::nil()))
        .await
        .refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn members_are_of_mixed_types_and_a_cast_needs_the_advanced_parameters() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let nested = cloud.group("Nested", &[]);
    let group = cloud.group("Outer", &[ada, nested]);
    let got = cloud.get(&format!("/groups/{group}/members")).await;
    let types: Vec<_> = got.body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["@odata.type"].clone())
        .collect();
    assert!(
        types.contains(&json!("#microsoft.graph.user")) && types.contains(&json!("#microsoft.graph.group"))
    );
    for edge in ["members", "transitiveMembers"] {
        let cast = format!("/groups/{group}/{edge}/microsoft.graph.user");
        cloud.get(&cast).await.refused(400, "Request_UnsupportedQuery");
        cloud
            .get_eventual(&cast)
            .await
            .refused(400, "Request_UnsupportedQuery");
        let got = cloud
            .get_eventual(&format!("{cast}?$count=true&$select=id"))
            .await;
        assert_eq!(
            (got.ids(), got.body["@odata.count"].clone()),
            (strings(&[ada]), json!(1))
        );
    }
    let count = format!("/groups/{group}/members/$count");
    assert_eq!(cloud.get(&count).await.status, 400);
    assert_eq!(cloud.get_eventual(&count).await.text, "2");
}

#[tokio::test]
async fn nesting_is_followed_through_a_cycle() {
    let cloud = Cloud::start().await;
    let users = cloud.users(3);
    let inner = cloud.group("Inner", &[users[0]]);
    let middle = cloud.group("Middle", &[users[1], inner]);
    let outer = cloud.group("Outer", &[users[2], middle]);
    cloud.graph().add_member(TENANT, inner, outer).unwrap();
    let all = format!("/groups/{outer}/transitiveMembers");
    assert_eq!(cloud.get(&all).await.ids().len(), 5);
    let path = format!("{all}/microsoft.graph.user?$count=true&$select=id&$top=1");
    let (members, _) = cloud.follow(&path).await;
    assert_eq!(sorted(ids(&members)), strings(&users));
    let late = cloud.user("Late");
    cloud.graph().add_member(TENANT, inner, late).unwrap();
    assert_eq!(cloud.get(&all).await.ids().len(), 6);
}

#[tokio::test]
async fn a_microsoft_365_group_holds_no_groups() {
    let cloud = Cloud::start().await;
    let group = cloud
        .graph()
        .create_group(TENANT, &json!({ "groupTypes": ["Unified"] }))
        .unwrap();
    let nested = cloud.group("Nested", &[]);
    assert!(matches!(
        cloud.graph().add_member(TENANT, group, nested),
        Err(AdminError::NestingRefused)
    ));
    let cast = format!("/groups/{group}/members/microsoft.graph.group?$count=true");
    cloud
        .get_eventual(&cast)
        .await
        .refused(400, "Request_UnsupportedQuery");
}

#[tokio::test]
async fn what_the_app_may_not_read_has_type_and_id_alone() {
    let mut cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let group = cloud.group("Outer", &[ada]);
    cloud.graph().revoke_role(TENANT, APP, "User.Read.All").unwrap();
    cloud.sign_in().await;
    let got = cloud
        .get(&format!("/groups/{group}/members?$select=id,displayName"))
        .await;
    let wanted =
        json!({ "@odata.type": "#microsoft.graph.user", "id": ada.to_string(), "displayName": null });
    assert_eq!(got.body["value"], json!([wanted]));
}

#[tokio::test]
async fn other_kinds_of_members_appear_but_service_principals_do_not() {
    let (device, principal) = (Uuid::from_u128(11), Uuid::from_u128(12));
    let mut home = tenant(TENANT, "one.example");
    let other = |kind| OtherObject {
        kind,
        display_name: "Thing".to_owned(),
    };
    home.others = vec![(device, other("device")), (principal, other("servicePrincipal"))];
    let mut config = Config::empty(1, SimClock::manual(start_time()));
    config.tenants.push(home);
    let cloud = Cloud::with(config).await;
    let group = cloud.group("Outer", &[device, principal]);
    let got = cloud.get(&format!("/groups/{group}/members")).await;
    let wanted =
        json!({ "@odata.type": "#microsoft.graph.device", "id": device.to_string(), "displayName": null });
    assert_eq!(got.body["value"], json!([wanted]));
}

#[tokio::test]
async fn hidden_membership_needs_its_own_role() {
    let mut cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let group = cloud.group("Council", &[ada]);
    cloud
        .graph()
        .update_group(TENANT, group, &json!({ "visibility": "HiddenMembership" }))
        .unwrap();
    let path = format!("/groups/{group}/members");
    assert!(cloud.get(&path).await.ids().is_empty());
    cloud
        .graph()
        .grant_role(TENANT, APP, "Member.Read.Hidden")
        .unwrap();
    cloud.sign_in().await;
    assert_eq!(cloud.get(&path).await.ids().len(), 1);
}

#[tokio::test]
async fn a_soft_deleted_user_stays_a_member_until_purged() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada");
    let group = cloud.group("Outer", &[ada]);
    let path = format!("/groups/{group}/members");
    let (_, link) = cloud.follow("/groups/delta").await;
    cloud.graph().delete_user(TENANT, ada).unwrap();
    assert_eq!(cloud.get(&path).await.ids().len(), 1);
    let (silent, link) = cloud.follow(&link.unwrap()).await;
    assert!(
        silent.is_empty(),
        "the deletion does not show as a change of the group"
    );
    cloud.graph().purge_user(TENANT, ada).unwrap();
    let (changed, _) = cloud.follow(&link.unwrap()).await;
    let wanted = json!([{ "@odata.type": "#microsoft.graph.user", "id": ada.to_string(),
        "@removed": { "reason": "deleted" } }]);
    assert_eq!(changed[0]["members@delta"], wanted);
    assert!(cloud.get(&path).await.ids().is_empty());
    let other = cloud.user("Bo");
    cloud.graph().add_member(TENANT, group, other).unwrap();
    cloud.graph().delete_user(TENANT, other).unwrap();
    cloud.behave(|behaviour| behaviour.list_soft_deleted_members = false);
    assert!(cloud.get(&path).await.ids().is_empty());
}

fn members(objects: &[Value], group: Uuid) -> Vec<String> {
    let of_group = objects.iter().filter(|object| object["id"] == group.to_string());
    let changes = of_group
        .filter_map(|object| object["members@delta"].as_array())
        .flatten();
    sorted(
        changes
            .map(|member| member["id"].as_str().unwrap().to_owned())
            .collect(),
    )
}

#[tokio::test]
async fn a_large_group_repeats_with_others_in_between() {
    let cloud = Cloud::start().await;
    cloud.behave(|behaviour| {
        behaviour.delta.members_per_object = 2;
        behaviour.delta.page_sizes = vec![1];
    });
    let users = cloud.users(5);
    let large = cloud.group("Large", &users);
    let small = cloud.group("Small", &users[..1]);
    let empty = cloud.group("Empty", &[]);
    let (all, _) = cloud.follow("/groups/delta?$select=displayName,members").await;
    assert_eq!(members(&all, large), strings(&users));
    assert_eq!(members(&all, small), strings(&users[..1]));
    let places: Vec<usize> = all
        .iter()
        .enumerate()
        .filter(|(_, group)| group["id"] == large.to_string())
        .map(|(at, _)| at)
        .collect();
    assert_eq!(places.len(), 3);
    assert!(
        places[1] > places[0] + 1 || places[0] == 2,
        "others stand between the first two chunks"
    );
    let empty = all
        .iter()
        .find(|object| object["id"] == empty.to_string())
        .unwrap();
    assert!(empty.get("members@delta").is_none(), "absent, not an empty list");
}

#[tokio::test]
async fn membership_comes_only_when_selected_and_only_direct_changes_show() {
    let cloud = Cloud::start().await;
    let users = cloud.users(2);
    let inner = cloud.group("Inner", &[]);
    let outer = cloud.group("Outer", &[inner]);
    let (named, without) = cloud.follow("/groups/delta?$select=displayName").await;
    assert!(named.iter().all(|group| group.get("members@delta").is_none()));
    let (_, with) = cloud
        .follow(&format!(
            "/groups/delta?$filter=id eq '{inner}' or id eq '{outer}'"
        ))
        .await;
    cloud.graph().add_member(TENANT, inner, users[0]).unwrap();
    cloud.graph().add_member(TENANT, inner, users[1]).unwrap();
    cloud.graph().remove_member(TENANT, inner, users[1]).unwrap();
    let (changed, _) = cloud.follow(&with.unwrap()).await;
    assert_eq!(ids(&changed), [inner.to_string()], "the parent stays silent");
    let entries = changed[0]["members@delta"].as_array().unwrap();
    assert_eq!(entries.last().unwrap()["@removed"]["reason"], "deleted");
    assert!(cloud.follow(&without.unwrap()).await.0.is_empty());
}

#[tokio::test]
async fn former_members_can_show_in_a_first_round() {
    let cloud = Cloud::start().await;
    let users = cloud.users(2);
    let group = cloud.group("Outer", &users);
    cloud.graph().remove_member(TENANT, group, users[0]).unwrap();
    cloud.behave(|behaviour| behaviour.delta.removals_in_first_round = true);
    let (all, _) = cloud.follow("/groups/delta").await;
    let entries = all[0]["members@delta"].as_array().unwrap();
    let gone = entries
        .iter()
        .find(|entry| entry["id"] == users[0].to_string())
        .unwrap();
    assert_eq!(gone["@removed"]["reason"], "deleted");
}

#[tokio::test]
async fn deleted_groups_show_by_their_kind() {
    let cloud = Cloud::start().await;
    let security = cloud.group("Security", &[]);
    let unified = cloud
        .graph()
        .create_group(TENANT, &json!({ "groupTypes": ["Unified"] }))
        .unwrap();
    let (_, link) = cloud.follow("/groups/delta").await;
    cloud.graph().delete_group(TENANT, security).unwrap();
    cloud.graph().delete_group(TENANT, unified).unwrap();
    let (changed, _) = cloud.follow(&link.unwrap()).await;
    let reasons: Vec<_> = changed
        .iter()
        .map(|group| group["@removed"]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["deleted", "changed"]);
}

#[tokio::test]
async fn a_dynamic_group_follows_its_rule_after_a_delay() {
    let mut cloud = Cloud::start().await;
    let rule = json!({ "displayName": "Sales", "groupTypes": ["DynamicMembership"], "securityEnabled": true,
        "membershipRule": "(user.department -eq \"Sales\")", "membershipRuleProcessingState": "On" });
    let group = cloud.graph().create_group(TENANT, &rule).unwrap();
    let ada = cloud.user("Ada");
    cloud
        .graph()
        .update_user(TENANT, ada, &json!({ "department": "Sales" }))
        .unwrap();
    let path = format!("/groups/{group}/members");
    assert!(cloud.get(&path).await.ids().is_empty());
    cloud.graph().advance(std::time::Duration::from_mins(10));
    assert_eq!(cloud.get(&path).await.ids(), [ada.to_string()]);
    cloud
        .graph()
        .update_user(TENANT, ada, &json!({ "department": null }))
        .unwrap();
    assert_eq!(cloud.get(&path).await.ids().len(), 1);
    cloud.graph().advance(std::time::Duration::from_mins(20));
    cloud.sign_in().await;
    assert!(cloud.get(&path).await.ids().is_empty());
}
