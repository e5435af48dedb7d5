//! Departments.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn departments_are_made_moved_and_deleted_but_the_root_stays() {
    let world = world(config()).await;
    let support = id(&world
        .post(
            "organization/create",
            &json!({ "name": "Support", "parent_id": 1 }),
        )
        .await);
    let support_id: u32 = support.parse().unwrap();
    let night = json!({ "name": "Night shift", "parent_id": support_id });
    let night = id(&world.post("organization/create", &night).await);
    let put = async |body| errcode(&world.post("organization/update", &body).await);
    assert_eq!(
        put(json!({ "id": support_id, "parent_id": night.parse::<u32>().unwrap() })).await,
        40_002
    );
    assert_eq!(put(json!({ "id": 1, "name": "Fabrikam" })).await, 40_002);
    assert_eq!(put(json!({ "id": support_id, "name": "Sales" })).await, 40_003);
    let delete = async |id: &str| errcode(&world.get("organization/delete", &[("id", id)]).await);
    assert_eq!(delete("1").await, 40_002);
    assert_eq!(delete(&support).await, 40_002);
    let place = json!({ "id": 1, "organization_list": [{ "value": night }] });
    assert_eq!(errcode(&world.post("extension/update", &place).await), 0);
    assert_eq!(delete(&night).await, 0);
    let detail = &world.get("extension/get", &[("id", "1")]).await["data"];
    assert_eq!(detail["organization_list"][0]["value"], "1");
    assert_eq!(delete(&support).await, 0);
    assert_eq!(delete(&support).await, 60_001);
}

#[tokio::test]
async fn the_tree_is_shown_and_the_feature_can_be_off() {
    let world = world(config()).await;
    let tree = world.get("system/get_menuoptions", &[("menu", "org_list")]).await;
    assert_eq!(
        (&tree["data"][0]["text"], &tree["data"][0]["value"]),
        (&json!("Contoso"), &json!("1"))
    );
    assert_eq!(tree["data"][0]["item"].as_array().unwrap().len(), 6);
    let bad = world
        .post("organization/create", &json!({ "name": "", "parent_id": 77 }))
        .await;
    assert_eq!((errcode(&bad), blamed(&bad)), (40_002, vec!["name", "parent_id"]));
    world
        .pbx()
        .change_settings(|settings| settings.organizations_enabled = false);
    assert_eq!(errcode(&world.get("organization/list", &[]).await), 70_120);
    let answer = world
        .post(
            "extension/update",
            &json!({ "id": 1, "organization_list": [{ "value": "1" }] }),
        )
        .await;
    assert_eq!(errcode(&answer), 70_120);
}

#[tokio::test]
async fn no_order_is_documented_so_none_is_taken_unless_switched_on() {
    let world = world(config()).await;
    let list = async |key| world.get("organization/list", &[("sort_by", key)]).await;
    let refused = list("id").await;
    assert_eq!((errcode(&refused), blamed(&refused)), (40_002, vec!["sort_by"]));
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.organizations_sortable = true);
    assert_eq!(errcode(&list("name").await), 0);
    assert_eq!(errcode(&list("shoe_size").await), 40_002);
}
