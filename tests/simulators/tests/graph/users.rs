//! Lists of users: shape, pages, filters, what is advanced and what is refused.

use std::time::Duration;

use serde_json::json;

use crate::support::{Cloud, TENANT, ids};

#[tokio::test]
async fn without_select_only_the_usual_properties_come() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    cloud
        .graph()
        .update_user(TENANT, id, &json!({ "department": "Sales" }))
        .unwrap();
    let got = cloud.get("/users").await;
    let object = got.body["value"][0].as_object().unwrap();
    assert_eq!(object.len(), 11);
    assert!(!object.contains_key("department") && !object.contains_key("accountEnabled"));
    assert_eq!(
        (&object["businessPhones"], &object["givenName"]),
        (&json!([]), &json!(null))
    );
    let chosen = cloud.get("/users?$select=id,department,accountEnabled").await;
    let wanted = json!({ "id": id.to_string(), "department": "Sales", "accountEnabled": true });
    assert_eq!(chosen.body["value"], json!([wanted]));
    let context = chosen.body["@odata.context"].as_str().unwrap();
    assert!(
        context.ends_with("/v1.0/$metadata#users(id,department,accountEnabled)"),
        "{context}"
    );
}

#[tokio::test]
async fn pages_follow_the_link_and_hold_everybody_once() {
    let cloud = Cloud::start().await;
    cloud.users(7);
    let first = cloud.get("/users?$select=id&$top=3").await;
    assert_eq!(first.ids().len(), 3);
    assert!(
        first.next().contains("$select=id&$top=3&$skiptoken="),
        "{}",
        first.next()
    );
    let (all, _) = cloud.follow("/users?$select=id&$top=3").await;
    let mut unique = ids(&all);
    unique.dedup();
    assert_eq!(unique.len(), 7);
    let usual = Cloud::start().await;
    usual.users(101);
    assert_eq!(usual.get("/users").await.ids().len(), 100);
    assert_eq!(usual.get("/users?$top=999").await.ids().len(), 101);
}

#[tokio::test]
async fn page_sizes_and_skip_are_refused_as_documented() {
    let cloud = Cloud::start().await;
    for size in ["0", "1000", "-1", "many"] {
        cloud
            .get(&format!("/users?$top={size}"))
            .await
            .refused(400, "Request_BadRequest");
    }
    cloud
        .get("/users?$skip=5")
        .await
        .refused(400, "Request_BadRequest");
    cloud
        .get("/users?$skiptoken=invented")
        .await
        .refused(400, "Request_BadRequest");
}

#[tokio::test]
async fn a_page_token_belongs_to_one_list_and_one_tenant_and_goes_stale() {
    let mut cloud = Cloud::start().await;
    cloud.users(3);
    let next = cloud.get("/users?$top=1").await.next().to_owned();
    cloud
        .get(&next.replace("/users?", "/groups?"))
        .await
        .refused(400, "Request_BadRequest");
    cloud
        .sign_in_as(
            crate::support::OTHER_TENANT,
            crate::support::APP,
            crate::support::SECRET,
        )
        .await;
    cloud.get(&next).await.refused(400, "Request_BadRequest");
    cloud.graph().advance(Duration::from_hours(2));
    cloud.sign_in().await;
    cloud.get(&next).await.refused(400, "Directory_ExpiredPageToken");
}

#[tokio::test]
async fn simple_filters_work_by_default() {
    let cloud = Cloud::start().await;
    let ada = cloud.user("Ada O'Brien").to_string();
    let bo = cloud.user("Bo");
    let guest = json!({ "userType": "Guest", "accountEnabled": false, "businessPhones": ["+41 1"] });
    cloud.graph().update_user(TENANT, bo, &guest).unwrap();
    let rows = [
        ("accountEnabled eq true", &ada),
        ("userType eq 'Guest' and accountEnabled eq false", &bo.to_string()),
        ("displayName eq 'ada o''brien'", &ada),
        ("startsWith(displayName,'Ad')", &ada),
        ("id in ('5f7a0000-0000-0000-0000-000000000000')", &String::new()),
        (&format!("id eq '{bo}'"), &bo.to_string()),
        ("businessPhones/any(p:p eq '+41 1')", &bo.to_string()),
        (
            "(displayName eq 'Bo' or displayName eq 'X') and userType eq 'Guest'",
            &bo.to_string(),
        ),
    ];
    for (filter, wanted) in rows {
        let query = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let got = cloud.get(&format!("/users?$filter={query}")).await;
        assert_eq!(got.status, 200, "{filter}: {}", got.text);
        let wanted: Vec<&str> = Some(wanted.as_str())
            .filter(|id| !id.is_empty())
            .into_iter()
            .collect();
        assert_eq!(got.ids(), wanted, "{filter}");
    }
}

