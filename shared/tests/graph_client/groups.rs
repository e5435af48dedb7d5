//! Members of groups: nested, batched, throttled inside a batch.

use serde_json::json;
use shared::domain::settings::GroupType;
use shared::ports::{Directory, DirectoryError, GroupMembers};
use simulators::graph::FaultKind;
use uuid::Uuid;

use crate::support::{Cloud, TENANT, group_ids, printed, user_ids};

// spec: 84, 85
#[tokio::test]
async fn all_groups_are_listed_by_the_thousand_and_told_apart() {
    let cloud = Cloud::start().await;
    for n in 0..1001 {
        cloud.group(&format!("G{n:04}"), &[]);
    }
    let team = json!({ "displayName": "Team", "groupTypes": ["Unified"], "securityEnabled": false, "mailEnabled": true });
    let team = cloud.graph().create_group(TENANT, &team).unwrap();
    let list =
        json!({ "displayName": "List", "groupTypes": [], "securityEnabled": false, "mailEnabled": true });
    let list = cloud.graph().create_group(TENANT, &list).unwrap();
    let groups = cloud.client().list_groups().await.unwrap();
    assert_eq!((groups.len(), cloud.calls("/v1.0/")), (1003, 2));
    assert_eq!(groups[&team.into()].kind, Some(GroupType::Microsoft365));
    assert_eq!(groups[&list.into()].kind, None);
    assert_eq!(
        groups
            .values()
            .filter(|g| g.kind == Some(GroupType::Security))
            .count(),
        1001
    );
}

#[tokio::test]
async fn a_list_of_groups_that_breaks_off_is_an_error() {
    let cloud = Cloud::start().await;
    for n in 0..1001 {
        cloud.group(&format!("G{n:04}"), &[]);
    }
    cloud.fault("/v1.0/groups", 1, 1_000, FaultKind::Empty503);
    let broken = cloud.client().list_groups().await;
    assert!(
        matches!(broken, Err(DirectoryError::Unavailable { .. })),
        "{broken:?}"
    );
}

#[tokio::test]
async fn groups_by_id_are_one_call_and_those_that_are_gone_are_left_out() {
    let cloud = Cloud::start().await;
    let ids: Vec<Uuid> = (0..30).map(|n| cloud.group(&format!("G{n}"), &[])).collect();
    cloud.graph().delete_group(TENANT, ids[0]).unwrap();
    let found = cloud.client().groups_by_id(&group_ids(&ids)).await.unwrap();
    assert_eq!((found.len(), cloud.calls("/v1.0/")), (29, 1));
    assert!(!found.contains_key(&ids[0].into()));
}

// spec: 86, 87
#[tokio::test]
async fn a_search_goes_on_page_by_page_beyond_two_hundred_and_shows_no_distribution_list() {
    let cloud = Cloud::start().await;
    for n in 0..450 {
        cloud.group(&format!("Branch {n:03}"), &[]);
    }
    cloud.group("Head office", &[]);
    let list = json!({ "displayName": "Branch news", "groupTypes": [], "securityEnabled": false, "mailEnabled": true });
    cloud.graph().create_group(TENANT, &list).unwrap();
    let client = cloud.client();
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = client
            .search_groups("branch", 200, cursor.as_deref())
            .await
            .unwrap();
        names.extend(page.groups.into_iter().map(|group| group.name));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 450);
    assert!(names.is_sorted());
    let all = client.search_groups("", 999, None).await.unwrap();
    assert_eq!((all.groups.len(), all.next), (451, None));
    let forged = client.search_groups("", 10, Some("made up")).await;
    assert!(
        matches!(forged, Err(DirectoryError::Unexpected { .. })),
        "{forged:?}"
    );
}

