//! Extension groups.

use serde_json::{Value, json};

use crate::support::*;

fn sales() -> Value {
    json!({
        "name": "Sales", "member_select": "sel_specific", "mgr_enb_chg_presence": 1,
        "members": [{ "ext_id": 1, "user_type": "user" }, { "ext_id": 2, "user_type": "manager" }],
    })
}

#[tokio::test]
async fn groups_are_made_read_changed_and_deleted() {
    let world = world(newest()).await;
    let made = id(&world.post("extensiongroup/create", &sales()).await);
    let list = world.get("extensiongroup/list", &[]).await;
    assert_eq!(list["data"][0]["member_select"], "sel_all_ext");
    assert_eq!(
        (&list["data"][1]["name"], &list["data"][1]["total_extensions"]),
        (&json!("Sales"), &json!(2))
    );
    let detail = &world.get("extensiongroup/get", &[("id", &made)]).await["data"];
    assert_eq!(detail["members"][1]["user_type"], "manager");
    assert_eq!(detail["mgr_enb_chg_presence"], 1);
    let update =
        json!({ "id": made.parse::<u32>().unwrap(), "name": "Renamed", "members": [{ "ext_id": 3 }] });
    assert_eq!(errcode(&world.post("extensiongroup/update", &update).await), 0);
    let detail = &world.get("extensiongroup/query", &[("ids", &made)]).await["data"][0];
    assert_eq!(
        (&detail["name"], detail["members"].as_array().unwrap().len()),
        (&json!("Sales"), 1)
    );
    world.get("extension/delete", &[("id", "3")]).await;
    let detail = &world.get("extensiongroup/get", &[("id", &made)]).await["data"];
    assert_eq!(detail["members"], json!([]));
    assert_eq!(
        errcode(&world.get("extensiongroup/delete", &[("id", &made)]).await),
        0
    );
    assert_eq!(
        errcode(&world.get("extensiongroup/delete", &[("id", &made)]).await),
        60_001
    );
}

#[tokio::test]
async fn groups_that_cannot_be_are_refused() {
    let world = world(newest()).await;
    let create = async |changes: Value| {
        errcode(
            &world
                .post("extensiongroup/create", &with(sales(), &changes))
                .await,
        )
    };
    assert_eq!(create(json!({ "members": null })).await, 40_002);
    assert_eq!(create(json!({ "members": [{ "ext_id": 99 }] })).await, 40_002);
    assert_eq!(create(json!({ "member_select": "sel_some" })).await, 40_002);
    assert_eq!(create(json!({ "name": "Default_All_Extensions" })).await, 40_003);
    for index in 0..62 {
        assert_eq!(create(json!({ "name": format!("Group {index}") })).await, 0);
    }
    assert_eq!(create(json!({})).await, 60_002);
}

#[tokio::test]
async fn renaming_works_where_the_firmware_listens() {
    let world = world(newest()).await;
    let made = id(&world.post("extensiongroup/create", &sales()).await)
        .parse::<u32>()
        .unwrap();
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.group_rename_honoured = true);
    let rename = json!({ "id": made, "name": "Renamed" });
    assert_eq!(errcode(&world.post("extensiongroup/update", &rename).await), 0);
    assert!(
        world
            .pbx()
            .groups()
            .iter()
            .any(|(id, group)| *id == made && group.name == "Renamed")
    );
}