#[tokio::test]
async fn advanced_queries_need_header_and_count() {
    let cloud = Cloud::start().await;
    cloud.users(2);
    let queries = [
        "$filter=userType ne 'Guest'",
        "$filter=not(userType eq 'Guest')",
        "$filter=endsWith(mail,'.example')",
        "$filter=startsWith(mobilePhone,'%2B')",
        "$filter=accountEnabled eq true&$orderby=displayName",
        "$orderby=department",
    ];
    for query in queries {
        cloud
            .get(&format!("/users?{query}"))
            .await
            .refused(400, "Request_UnsupportedQuery");
        cloud
            .get_eventual(&format!("/users?{query}"))
            .await
            .refused(400, "Request_UnsupportedQuery");
        cloud
            .get(&format!("/users?{query}&$count=true"))
            .await
            .refused(400, "Request_UnsupportedQuery");
        let got = cloud.get_eventual(&format!("/users?{query}&$count=true")).await;
        assert_eq!(got.status, 200, "{query}: {}", got.text);
        assert!(got.body["@odata.count"].is_number());
    }
    assert_eq!(cloud.get("/users?$orderby=displayName desc").await.status, 200);
    cloud
        .get("/users?$search=\"displayName:per\"")
        .await
        .refused(400, "Request_UnsupportedQuery");
    assert_eq!(
        cloud
            .get_eventual("/users?$search=\"displayName:per\"")
            .await
            .ids()
            .len(),
        2
    );
}

#[tokio::test]
async fn the_header_must_be_sent_again_for_page_two() {
    let cloud = Cloud::start().await;
    cloud.users(3);
    let first = cloud
        .get_eventual("/users?$filter=userType ne 'Guest'&$count=true&$top=2")
        .await;
    assert_eq!(first.body["@odata.count"], 3);
    cloud
        .get(first.next())
        .await
        .refused(400, "Request_UnsupportedQuery");
    let second = cloud.get_eventual(first.next()).await;
    assert_eq!(second.ids().len(), 1);
    assert!(
        second.body.get("@odata.count").is_none(),
        "the count comes on the first page only"
    );
}

#[tokio::test]
async fn ordered_pages_are_ordered_and_complete() {
    let cloud = Cloud::start().await;
    cloud.users(5);
    let (all, _) = cloud
        .follow("/users?$select=displayName&$orderby=displayName desc&$top=2")
        .await;
    let names: Vec<_> = all
        .iter()
        .map(|user| user["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Person 004",
            "Person 003",
            "Person 002",
            "Person 001",
            "Person 000"
        ]
    );
}

#[tokio::test]
async fn unknown_and_unfit_properties_are_refused() {
    let cloud = Cloud::start().await;
    cloud
        .get("/users?$select=id,nickname")
        .await
        .refused(400, "BadRequest");
    cloud
        .get("/users?$filter=nickname eq 'x'")
        .await
        .refused(400, "BadRequest");
    cloud
        .get("/users?$filter=displayName eq")
        .await
        .refused(400, "BadRequest");
    cloud
        .get("/users?$filter=businessPhones eq '1'")
        .await
        .refused(400, "Request_UnsupportedQuery");
    cloud
        .get("/users?$filter=endsWith(displayName,'x')")
        .await
        .refused(400, "Request_UnsupportedQuery");
    let outside = cloud.get("/users?$select=id,aboutMe").await;
    assert_eq!(outside.status, 501);
    cloud
        .get("/users?$select=signInActivity")
        .await
        .refused(403, "Authorization_RequestDenied");
    cloud.get("/nothing").await.refused(400, "BadRequest");
    assert_eq!(cloud.post("/users", &json!({})).await.status, 405);
}

