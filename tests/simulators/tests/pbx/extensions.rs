//! Making, changing, listing and deleting extensions.

use serde_json::{Value, json};
use simulators::pbx::{CallEnd, Caller, Config, People, TooMany};

use crate::support::*;

#[tokio::test]
async fn an_extension_is_made_read_changed_and_deleted_once() {
    let world = world(config()).await;
    let made = id(&world
        .post("extension/create", &new_extension("2101", "ana@contoso.example"))
        .await);
    let detail = &world.get("extension/get", &[("id", &made)]).await["data"];
    assert_eq!(detail["number"], "2101");
    assert_eq!(
        detail["organization_list"],
        json!([{ "value": "1", "text": "Contoso" }])
    );
    let change = json!({ "id": made.parse::<u32>().unwrap(), "title": "Lead", "mobile_number": "" });
    assert_eq!(errcode(&world.post("extension/update", &change).await), 0);
    let detail = &world.get("extension/query", &[("ids", &made)]).await["data"][0];
    assert_eq!(
        (&detail["title"], &detail["mobile_number"]),
        (&json!("Lead"), &json!(""))
    );
    assert_eq!(
        (&detail["first_name"], &detail["last_name"]),
        (&json!("Ana"), &json!("Costa"))
    );
    assert_eq!(errcode(&world.get("extension/delete", &[("id", &made)]).await), 0);
    assert_eq!(
        errcode(&world.get("extension/delete", &[("id", &made)]).await),
        60_001
    );
    assert_eq!(
        errcode(&world.get("extension/get", &[("id", &made)]).await),
        60_001
    );
}

#[tokio::test]
async fn ids_are_never_given_out_twice() {
    let world = world(config()).await;
    let first = id(&world.post("extension/create", &new_extension("2101", "")).await);
    world.get("extension/delete", &[("id", &first)]).await;
    let second = id(&world.post("extension/create", &new_extension("2101", "")).await);
    assert!(second.parse::<u32>().unwrap() > first.parse::<u32>().unwrap());
}

#[tokio::test]
async fn every_limit_of_create_is_kept() {
    let world = world(config()).await;
    let long = |length: usize| "x".repeat(length);
    let cases: Vec<(&str, Value)> = vec![
        ("type", json!("FXS")),
        ("type", Value::Null),
        ("number", json!("12345678")),
        ("number", json!("21a1")),
        ("number", json!("999")),
        ("number", json!(2101)),
        ("number", json!("10000")),
        ("number", Value::Null),
        ("first_name", json!(long(64))),
        ("last_name", json!(long(64))),
        ("email_addr", json!("ana+tag@contoso.example")),
        ("email_addr", json!("ana@contoso")),
        ("email_addr", json!(format!("{}@x.example", long(250)))),
        ("mobile_number", json!("+351 910")),
        ("mobile_number", json!("1".repeat(32))),
        ("caller_id", json!("1".repeat(32))),
        ("user_password", json!("Short1aB")),
        ("user_password", json!("nouppercase1")),
        ("user_password", json!("NoDigitsHere")),
        ("user_password", json!("Abcdef1234gh")),
        ("user_password", json!(format!("aB1{}", long(61)))),
        ("user_password", Value::Null),
        ("reg_name", json!("")),
        ("reg_name", json!(long(64))),
        ("reg_name", Value::Null),
        ("reg_password", json!("short12")),
        ("reg_password", Value::Null),
        ("concurrent_registrations", json!(0)),
        ("concurrent_registrations", json!(4)),
        ("concurrent_registrations", json!("1")),
        ("concurrent_registrations", Value::Null),
        ("presence_status", json!("launch")),
        ("presence_status", Value::Null),
        ("organization_list", json!([])),
        ("organization_list", json!([{ "value": "99" }])),
        ("organization_list", Value::Null),
        ("title", json!(long(128))),
        ("email_language", json!("xx")),
        ("enb_vm", json!(2)),
        ("vm_pin", json!("12a")),
    ];
    for (key, value) in cases {
        let body = with(
            new_extension("2101", "ana@contoso.example"),
            &json!({ key: value }),
        );
        let answer = world.post("extension/create", &body).await;
        assert_eq!(
            (errcode(&answer), blamed(&answer)),
            (40_002, vec![key]),
            "{key} {value}"
        );
    }
    assert_eq!(world.pbx().extensions().len(), 3);
}

#[tokio::test]
async fn a_password_may_not_be_the_persons_name() {
    let world = world(config()).await;
    let body = with(
        new_extension("2101", ""),
        &json!({ "first_name": "Xy7abcdefgH", "user_password": "Xy7abcdefgH" }),
    );
    assert_eq!(
        blamed(&world.post("extension/create", &body).await),
        ["user_password"]
    );
}

