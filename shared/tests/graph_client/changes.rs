//! Change reads: the last word on everybody, and cursors that die in every documented way.

use std::time::Duration;

use serde_json::json;
use shared::domain::entra_user::UserChange;
use shared::ports::{Cursor, Directory, DirectoryError, UserQuery};
use simulators::graph::{ExpiredForm, FaultKind};

use crate::support::{Cloud, TENANT, group_ids, user_ids};

const FORMS: [ExpiredForm; 7] = [
    ExpiredForm::GoneWithLocation,
    ExpiredForm::GoneSyncStateNotFound,
    ExpiredForm::GoneResyncRequired,
    ExpiredForm::NotFoundSyncStateNotFound,
    ExpiredForm::BadRequestSyncStateInvalid,
    ExpiredForm::BadRequestOlderThan,
    ExpiredForm::BadRequest,
];

fn query() -> UserQuery {
    UserQuery::default()
}

#[tokio::test]
async fn nothing_changed_costs_one_call_each() {
    let cloud = Cloud::start().await;
    cloud.users(30);
    let client = cloud.client();
    let users = client.user_cursor(&query()).await.unwrap();
    let groups = client.group_cursor().await.unwrap();
    cloud.graph().clear_requests();
    let (changes, _) = client.user_changes(&users, &query()).await.unwrap();
    let (group_news, _) = client.group_changes(&groups).await.unwrap();
    assert!(changes.is_empty() && group_news.is_empty());
    assert_eq!(cloud.graph().requests().len(), 2);
}

#[tokio::test]
async fn changes_bring_the_last_word_on_each_person() {
    let cloud = Cloud::start().await;
    cloud.behave(|behaviour| {
        behaviour.delta.page_sizes = vec![1, 2];
        behaviour.delta.empty_pages = true;
        behaviour.delta.repeat_objects = true;
    });
    let ids = cloud.users(6);
    let client = cloud.client();
    let cursor = client.user_cursor(&query()).await.unwrap();
    cloud.graph().disable_user(TENANT, ids[0]).unwrap();
    cloud
        .graph()
        .update_user(TENANT, ids[1], &json!({ "mobilePhone": "7" }))
        .unwrap();
    cloud
        .graph()
        .update_user(TENANT, ids[1], &json!({ "mobilePhone": null }))
        .unwrap();
    cloud.graph().delete_user(TENANT, ids[2]).unwrap();
    cloud.graph().delete_user(TENANT, ids[3]).unwrap();
    cloud.graph().purge_user(TENANT, ids[3]).unwrap();
    let joiner = cloud.user("Joiner");
    let (changes, next) = client.user_changes(&cursor, &query()).await.unwrap();
    let mut removed = Vec::new();
    let mut present = Vec::new();
    for change in changes {
        match change {
            UserChange::Present(user) => present.push((user.id, user.account_enabled, user.mobile_phone)),
            UserChange::Removed(id) => removed.push(id),
        }
    }
    assert_eq!(
        removed.into_iter().collect::<std::collections::BTreeSet<_>>(),
        user_ids(&[ids[2], ids[3]])
    );
    present.sort();
    let mut expected = vec![
        (ids[0].into(), false, None),
        (ids[1].into(), true, None),
        (joiner.into(), true, None),
    ];
    expected.sort();
    assert_eq!(present, expected);
    assert!(client.user_changes(&next, &query()).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_round_that_breaks_off_leaves_the_cursor_good() {
    let cloud = Cloud::start().await;
    cloud.behave(|behaviour| behaviour.delta.page_sizes = vec![2]);
    let client = cloud.client();
    let cursor = client.user_cursor(&query()).await.unwrap();
    cloud.users(5);
    cloud.fault("/v1.0/users/delta*", 1, 100, FaultKind::Empty503);
    let error = client.user_changes(&cursor, &query()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable { .. }));
    cloud.graph().clear_faults();
    assert_eq!(client.user_changes(&cursor, &query()).await.unwrap().0.len(), 5);
}

#[tokio::test]
async fn a_dead_cursor_shows_in_every_form() {
    for form in FORMS {
        let cloud = Cloud::start().await;
        cloud.behave(|behaviour| behaviour.delta.expired = form);
        let client = cloud.client();
        let users = client.user_cursor(&query()).await.unwrap();
        let groups = client.group_cursor().await.unwrap();
        cloud.clock.advance(Duration::from_hours(8 * 24));
        let error = client.user_changes(&users, &query()).await.unwrap_err();
        assert!(
            matches!(error, DirectoryError::CursorExpired),
            "{form:?} {error:?}"
        );
        let error = client.group_changes(&groups).await.unwrap_err();
        assert!(
            matches!(error, DirectoryError::CursorExpired),
            "{form:?} {error:?}"
        );
    }
}

#[tokio::test]
async fn a_single_bad_request_is_tried_again() {
    let cloud = Cloud::start().await;
    let client = cloud.client();
    let cursor = client.user_cursor(&query()).await.unwrap();
    cloud.user("Ada");
    let kind = FaultKind::Http {
        status: 400,
        code: "Request_BadRequest".to_owned(),
    };
    cloud.fault("/v1.0/users/delta*", 0, 1, kind);
    assert_eq!(client.user_changes(&cursor, &query()).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn a_cursor_of_another_server_is_not_followed() {
    let cloud = Cloud::start().await;
    for link in [
        "https://evil.example/v1.0/users/delta?$deltatoken=x",
        "",
        "nonsense",
    ] {
        let error = cloud
            .client()
            .user_changes(&Cursor(link.to_owned()), &query())
            .await
            .unwrap_err();
        assert!(matches!(error, DirectoryError::CursorExpired), "{link}");
    }
    assert!(cloud.graph().requests().is_empty());
}

#[tokio::test]
async fn groups_that_changed_are_named_once() {
    let cloud = Cloud::start().await;
    let ids = cloud.users(3);
    let (named, joined, gone, quiet) = (
        cloud.group("A", &[]),
        cloud.group("B", &[]),
        cloud.group("C", &ids),
        cloud.group("D", &ids),
    );
    let client = cloud.client();
    let cursor = client.group_cursor().await.unwrap();
    cloud
        .graph()
        .update_group(TENANT, named, &json!({ "displayName": "A2" }))
        .unwrap();
    cloud.graph().add_member(TENANT, joined, ids[0]).unwrap();
    cloud.graph().add_member(TENANT, joined, ids[1]).unwrap();
    cloud.graph().delete_group(TENANT, gone).unwrap();
    let (changed, next) = client.group_changes(&cursor).await.unwrap();
    assert_eq!(changed, group_ids(&[named, joined, gone]));
    assert!(!changed.contains(&quiet.into()));
    assert!(client.group_changes(&next).await.unwrap().0.is_empty());
}
