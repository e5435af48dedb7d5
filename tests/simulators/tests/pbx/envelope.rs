//! Envelope, unknown paths, malformed bodies, the User-Agent rule, closing connections.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn unknown_paths_and_endpoints_of_later_firmware_do_not_exist() {
    let world = world(config()).await;
    for path in [
        "nothing/here",
        "extension_group/list",
        "extensiongroup/list",
        "extension/getpassword",
        "cdr/list",
    ] {
        assert_eq!(errcode(&world.get(path, &[]).await), 10_001, "{path}");
    }
    for path in [
        "extensiongroup/create",
        "system/sendemail",
        "webhook/create",
        "extension/list",
    ] {
        assert_eq!(errcode(&world.post(path, &json!({})).await), 10_001, "{path}");
    }
    let version_two = format!("{}/openapi/v2.0/extension/list", world.running.base_url());
    let answer = world.http.get(version_two).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.text().await.unwrap().contains("10001"));
    let outside = world
        .http
        .get(format!("{}/nowhere", world.running.base_url()))
        .send()
        .await
        .unwrap();
    assert_eq!(outside.status().as_u16(), 404);
}

#[tokio::test]
async fn firmware_switches_endpoints_on() {
    let world = world(newest()).await;
    for path in ["extensiongroup/list", "extension_status_monitor/list"] {
        assert_eq!(errcode(&world.get(path, &[]).await), 0, "{path}");
    }
    assert_eq!(
        errcode(&world.get("extension/getpassword", &[("id", "1")]).await),
        0
    );
    world
        .pbx()
        .change_settings(|settings| settings.firmware = "83.8.0.25".to_owned());
    assert_eq!(errcode(&world.get("extensiongroup/list", &[]).await), 10_001);
}

#[tokio::test]
async fn a_user_agent_is_required_and_any_will_do() {
    let mut world = world(config()).await;
    world.http = http_client(None);
    assert_eq!(errcode(&world.get("system/information", &[]).await), 10_005);
    world.http = http_client(Some("Mozilla/5.0"));
    assert_eq!(errcode(&world.get("system/information", &[]).await), 0);
}

#[tokio::test]
async fn a_malformed_body_brings_the_decoders_words() {
    let world = world(config()).await;
    let cases = [
        (
            "client_id=1",
            "invalid character 'c' looking for beginning of value",
        ),
        ("{\"id\": 1", "unexpected end of JSON input"),
        ("", "EOF"),
        ("[1]", "json: cannot unmarshal array into Go value of type map"),
    ];
    for (body, words) in cases {
        let request = world
            .http
            .post(world.url("extension/update"))
            .query(&[("access_token", &world.token)]);
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["errcode"], -2);
        assert_eq!(answer["errmsg"], "INTERNAL SERVER ERROR");
        assert_eq!(answer["invalid_param_list"], json!([{ "value": words }]));
    }
}

#[tokio::test]
async fn a_post_must_say_that_it_carries_json() {
    let world = world(config()).await;
    let request = world
        .http
        .post(world.url("extension/update"))
        .query(&[("access_token", &world.token)]);
    let answer: serde_json::Value = request.body("{}").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["errcode"], 40_001);
}

#[tokio::test]
async fn bad_values_are_named() {
    let world = world(config()).await;
    let answer = world.get("extension/get", &[("id", "abc")]).await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_002, vec!["id"]));
    let answer = world.get("extension/list", &[("sort_by", "shoe_size")]).await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_002, vec!["sort_by"]));
    let answer = world.get("extension/list", &[("page", "0")]).await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_002, vec!["page"]));
}

#[tokio::test]
async fn the_connection_closes_after_every_answer_unless_switched_off() {
    let world = world(config()).await;
    let ask = async || {
        world
            .http
            .get(world.url("system/information"))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(ask().await.headers()["connection"], "close");
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.close_connections = false);
    assert!(!ask().await.headers().contains_key("connection"));
}

#[tokio::test]
async fn system_information_and_capacity_tell_what_the_pbx_is() {
    let world = world(config()).await;
    let data = &world.get("system/information", &[]).await["data"];
    assert_eq!(data["firmware_version"], "83.10.0.30");
    assert_eq!(data["timestamp"], 1_780_000_000);
    let data = &world.get("system/capacity", &[]).await["data"];
    assert_eq!(
        (
            data["extension_capacity"].as_i64(),
            data["extension_used"].as_i64()
        ),
        (Some(500), Some(3))
    );
    let roles = world.get("system/get_menuoptions", &[("menu", "role")]).await;
    assert_eq!(roles["data"][0], json!({ "text": "Administrator", "value": "1" }));
    let groups = world
        .get("system/get_menuoptions", &[("menu", "ext_group")])
        .await;
    assert_eq!(
        groups["data"],
        json!([{ "text": "Default_All_Extensions", "value": "1" }])
    );
}