#[tokio::test]
async fn one_group_is_one_call_and_nested_people_count() {
    let cloud = Cloud::start().await;
    let ids = cloud.users(3);
    let inner = cloud.group("Inner", &ids[1..]);
    let outer = cloud.group("Outer", &[ids[0], inner]);
    cloud.graph().add_member(TENANT, inner, outer).unwrap();
    let members = cloud.client().group_members(&group_ids(&[outer])).await.unwrap();
    assert_eq!(members[&outer.into()], GroupMembers::People(user_ids(&ids)));
    assert_eq!(cloud.calls("/v1.0/"), 1);
}

#[tokio::test]
async fn many_groups_travel_twenty_at_a_time() {
    let cloud = Cloud::start().await;
    let ids = cloud.users(50);
    let groups: Vec<Uuid> = (0..45)
        .map(|n| cloud.group(&format!("G{n}"), &ids[n..=n]))
        .collect();
    let missing = Uuid::from_u128(9);
    let mut asked = groups.clone();
    asked.push(missing);
    let members = cloud.client().group_members(&group_ids(&asked)).await.unwrap();
    for (n, group) in groups.iter().enumerate() {
        assert_eq!(
            members[&(*group).into()],
            GroupMembers::People(user_ids(&ids[n..=n]))
        );
    }
    assert_eq!(members[&missing.into()], GroupMembers::NoSuchGroup);
    assert_eq!(cloud.calls("/v1.0/"), 3);
}

#[tokio::test]
async fn further_pages_of_batched_groups_are_batched_again() {
    let cloud = Cloud::start().await;
    let ids = cloud.users(1005);
    let groups: Vec<Uuid> = (0..3).map(|n| cloud.group(&format!("G{n}"), &ids)).collect();
    let members = cloud.client().group_members(&group_ids(&groups)).await.unwrap();
    assert!(
        members
            .values()
            .all(|m| *m == GroupMembers::People(user_ids(&ids)))
    );
    assert_eq!(cloud.calls("/v1.0/"), 2);
}

#[tokio::test]
async fn throttled_parts_of_a_batch_are_asked_again_after_the_longest_wait() {
    let cloud = Cloud::start().await;
    let ids = cloud.users(3);
    let groups: Vec<Uuid> = (0..10).map(|n| cloud.group(&format!("G{n}"), &ids)).collect();
    let pattern = format!("/v1.0/groups/{}*", groups[3]);
    cloud.fault(
        &pattern,
        0,
        1,
        FaultKind::Throttle {
            retry_after: Some("7".to_owned()),
        },
    );
    let pattern = format!("/v1.0/groups/{}*", groups[4]);
    cloud.fault(
        &pattern,
        0,
        1,
        FaultKind::Throttle {
            retry_after: Some("20".to_owned()),
        },
    );
    let members = cloud.client().group_members(&group_ids(&groups)).await.unwrap();
    assert!(
        members
            .values()
            .all(|m| *m == GroupMembers::People(user_ids(&ids)))
    );
    assert_eq!(cloud.calls("/v1.0/$batch"), 2);
    assert!((20..=22).contains(&cloud.seconds()), "{}", cloud.seconds());
}

#[tokio::test]
async fn a_part_that_never_comes_ends_the_read() {
    let cloud = Cloud::start().await;
    let groups = [cloud.group("A", &[]), cloud.group("B", &[])];
    let pattern = format!("/v1.0/groups/{}*", groups[1]);
    cloud.fault(&pattern, 0, 1000, FaultKind::Empty503);
    let error = cloud
        .client()
        .group_members(&group_ids(&groups))
        .await
        .unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable { .. }), "{error:?}");
    printed(&error);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let cloud = Cloud::start().await;
    let groups = [cloud.group("A", &[]), cloud.group("B", &[])];
    for role in ["Group.Read.All", "User.Read.All"] {
        cloud
            .graph()
            .revoke_role(TENANT, crate::support::APP, role)
            .unwrap();
    }
    for asked in [&groups[..1], &groups[..]] {
        let error = cloud.client().group_members(&group_ids(asked)).await.unwrap_err();
        assert!(
            matches!(&error, DirectoryError::PermissionMissing { permission } if permission == "Group.Read.All"),
            "{error:?}"
        );
    }
}