#[tokio::test]
async fn eight_digits_come_with_later_firmware() {
    let range = (1_000, 99_999_999);
    let old = world(Config {
        number_range: range,
        ..config()
    })
    .await;
    assert_eq!(
        errcode(&old.post("extension/create", &new_extension("12345678", "")).await),
        40_002
    );
    let later = world(Config {
        number_range: range,
        ..newest()
    })
    .await;
    assert_eq!(
        errcode(
            &later
                .post("extension/create", &new_extension("12345678", ""))
                .await
        ),
        0
    );
}

#[tokio::test]
async fn numbers_and_mails_are_unique_and_other_objects_hold_numbers_too() {
    let world = world(config()).await;
    id(&world
        .post("extension/create", &new_extension("2101", "ana@contoso.example"))
        .await);
    let create =
        async |number: &str, mail: &str| world.post("extension/create", &new_extension(number, mail)).await;
    let answer = create("2101", "").await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_003, vec!["number"]));
    let answer = create("2102", "ANA@contoso.example").await;
    assert_eq!((errcode(&answer), blamed(&answer)), (40_003, vec!["email_addr"]));
    for queue in ["6400", "6402", "6700"] {
        assert_eq!(errcode(&create(queue, "").await), 40_003);
    }
    let found = world.get("extension/search", &[("search_value", "6400")]).await;
    assert_eq!(found["total_number"], 0);
    let other = id(&create("2102", "").await).parse::<u32>().unwrap();
    let answer = world
        .post(
            "extension/update",
            &json!({ "id": other, "email_addr": "Ana@Contoso.example" }),
        )
        .await;
    assert_eq!(errcode(&answer), 40_003);
    let own = json!({ "id": other - 1, "email_addr": "ANA@contoso.example" });
    assert_eq!(errcode(&world.post("extension/update", &own).await), 0);
}

#[tokio::test]
async fn capacity_role_and_organizations_have_their_own_numbers() {
    let world = world(Config {
        capacity: 4,
        ..config()
    })
    .await;
    let refused = with(new_extension("2101", ""), &json!({ "role_id": 99 }));
    assert_eq!(errcode(&world.post("extension/create", &refused).await), 60_101);
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2101", "")).await),
        0
    );
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2102", "")).await),
        60_002
    );
    world
        .pbx()
        .change_settings(|settings| settings.organizations_enabled = false);
    world.pbx().change_settings(|settings| settings.capacity = 10);
    assert_eq!(
        errcode(&world.post("extension/create", &new_extension("2102", "")).await),
        70_120
    );
    let without = with(new_extension("2102", ""), &json!({ "organization_list": null }));
    assert_eq!(errcode(&world.post("extension/create", &without).await), 0);
}

#[tokio::test]
async fn without_names_the_number_is_the_name_and_unknown_keys_do_nothing() {
    let world = world(config()).await;
    let body = with(
        new_extension("2101", ""),
        &json!({ "first_name": "", "last_name": "", "shoe_size": 43 }),
    );
    let made = id(&world.post("extension/create", &body).await);
    assert_eq!(
        world.get("extension/get", &[("id", &made)]).await["data"]["first_name"],
        "2101"
    );
    let renumber = json!({ "id": made.parse::<u32>().unwrap(), "number": "2999" });
    assert_eq!(errcode(&world.post("extension/update", &renumber).await), 0);
    assert!(world.pbx().extension("2101").is_some() && world.pbx().extension("2999").is_none());
}

#[tokio::test]
async fn lists_page_sort_and_search() {
    let world = world(Config {
        extensions: People::Count(2_300),
        capacity: 5_000,
        ..config()
    })
    .await;
    let page = async |query: &[(&str, &str)]| world.get("extension/list", query).await;
    let rows = |answer: &Value| answer["data"].as_array().unwrap().len();
    assert_eq!(rows(&page(&[]).await), 20);
    let clamped = page(&[("page_size", "10000")]).await;
    assert_eq!(
        (rows(&clamped), clamped["total_number"].as_u64()),
        (1_000, Some(2_300))
    );
    assert_eq!(rows(&page(&[("page_size", "1000"), ("page", "3")]).await), 300);
    assert_eq!(rows(&page(&[("page_size", "1000"), ("page", "4")]).await), 0);
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.page_size_max = 10_000);
    assert_eq!(rows(&page(&[("page_size", "10000")]).await), 2_300);
    let last = page(&[("sort_by", "number"), ("order_by", "desc"), ("page_size", "1")]).await;
    assert_eq!(last["data"][0]["number"], "3299");
    assert!(last["data"][0].get("first_name").is_none() && last["data"][0]["caller_id_name"].is_string());
    let found = world.get("extension/search", &[("search_value", "3299")]).await;
    assert!(
        found["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["number"] == "3299")
    );
    let ignored = page(&[("search_value", "3299")]).await;
    assert_eq!(ignored["total_number"], 2_300);
}

