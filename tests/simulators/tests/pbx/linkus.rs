//! Login signatures.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

async fn sdk_world() -> World {
    let mut world = bare(config()).await;
    let answer = world
        .get_token("simulated-access-id", "simulated-access-key")
        .await;
    answer["access_token"]
        .as_str()
        .unwrap()
        .clone_into(&mut world.token);
    world
}

fn request(username: &str, expire_time: i64) -> Value {
    json!({ "username": username, "sign_type": "sdk", "expire_time": expire_time })
}

#[tokio::test]
async fn the_sdk_application_signs_by_number_and_by_mail() {
    let world = sdk_world().await;
    world
        .pbx()
        .add_extension(&person("2101", "Ana", "ana@contoso.example"))
        .unwrap();
    for name in ["2101", "ANA@contoso.example"] {
        let answer = world.post("sign/create", &request(name, 0)).await;
        let sign = answer["data"]["sign"].as_str().unwrap();
        assert!(sign.len() > 24);
        assert_eq!(world.pbx().sign_opens(sign).as_deref(), Some("2101"));
    }
    assert_eq!(
        errcode(&world.post("sign/create", &request("9999", 0)).await),
        60_001
    );
    let wrong = with(request("2101", 0), &json!({ "sign_type": "web" }));
    assert_eq!(errcode(&world.post("sign/create", &wrong).await), 40_002);
}

#[tokio::test]
async fn a_signature_ends_with_its_time_and_with_its_extension() {
    let world = sdk_world().await;
    world.pbx().add_extension(&person("2101", "Ana", "")).unwrap();
    let now = world.pbx().clock().now().as_second();
    assert_eq!(
        errcode(&world.post("sign/create", &request("2101", now)).await),
        40_002
    );
    let short = world.post("sign/create", &request("2101", now + 60)).await;
    let forever = world.post("sign/create", &request("2101", 0)).await;
    let opens = |answer: &Value| {
        world
            .pbx()
            .sign_opens(answer["data"]["sign"].as_str().unwrap())
            .is_some()
    };
    assert!(opens(&short) && opens(&forever));
    world.pbx().clock().advance(Duration::from_mins(1));
    assert!(!opens(&short) && opens(&forever));
    world.pbx().delete_extension("2101").unwrap();
    assert!(!opens(&forever));
}

#[tokio::test]
async fn each_application_keeps_to_its_own_calls() {
    let sdk = sdk_world().await;
    assert_eq!(errcode(&sdk.get("extension/list", &[]).await), 10_005);
    let api = world(config()).await;
    assert_eq!(
        errcode(&api.post("sign/create", &request("1000", 0)).await),
        10_005
    );
    api.pbx()
        .change_settings(|settings| settings.behaviour.api_token_may_sign = true);
    assert_eq!(errcode(&api.post("sign/create", &request("1000", 0)).await), 0);
}
