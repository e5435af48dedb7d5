//! Members of groups: nested, batched, throttled inside a batch.

use shared::ports::{Directory, DirectoryError, GroupMembers};
use simulators::graph::FaultKind;
use uuid::Uuid;

use crate::support::{Cloud, TENANT, group_ids, printed, user_ids};

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
