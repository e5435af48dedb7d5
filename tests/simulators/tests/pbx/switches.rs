//! The other reading of what the documentation leaves open.

use serde_json::json;
use simulators::pbx::{Behaviour, Config};

use crate::support::*;

async fn with_switches(change: impl FnOnce(&mut Behaviour)) -> World {
    let mut behaviour = Behaviour::default();
    change(&mut behaviour);
    world(Config {
        behaviour,
        ..config()
    })
    .await
}

#[tokio::test]
async fn empty_texts_may_change_nothing() {
    let world = with_switches(|switch| switch.empty_text_clears = false).await;
    let before = world.pbx().extension("1000").unwrap();
    let update = json!({ "id": before.id, "email_addr": "", "title": "" });
    assert_eq!(errcode(&world.post("extension/update", &update).await), 0);
    assert_eq!(world.pbx().extension("1000").unwrap(), before);
}

#[tokio::test]
async fn creates_may_keep_their_id_to_themselves() {
    let world = with_switches(|switch| switch.create_returns_id = false).await;
    let answer = world.post("extension/create", &new_extension("2101", "")).await;
    assert_eq!(answer, json!({ "errcode": 0, "errmsg": "SUCCESS" }));
}

#[tokio::test]
async fn lengths_may_count_bytes() {
    let name = json!({ "first_name": "é".repeat(40) });
    let world = with_switches(|switch| switch.lengths_in_bytes = true).await;
    let answer = world
        .post("extension/create", &with(new_extension("2101", ""), &name))
        .await;
    assert_eq!(blamed(&answer), ["first_name"]);
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.lengths_in_bytes = false);
    assert_eq!(
        errcode(
            &world
                .post("extension/create", &with(new_extension("2101", ""), &name))
                .await
        ),
        0
    );
}

#[tokio::test]
async fn a_number_on_update_may_be_refused_and_capacity_may_say_otherwise() {
    let world = with_switches(|switch| {
        switch.refuse_number_on_update = true;
        switch.capacity_errcode = 10_009;
    })
    .await;
    let answer = world
        .post("extension/update", &json!({ "id": 1, "number": "1000" }))
        .await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_002, vec!["number"]));
    world.pbx().change_settings(|settings| settings.capacity = 0);
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2101", "")).await),
        10_009
    );
}

#[tokio::test]
async fn extensions_may_join_groups_when_they_are_made() {
    let world = with_switches(|switch| switch.group_list_on_extension = true).await;
    let group = json!({ "name": "Sales", "member_select": "sel_specific", "members": [{ "ext_id": 1 }] });
    let group = group.as_object().unwrap().clone();
    let sales = world.pbx().portal("extensiongroup/create", group).unwrap()["id"].to_string();
    let joins = json!({ "group_list": [{ "value": sales }] });
    let made = id(&world
        .post("extension/create", &with(new_extension("2101", ""), &joins))
        .await);
    let groups = world.pbx().groups();
    let (_, members) = groups.iter().find(|(_, group)| group.name == "Sales").unwrap();
    assert!(members.members.contains_key(&made.parse::<u32>().unwrap()));
    let stranger = json!({ "group_list": [{ "value": "99" }] });
    let answer = world
        .post("extension/create", &with(new_extension("2102", ""), &stranger))
        .await;
    assert_eq!(blamed(&answer), ["group_list"]);
}

#[tokio::test]
async fn a_good_sign_in_may_forgive_and_forbidden_calls_may_count() {
    let forgiving = with_switches(|switch| switch.success_clears_failures = true).await;
    for round in 0..8 {
        assert_eq!(
            errcode(&forgiving.get_token("simulated-client-id", "guess").await),
            40_002,
            "{round}"
        );
        forgiving
            .get("del_token", &[("access_token", &forgiving.sign_in().await)])
            .await;
    }
    let strict = with_switches(|switch| switch.forbidden_calls_count_as_failures = true).await;
    strict
        .pbx()
        .change_settings(|settings| settings.allow_list = Some([].into()));
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(errcode(&strict.get("system/capacity", &[]).await));
    }
    assert_eq!(codes, [70_087, 70_087, 70_087, 70_087, 70_087, 70_004]);
}
