//! Reads of people: whole, minimal, and never shorter than the truth.

use serde_json::json;
use shared::domain::entra_user::UserType;
use shared::domain::ids::EntraUserId;
use shared::ports::{Directory, DirectoryError, UserQuery};
use simulators::graph::FaultKind;

use crate::support::{Cloud, TENANT, all, printed, user_ids};

#[tokio::test]
async fn a_full_read_takes_one_token_and_one_call_per_999() {
    let cloud = Cloud::start().await;
    cloud.users(2000);
    let client = cloud.client();
    assert_eq!(all(&client).await.unwrap().len(), 2000);
    assert_eq!(
        cloud.graph().requests().len(),
        4,
        "{:?}",
        cloud.graph().request_counts()
    );
    all(&client).await.unwrap();
    assert_eq!(cloud.graph().requests().len(), 7);
}

#[tokio::test]
async fn people_are_read_with_their_properties() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    let props = json!({ "accountEnabled": false, "userType": "Guest", "mobilePhone": "+41 1", "surname": null,
        "businessPhones": ["2001"], "onPremisesExtensionAttributes": { "extensionAttribute3": "77" } });
    cloud.graph().update_user(TENANT, id, &props).unwrap();
    for (property, values) in [
        ("businessPhones", ["2001"]),
        ("onPremisesExtensionAttributes.extensionAttribute3", ["77"]),
        ("mobilePhone", ["+41 1"]),
    ] {
        let query = UserQuery {
            number_property: Some(property.to_owned()),
        };
        let users = cloud.client().list_users(&query).await.unwrap();
        let ada = &users[&EntraUserId::from(id)];
        assert_eq!(ada.number_values, values);
        assert_eq!((ada.account_enabled, ada.user_type), (false, UserType::Guest));
        assert_eq!(
            (ada.mobile_phone.as_deref(), ada.surname.as_deref()),
            (Some("+41 1"), None)
        );
    }
}

#[tokio::test]
async fn a_number_property_that_is_none_is_refused_before_any_call() {
    let cloud = Cloud::start().await;
    let query = UserQuery {
        number_property: Some("mail&$filter=x".to_owned()),
    };
    let error = cloud.client().list_users(&query).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unexpected { .. }));
    assert!(cloud.graph().requests().is_empty());
}

#[tokio::test]
async fn a_second_page_that_fails_once_costs_one_call() {
    let kinds = [
        FaultKind::Empty503,
        FaultKind::Html502,
        FaultKind::Truncate,
        FaultKind::Drop,
        FaultKind::Throttle {
            retry_after: Some("2.128".to_owned()),
        },
    ];
    for kind in kinds {
        let cloud = Cloud::start().await;
        cloud.users(1500);
        cloud.fault("/v1.0/users*", 1, 1, kind.clone());
        assert_eq!(all(&cloud.client()).await.unwrap().len(), 1500, "{kind:?}");
        assert_eq!(cloud.calls("/v1.0/users"), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn a_second_page_that_never_comes_is_an_error() {
    for kind in [FaultKind::Empty503, FaultKind::Truncate, FaultKind::Drop] {
        let cloud = Cloud::start().await;
        cloud.users(1500);
        cloud.fault("/v1.0/users*", 1, 10_000, kind.clone());
        let error = all(&cloud.client()).await.unwrap_err();
        assert!(
            matches!(error, DirectoryError::Unavailable { .. }),
            "{kind:?} {error:?}"
        );
        assert!(cloud.calls("/v1.0/users") < 12, "{kind:?}");
        printed(&error);
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_refused() {
    let cloud = Cloud::start().await;
    cloud.users(1500);
    cloud.fault("/v1.0/users*", 0, 1, FaultKind::NextlinkOtherHost);
    let error = all(&cloud.client()).await.unwrap_err();
    assert!(printed(&error).contains("another server"), "{error}");
    assert_eq!(cloud.calls("/v1.0/users"), 1);
}

#[tokio::test]
async fn a_dead_page_link_has_the_list_read_from_its_start() {
    let cloud = Cloud::start().await;
    cloud.users(1500);
    let kind = FaultKind::Http {
        status: 400,
        code: "Directory_ExpiredPageToken".to_owned(),
    };
    cloud.fault("/v1.0/users*", 1, 1, kind);
    assert_eq!(all(&cloud.client()).await.unwrap().len(), 1500);
    assert_eq!(cloud.calls("/v1.0/users"), 4);
}

#[tokio::test]
async fn a_tenant_without_people_is_empty_and_no_error() {
    let cloud = Cloud::start().await;
    assert!(all(&cloud.client()).await.unwrap().is_empty());
}

#[tokio::test]
async fn people_are_read_by_id_a_thousand_at_a_time() {
    let cloud = Cloud::start().await;
    let mut ids = cloud.users(1001);
    let gone = cloud.user("Gone");
    cloud.graph().delete_user(TENANT, gone).unwrap();
    ids.push(gone);
    let client = cloud.client();
    let users = client
        .users_by_id(&user_ids(&ids), &UserQuery::default())
        .await
        .unwrap();
    assert_eq!(users.len(), 1001);
    assert_eq!(cloud.calls("/v1.0/directoryObjects"), 2);
    assert!(
        users
            .values()
            .all(|user| user.mail.is_some() && user.account_enabled)
    );
    cloud.graph().clear_requests();
    assert!(
        client
            .users_by_id(&user_ids(&[]), &UserQuery::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(cloud.graph().requests().is_empty());
}

#[tokio::test]
async fn one_person_is_found_by_id_and_by_name() {
    let cloud = Cloud::start().await;
    let id = cloud.user("Ada");
    let guest = json!({ "userPrincipalName": "bo_x.test#EXT#@one.example", "accountEnabled": true });
    let guest = cloud.graph().create_user(TENANT, &guest).unwrap();
    let client = cloud.client();
    let query = UserQuery::default();
    for (text, expected) in [
        (id.to_string(), Some(id)),
        ("ada@one.example".to_owned(), Some(id)),
        ("bo_x.test#EXT#@one.example".to_owned(), Some(guest)),
        ("nobody@one.example".to_owned(), None),
        ("00000000-0000-0000-0000-000000000009".to_owned(), None),
        ("delta".to_owned(), None),
    ] {
        let found = client.lookup_user(&text, &query).await.unwrap();
        assert_eq!(
            found.map(|user| user.id),
            expected.map(EntraUserId::from),
            "{text}"
        );
    }
}