#[tokio::test]
async fn one_user_by_id_or_principal_name() {
    let cloud = Cloud::start().await;
    let upn = "a_b.example#EXT#@one.example";
    let id = cloud
        .graph()
        .create_user(TENANT, &json!({ "userPrincipalName": upn, "displayName": "A" }))
        .unwrap();
    for path in [
        format!("/users/{id}"),
        "/users/a_b.example%23EXT%23@one.example".into(),
        format!("/users('{id}')"),
    ] {
        let got = cloud.get(&path).await;
        assert_eq!(got.body["id"], id.to_string(), "{path}: {}", got.text);
    }
    assert!(
        cloud.get(&format!("/users/{id}")).await.body["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("/$entity")
    );
    cloud
        .get("/users/nobody@one.example")
        .await
        .refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn the_number_of_users_is_plain_text_and_needs_the_header() {
    let cloud = Cloud::start().await;
    cloud.users(4);
    assert_eq!(cloud.get("/users/$count").await.status, 400);
    let got = cloud.get_eventual("/users/$count").await;
    assert_eq!(
        (got.text.as_str(), got.header("content-type")),
        ("4", Some("text/plain"))
    );
    assert_eq!(
        cloud
            .get_eventual("/users/$count?$filter=displayName eq 'Person 001'")
            .await
            .text,
        "1"
    );
}

#[tokio::test]
async fn the_basic_role_shows_basic_properties_only() {
    let mut cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    cloud
        .graph()
        .update_user(TENANT, id, &json!({ "jobTitle": "Clerk" }))
        .unwrap();
    cloud
        .graph()
        .revoke_role(TENANT, crate::support::APP, "User.Read.All")
        .unwrap();
    cloud
        .graph()
        .grant_role(TENANT, crate::support::APP, "User.ReadBasic.All")
        .unwrap();
    cloud.sign_in().await;
    let got = cloud.get(&format!("/users/{id}")).await;
    assert_eq!(
        (&got.body["displayName"], &got.body["jobTitle"]),
        (&json!("Ada"), &json!(null))
    );
    cloud
        .get("/users?$select=id,jobTitle")
        .await
        .refused(403, "Authorization_RequestDenied");
    cloud
        .get("/users/delta")
        .await
        .refused(403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn managers_come_when_expanded() {
    let cloud = Cloud::start().await;
    let (ada, bo) = (cloud.user("Ada"), cloud.user("Bo"));
    cloud.graph().set_manager(TENANT, bo, Some(ada)).unwrap();
    let got = cloud
        .get(&format!("/users/{bo}?$expand=manager($select=id,displayName)"))
        .await;
    assert_eq!(got.body["manager"]["id"], ada.to_string());
}

#[tokio::test]
async fn every_answer_carries_its_ids_and_the_exact_media_type() {
    let cloud = Cloud::start().await;
    let wanted =
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
    let request = cloud
        .request(http::Method::GET, "/users")
        .header("client-request-id", "mine");
    let got = crate::support::read(request).await;
    assert_eq!(got.header("content-type"), Some(wanted));
    assert_eq!(got.header("client-request-id"), Some("mine"));
    assert!(uuid::Uuid::parse_str(got.header("request-id").unwrap()).is_ok());
    assert_eq!(got.header("date"), Some("Sun, 01 Mar 2026 10:15:00 GMT"));
    let (one, two) = (
        cloud.get("/users?$skip=1").await,
        cloud.get("/users?$skip=1").await,
    );
    let spelled = |name: &str| {
        [&one, &two]
            .iter()
            .filter(|got| got.body["error"].get(name).is_some())
            .count()
    };
    assert_eq!((spelled("innerError"), spelled("innererror")), (1, 1));
    let inner = if one.body["error"].get("innerError").is_some() {
        "innerError"
    } else {
        "innererror"
    };
    assert_eq!(
        one.body["error"][inner]["request-id"],
        one.header("request-id").unwrap()
    );
    assert_eq!(one.body["error"][inner]["date"], "2026-03-01T10:15:00");
}