#[tokio::test]
async fn welcome_mails_go_to_those_who_have_an_address() {
    let world = world(newest()).await;
    let silent = id(&world.post("extension/create", &new_extension("2101", "")).await)
        .parse::<u32>()
        .unwrap();
    let send = async |ids: Value| {
        errcode(
            &world
                .post("extension/send_welcome_email", &json!({ "id_list": ids }))
                .await,
        )
    };
    assert_eq!(send(json!([1, 2])).await, 0);
    assert_eq!(send(json!([1, silent])).await, 1);
    assert_eq!(send(json!([silent, 999])).await, 60_001);
    assert_eq!(send(json!([])).await, 40_002);
    let mail = json!({ "to": "it@contoso.example", "subject": "Hello", "content": "There." });
    assert_eq!(errcode(&world.post("system/sendemail", &mail).await), 0);
    let (_, outbox) = world.sim(reqwest::Method::GET, "/outbox", &json!({})).await;
    let kinds: Vec<_> = outbox
        .as_array()
        .unwrap()
        .iter()
        .map(|mail| mail["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["welcome", "welcome", "welcome", "plain"]);
}

#[tokio::test]
async fn presence_swaps_the_call_handling() {
    let world = world(config()).await;
    let rules = json!({ "id": 1, "presence_list": [{ "status": "lunch", "ring_timeout": 12 }] });
    assert_eq!(errcode(&world.post("extension/update", &rules).await), 0);
    let timeout = async || world.get("extension/get", &[("id", "1")]).await["data"]["ring_timeout"].clone();
    assert_eq!(timeout().await, 30);
    world
        .post(
            "extension/update",
            &json!({ "id": 1, "presence_status": "lunch" }),
        )
        .await;
    assert_eq!(timeout().await, 12);
    let answer = world
        .post(
            "extension/update",
            &json!({ "id": 1, "presence_status": "lunch_break" }),
        )
        .await;
    assert_eq!(
        (errcode(&answer), blamed(&answer)),
        (40_002, vec!["presence_status"])
    );
}

#[tokio::test]
async fn old_firmware_shows_the_user_password_and_no_custom_presence() {
    let old = world(config()).await;
    assert!(old.get("extension/get", &[("id", "1")]).await["data"]["user_password"].is_string());
    assert!(
        old.get("extension/list", &[]).await["data"][0]
            .get("custom_presence_status")
            .is_none()
    );
    let later = world(newest()).await;
    assert!(
        later.get("extension/get", &[("id", "1")]).await["data"]
            .get("user_password")
            .is_none()
    );
    later.pbx().set_custom_presence("1000", "Gardening").unwrap();
    assert_eq!(
        later.get("extension/list", &[]).await["data"][0]["custom_presence_status"],
        "Gardening"
    );
}

#[tokio::test]
async fn presence_decides_where_calls_go() {
    let world = world(config()).await;
    let number = world.pbx().extensions()[0].number.clone();
    let call = |caller| world.pbx().call(&number, caller).unwrap();
    assert_eq!(call(Caller::Outside), CallEnd::Rings { seconds: 30 });
    let rules = json!({ "id": 1, "presence_status": "away", "presence_list": [
        { "status": "away", "enb_ex_always_forward": 1, "ex_always_forward_dest": "queue", "ring_timeout": 10 },
        { "status": "do_not_disturb", "enb_in_no_answer_forward": 0 }] });
    assert_eq!(errcode(&world.post("extension/update", &rules).await), 0);
    assert_eq!(call(Caller::Outside), CallEnd::Forwarded("queue".to_owned()));
    assert_eq!(call(Caller::Inside), CallEnd::Rings { seconds: 10 });
    let quiet = json!({ "id": 1, "presence_status": "do_not_disturb" });
    assert_eq!(errcode(&world.post("extension/update", &quiet).await), 0);
    assert_eq!(call(Caller::Outside), CallEnd::Forwarded("ext_vm".to_owned()));
    assert_eq!(call(Caller::Inside), CallEnd::HungUp);
}

#[tokio::test]
async fn a_query_with_too_many_ids_is_refused_or_cut() {
    let world = world(config()).await;
    let ask = async || world.get("extension/query", &[("ids", "1,2,3")]).await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_query_ids = Some(2));
    let refused = ask().await;
    assert_eq!((errcode(&refused), blamed(&refused)), (40_002, vec!["ids"]));
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.too_many_query_ids = TooMany::Cut);
    let cut = ask().await;
    assert_eq!((errcode(&cut), cut["data"].as_array().unwrap().len()), (0, 2));
}
