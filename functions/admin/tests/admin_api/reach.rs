//! Who may speak of one connection alone finds it, wherever it stands among all, and is told of no other.

use axum::http::Method;
use serde_json::Value;

use crate::harness::{Call, World};
use crate::pages::Visit;

/// More than a page of the console shows.
const MANY: u32 = 51;

// case: 51
#[tokio::test]
async fn the_list_of_whoever_has_one_connection_is_that_one_wherever_it_stands() {
    let world = World::start().await;
    for number in 1..=MANY {
        world.another(number).await;
    }
    let own = world.another(MANY + 1).await;
    let visit = Visit::of_member(&world, own).await;
    let page = visit.open("en", "/console").await;
    assert!(
        page.text.contains(&format!(">Branch {}</a>", MANY + 1)),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains(">Branch 1</a>") && !page.text.contains("cursor="),
        "{}",
        page.text
    );

    let list = visit.open("en", "/api/v1/connections?limit=1").await.ok(200);
    let ids: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect();
    assert_eq!(ids, [own.to_string()]);
    assert_eq!(list["next_cursor"], Value::Null, "a cursor tells of others");

    let all = world.call(Call::get("/api/v1/connections?limit=1")).await.ok(200);
    let cursor = all["next_cursor"].as_str().unwrap();
    let further = format!("/api/v1/connections?cursor={cursor}");
    assert_eq!(
        visit.open("en", &further).await.refused(422, "validation"),
        ["/cursor"]
    );
    assert_eq!(
        visit
            .open("en", &format!("/console?cursor={cursor}"))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn whoever_has_a_connection_that_is_gone_has_none() {
    let world = World::connected().await;
    let own = world.another(2).await;
    let visit = Visit::of_member(&world, own).await;
    world.store.delete_connection(own).await.unwrap();
    let call = Call::anonymous(Method::GET, "/console");
    assert_eq!(world.call(call).await.status, 302);
    let page = visit.open("en", "/console").await;
    assert!(!page.text.contains(">Office</a>"), "{}", page.text);
}
