//! Answers that no healthy cloud gives, and what exactly is sent.

use std::time::Duration;

use serde_json::json;
use shared::ports::{Directory, DirectoryError, UserQuery};
use uuid::Uuid;

use crate::stub::Stub;
use crate::support::{all, group_ids, printed};

const EMPTY: (u16, &str) = (200, r#"{"value":[]}"#);

#[tokio::test]
async fn every_request_says_what_it_selects_and_who_it_is() {
    let stub = Stub::start(&[EMPTY]).await;
    all(&stub.client().0).await.unwrap();
    let seen = stub.seen.lock().unwrap();
    let list = &seen[1];
    assert!(
        list.uri.starts_with("/v1.0/users?$select=id,displayName,"),
        "{}",
        list.uri
    );
    assert!(list.uri.ends_with("&$top=999"), "{}", list.uri);
    assert_eq!(list.headers["authorization"], "Bearer canary-token");
    assert_eq!(list.headers["x-ms-throttle-priority"], "low");
    assert!(Uuid::parse_str(list.headers["client-request-id"].to_str().unwrap()).is_ok());
    assert!(!list.headers.contains_key("prefer"));
}

#[tokio::test]
async fn consistency_is_asked_for_on_every_page_of_members() {
    let second = r#"{"value":[],"@odata.nextLink":"{origin}/v1.0/groups/x/members?$skiptoken=a%2Bb"}"#;
    let stub = Stub::start(&[(200, second), EMPTY]).await;
    stub.client()
        .0
        .group_members(&group_ids(&[Uuid::from_u128(1)]))
        .await
        .unwrap();
    let seen = stub.seen.lock().unwrap();
    assert!(
        seen[1]
            .uri
            .contains("/transitiveMembers/microsoft.graph.user?$select=id&$top=999&$count=true")
    );
    assert_eq!(seen[2].uri, "/v1.0/groups/x/members?$skiptoken=a%2Bb");
    assert!(
        seen[1..]
            .iter()
            .all(|request| request.headers["consistencylevel"] == "eventual")
    );
}

#[tokio::test]
async fn a_chain_of_pages_that_repeats_itself_is_an_error() {
    let page = r#"{"value":[],"@odata.nextLink":"{origin}/v1.0/users?$skiptoken=a"}"#;
    let stub = Stub::start(&[(200, page), (200, page), (200, page)]).await;
    let error = all(&stub.client().0).await.unwrap_err();
    assert!(printed(&error).contains("do not end"), "{error}");
}

#[tokio::test]
async fn a_round_without_a_delta_link_brings_no_cursor() {
    for body in [
        r#"{"value":[]}"#,
        r#"{"value":[],"@odata.deltaLink":"https://evil.example/delta"}"#,
        r#"{"value":[],"@odata.deltaLink":"{origin}/v1.0/d","@odata.nextLink":"{origin}/v1.0/n"}"#,
    ] {
        let stub = Stub::start(&[(200, body)]).await;
        let error = stub
            .client()
            .0
            .user_cursor(&UserQuery::default())
            .await
            .unwrap_err();
        assert!(
            matches!(error, DirectoryError::Unexpected { .. }),
            "{body} {error:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_page_is_an_error_without_the_body() {
    for (status, body) in [
        (200, r#"{"canary":[]}"#),
        (200, r#"{"value":[{"id":"canary"}]}"#),
        (200, r#"{"value":"canary"}"#),
        (200, "<html>canary</html>"),
        (302, "canary"),
        (501, "canary"),
        (418, r#"{"error":{"code":"Odd","message":"canary"}}"#),
    ] {
        let stub = Stub::start(&[(status, body)]).await;
        let error = all(&stub.client().0).await.unwrap_err();
        assert!(
            matches!(error, DirectoryError::Unexpected { .. }),
            "{status} {body} {error:?}"
        );
        printed(&error);
        assert_eq!(stub.uris().len(), 2, "{status} {body}");
    }
}

#[tokio::test]
async fn a_page_cut_off_cleanly_is_asked_again() {
    let stub = Stub::start(&[(200, r#"{"value":[{"id":"5f7a"#), EMPTY]).await;
    assert!(all(&stub.client().0).await.unwrap().is_empty());
    assert_eq!(stub.uris().len(), 3);
}

#[tokio::test]
async fn a_batch_answer_must_be_complete() {
    let groups = group_ids(&[Uuid::from_u128(1), Uuid::from_u128(2)]);
    let one = r#"{"id":"1","status":200,"body":{"value":[]}}"#;
    for responses in [one.to_owned(), format!("{one},{one}"), String::new()] {
        let body = format!(r#"{{"responses":[{responses}]}}"#);
        let stub = Stub::start(&[(200, &body)]).await;
        let error = stub.client().0.group_members(&groups).await.unwrap_err();
        assert!(printed(&error).contains("incomplete"), "{error}");
    }
}

#[tokio::test]
async fn an_older_form_of_a_throttled_batch_is_understood() {
    let groups = group_ids(&[Uuid::from_u128(1), Uuid::from_u128(2)]);
    let body = r#"{"responses":[{"id":"2","status":429,"headers":{"Retry-After":3},"body":null},
        {"id":"1","status":200,"body":{"value":[]}}]}"#;
    let stub = Stub::start(&[(424, body), EMPTY]).await;
    let (client, clock) = stub.client();
    assert_eq!(client.group_members(&groups).await.unwrap().len(), 2);
    assert!(clock.now() >= crate::support::start_time() + Duration::from_secs(3));
    let seen = stub.seen.lock().unwrap();
    assert_eq!(seen[1].body["requests"][0]["id"], "1");
    assert_eq!(
        seen[1].body["requests"][0]["headers"],
        json!({ "ConsistencyLevel": "eventual" })
    );
}

// case: 62
#[tokio::test]
async fn absurd_token_lives_neither_loop_nor_last() {
    for (expires_in, after_a_minute) in [
        (json!(0), 2),
        (json!(-1), 2),
        (json!(1e12), 1),
        (json!("3599"), 1),
    ] {
        let stub = Stub::start(&[EMPTY, EMPTY, EMPTY, EMPTY]).await;
        *stub.expires_in.lock().unwrap() = expires_in.clone();
        let (client, clock) = stub.client();
        all(&client).await.unwrap();
        all(&client).await.unwrap();
        assert_eq!(stub.tokens(), 1, "{expires_in}");
        clock.advance(Duration::from_mins(1));
        all(&client).await.unwrap();
        assert_eq!(stub.tokens(), after_a_minute, "{expires_in}");
        clock.advance(Duration::from_hours(24));
        all(&client).await.unwrap();
        assert_eq!(stub.tokens(), after_a_minute + 1, "{expires_in}");
    }
}
