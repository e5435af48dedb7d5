//! `/_sim`: reading and changing a PBX from outside the API.

use reqwest::Method;
use serde_json::json;
use simulators::pbx::Config;

use crate::support::*;

#[tokio::test]
async fn the_routes_are_documented() {
    let world = world(config()).await;
    let (status, document) = world.sim(Method::GET, "", &json!({})).await;
    assert_eq!(status, 200);
    assert!(document["routes"].as_array().unwrap().len() > 20);
    for path in [
        "/state",
        "/extensions",
        "/contacts",
        "/phonebooks",
        "/groups",
        "/organizations",
        "/outbox",
        "/requests",
        "/writes",
        "/faults",
        "/webhooks",
    ] {
        assert_eq!(world.sim(Method::GET, path, &json!({})).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_portal_admin_adds_edits_and_deletes_extensions() {
    let world = world(config()).await;
    let body = json!({ "number": "2101", "first_name": "Ana", "email_addr": "ana@contoso.example" });
    assert_eq!(world.sim(Method::POST, "/extensions", &body).await.0, 200);
    let (status, answer) = world.sim(Method::POST, "/extensions", &body).await;
    assert_eq!((status, errcode(&answer)), (409, 40_003));
    let edit = json!({ "title": "Lead", "custom_presence_status": "Gardening" });
    assert_eq!(world.sim(Method::PATCH, "/extensions/2101", &edit).await.0, 200);
    let extension = world.pbx().extension("2101").unwrap();
    assert_eq!(
        (
            extension.title.as_str(),
            extension.custom_presence_status.as_str()
        ),
        ("Lead", "Gardening")
    );
    assert_eq!(
        world.sim(Method::DELETE, "/extensions/2101", &json!({})).await.0,
        200
    );
    assert_eq!(
        world.sim(Method::DELETE, "/extensions/2101", &json!({})).await.0,
        409
    );
    assert_eq!(world.pbx().writes(), []);
    let (_, all) = world.sim(Method::GET, "/extensions", &json!({})).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert!(!all.to_string().contains("password"));
}

#[tokio::test]
async fn the_portal_can_do_what_old_firmware_keeps_from_the_api() {
    let world = world(config()).await;
    let group = json!({ "name": "Sales", "member_select": "sel_specific", "members": [{ "ext_id": 1 }] });
    assert_eq!(
        world
            .sim(Method::POST, "/portal/extensiongroup/create", &group)
            .await
            .0,
        200
    );
    let options = world
        .get("system/get_menuoptions", &[("menu", "ext_group")])
        .await;
    assert_eq!(options["data"][1], json!({ "text": "Sales", "value": "2" }));
}

#[tokio::test]
async fn settings_faults_clock_and_counters_change_over_http() {
    let world = world(config()).await;
    let changes = json!({ "firmware": "83.23.0.123", "capacity": 9, "behaviour": { "token_cap": 1 } });
    let (status, settings) = world.sim(Method::PATCH, "/settings", &changes).await;
    assert_eq!(
        (status, &settings["capacity"], &settings["behaviour"]["token_cap"]),
        (200, &json!(9), &json!(1))
    );
    assert_eq!(settings["behaviour"]["close_connections"], true);
    assert_eq!(
        world
            .sim(Method::PATCH, "/settings", &json!({ "shoe_size": 43 }))
            .await
            .0,
        422
    );
    let faults =
        json!([{ "match": "system/*", "times": "forever", "kind": { "type": "errcode", "code": -2 } }]);
    assert_eq!(world.sim(Method::POST, "/faults", &faults).await.0, 204);
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), -2);
    assert_eq!(world.sim(Method::DELETE, "/faults", &json!({})).await.0, 204);
    assert_eq!(
        world.get("system/capacity", &[]).await["data"]["extension_capacity"],
        9
    );
    let (_, counted) = world.sim(Method::GET, "/requests", &json!({})).await;
    assert_eq!(
        (&counted["requests"]["system/capacity"], &counted["answers"]["-2"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        world.sim(Method::POST, "/reset-counters", &json!({})).await.0,
        204
    );
    assert_eq!(world.pbx().requests("system/capacity"), 0);
    assert_eq!(
        world
            .sim(Method::POST, "/clock/advance", &json!({ "seconds": 1_800 }))
            .await
            .0,
        200
    );
    assert_eq!(errcode(&world.get("system/capacity", &[]).await), 10_004);
}

#[tokio::test]
async fn writes_are_logged_with_time_and_object() {
    let world = world(config()).await;
    let made = id(&world.post("extension/create", &new_extension("2101", "")).await)
        .parse::<u32>()
        .unwrap();
    world.post("extension/create", &new_extension("2101", "")).await;
    world.get("extension/delete", &[("id", &made.to_string())]).await;
    let writes: Vec<_> = world
        .pbx()
        .writes()
        .into_iter()
        .map(|write| (write.endpoint, write.id))
        .collect();
    assert_eq!(
        writes,
        [("extension/create", Some(made)), ("extension/delete", Some(made))]
    );
}

#[tokio::test]
async fn a_sized_pbx_holds_the_people_it_was_sized_for() {
    for users in [10, 1_000, 100_000] {
        let sized = Config::sized(7, users);
        assert!(sized.capacity > users);
        let (first, last) = sized.number_range;
        assert!(last - first > users as u64);
    }
    let world = world(Config {
        clock: config().clock,
        ..Config::sized(7, 1_000)
    })
    .await;
    assert_eq!(world.pbx().extensions().len(), 50);
}
