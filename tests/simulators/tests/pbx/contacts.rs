//! Company contacts and phonebooks.

use serde_json::{Value, json};

use crate::support::*;

fn contact(first: &str) -> Value {
    json!({
        "first_name": first, "last_name": "Alves", "company": "Contoso", "email": "rui@contoso.example",
        "number_list": [
            { "num_type": "business_number", "number": "+351210000000" },
            { "num_type": "mobile_number", "number": "+351930000000" },
        ],
    })
}

fn number(id: &str) -> u32 {
    id.parse().unwrap()
}

#[tokio::test]
async fn contacts_are_written_with_a_list_and_read_by_slot() {
    let world = world(config()).await;
    let book = id(&world.post("phonebook/create", &json!({ "name": "Sales" })).await);
    let body = with(
        contact("Rui"),
        &json!({ "phonebook_id_list": [number(&book)], "city": "Lisbon" }),
    );
    let made = id(&world.post("company_contact/create", &body).await);
    let list = world.get("company_contact/list", &[]).await;
    let row = &list["data"][0];
    assert_eq!(
        (&row["contact_name"], &row["business"]),
        (&json!("Rui Alves"), &json!("+351210000000"))
    );
    assert_eq!(
        (&row["mobile"], &row["home"]),
        (&json!("+351930000000"), &json!(""))
    );
    assert!(row.get("first_name").is_none() && row.get("number_list").is_none());
    let names: Vec<_> = row["phonebook_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|book| &book["name"])
        .collect();
    assert_eq!(names, ["All Company Contacts_Phonebook", "Sales"]);
    let detail = &world.get("company_contact/get", &[("id", &made)]).await["data"];
    assert_eq!(
        (&detail["first_name"], &detail["city"]),
        (&json!("Rui"), &json!("Lisbon"))
    );
    let numbers = json!([{ "num_type": "home_fax", "number": "1" }]);
    let update = json!({ "id": number(&made), "number_list": numbers, "company": "" });
    assert_eq!(errcode(&world.post("company_contact/update", &update).await), 0);
    let found = world
        .get("company_contact/search", &[("search_value", "RUI@")])
        .await;
    let row = &found["data"][0];
    assert_eq!((&row["home_fax"], &row["business"]), (&json!("1"), &json!("")));
    assert_eq!(
        (&row["company"], &row["email"]),
        (&json!(""), &json!("rui@contoso.example"))
    );
}

#[tokio::test]
async fn every_limit_of_a_contact_is_kept() {
    let world = world(config()).await;
    let long = |length: usize| "x".repeat(length);
    let slot = |kind: &str, number: &str| json!({ "num_type": kind, "number": number });
    let cases: Vec<(&str, Value)> = vec![
        ("first_name", Value::Null),
        ("first_name", json!("")),
        ("first_name", json!(long(64))),
        ("last_name", json!(long(64))),
        ("company", json!(long(128))),
        ("email", json!("rui")),
        ("remark", json!(long(1_025))),
        ("city", json!(long(256))),
        ("number_list", Value::Null),
        ("number_list", json!([])),
        ("number_list", json!([slot("fax", "1")])),
        ("number_list", json!([slot("home_fax", "")])),
        ("number_list", json!([slot("home_fax", &"1".repeat(32))])),
        ("number_list", json!([slot("home_fax", "1 2")])),
        (
            "number_list",
            json!([slot("home_fax", "1"), slot("home_fax", "2")]),
        ),
    ];
    for (key, value) in cases {
        let answer = world
            .post(
                "company_contact/create",
                &with(contact("Rui"), &json!({ key: value })),
            )
            .await;
        assert_eq!(
            (errcode(&answer), blamed(&answer)),
            (40_002, vec![key]),
            "{key} {value}"
        );
    }
    let unknown = with(contact("Rui"), &json!({ "phonebook_id_list": [77] }));
    assert_eq!(
        errcode(&world.post("company_contact/create", &unknown).await),
        70_093
    );
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_contacts = 0);
    assert_eq!(
        errcode(&world.post("company_contact/create", &contact("Rui")).await),
        60_002
    );
}

#[tokio::test]
async fn a_selected_contact_stays_until_it_is_taken_out() {
    let world = world(config()).await;
    let made = id(&world.post("company_contact/create", &contact("Rui")).await);
    let book = json!({ "name": "Sales", "add_contacts_id_list": [number(&made)] });
    let book = id(&world.post("phonebook/create", &book).await);
    let delete = async || errcode(&world.get("company_contact/delete", &[("id", &made)]).await);
    assert_eq!(delete().await, 70_091);
    let out = json!({ "id": number(&book), "del_contacts_id_list": [number(&made)] });
    assert_eq!(errcode(&world.post("phonebook/update", &out).await), 0);
    assert_eq!(errcode(&world.post("phonebook/update", &out).await), 40_002);
    assert_eq!(delete().await, 0);
    assert_eq!(delete().await, 70_128);
}

#[tokio::test]
async fn phonebooks_grow_and_shrink_and_leave_their_contacts() {
    let world = world(config()).await;
    let mut ids = Vec::new();
    for first in ["Ana", "Rui", "Eva"] {
        ids.push(number(&id(&world
            .post("company_contact/create", &contact(first))
            .await)));
    }
    let book = id(&world
        .post(
            "phonebook/create",
            &json!({ "name": "Sales", "add_contacts_id_list": ids }),
        )
        .await);
    let change = json!({ "id": number(&book), "del_contacts_id_list": [ids[0]], "name": "Sales team" });
    assert_eq!(errcode(&world.post("phonebook/update", &change).await), 0);
    let detail = &world.get("phonebook/get", &[("id", &book)]).await["data"];
    assert_eq!(
        (&detail["total"], &detail["name"]),
        (&json!(2), &json!("Sales team"))
    );
    assert_eq!(detail["contacts_list"][0]["contact_name"], "Rui Alves");
    let stranger = json!({ "id": number(&book), "add_contacts_id_list": [999] });
    assert_eq!(errcode(&world.post("phonebook/update", &stranger).await), 70_128);
    assert_eq!(errcode(&world.get("phonebook/delete", &[("id", &book)]).await), 0);
    assert_eq!(
        errcode(&world.get("phonebook/delete", &[("id", &book)]).await),
        70_093
    );
    let left = world.get("company_contact/list", &[]).await;
    assert_eq!(left["total_number"], 3);
    assert!(
        left["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["phonebook_list"].as_array().unwrap().len() == 1)
    );
}

#[tokio::test]
async fn there_is_one_phonebook_of_everyone() {
    let world = world(config()).await;
    let list = world.get("phonebook/list", &[]).await;
    assert_eq!(list["data"][0]["member_select"], "sel_all");
    let second = json!({ "name": "Everyone", "member_select": "sel_all" });
    assert_eq!(errcode(&world.post("phonebook/create", &second).await), 40_003);
    let same_name = json!({ "name": "All Company Contacts_Phonebook" });
    assert_eq!(errcode(&world.post("phonebook/create", &same_name).await), 40_003);
    world.get("phonebook/delete", &[("id", "1")]).await;
    assert_eq!(errcode(&world.post("phonebook/create", &second).await), 0);
}

#[tokio::test]
async fn a_phonebook_of_a_third_party_is_not_ours_to_edit() {
    let world = world(config()).await;
    let body = json!({ "name": "Directory", "third_party": true })
        .as_object()
        .unwrap()
        .clone();
    let made = world.pbx().portal("phonebook/create", body).unwrap();
    let rename = json!({ "id": made["id"], "name": "Mine" });
    assert_eq!(errcode(&world.post("phonebook/update", &rename).await), 70_084);
}
