//! Groups of the PBX: extension groups whatever shape their members have, departments without touching others'.

use std::collections::BTreeSet;

use serde_json::json;
use shared::domain::ids::{ExtensionId, PbxGroupId};
use shared::domain::pbx_group::{GroupPatch, GroupValues, PbxGroup};
use shared::domain::settings::GroupTarget;
use shared::pbx::PbxClient;
use shared::ports::{Deleted, PhoneGroups as _, PhoneSystemError};
use simulators::pbx::{Config, Fault, FaultKind, MemberShape, People, TooMany};

use crate::support::World;

const GROUPS: GroupTarget = GroupTarget::ExtensionGroup;
const DEPARTMENTS: GroupTarget = GroupTarget::Organization;

async fn newest() -> World {
    let world = World::with(|config: &mut Config| {
        "83.23.0.123".clone_into(&mut config.firmware);
        config.extensions = People::Count(12);
    })
    .await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.group_rename_honoured = true);
    world
}

fn values(name: &str, members: &[i64]) -> GroupValues {
    GroupValues {
        name: name.to_owned(),
        members: people(members),
    }
}

fn people(ids: &[i64]) -> BTreeSet<ExtensionId> {
    ids.iter().map(|id| ExtensionId(*id)).collect()
}

fn everybody() -> BTreeSet<ExtensionId> {
    (1..=12).map(ExtensionId).collect()
}

async fn detail(client: &PbxClient, target: GroupTarget, id: PbxGroupId) -> PbxGroup {
    let found = client.group_details(target, &[id].into(), &everybody()).await;
    found.unwrap().remove(&id).unwrap()
}

async fn update(client: &PbxClient, target: GroupTarget, id: PbxGroupId, after: GroupValues) {
    let before = detail(client, target, id).await;
    client
        .update_group(target, &GroupPatch { before, after })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_group_is_made_read_renamed_and_deleted_whatever_shape_its_members_have() {
    for shape in [
        MemberShape::Portal,
        MemberShape::PortalList,
        MemberShape::Options,
        MemberShape::Keys,
    ] {
        let world = newest().await;
        world
            .pbx()
            .change_settings(|settings| settings.behaviour.group_member_shape = shape);
        let client = world.client();
        let id = client
            .create_group(GROUPS, &values("Sales", &[1, 2]))
            .await
            .unwrap();
        assert!(
            detail(&client, GROUPS, id).await.is(&values("Sales", &[1, 2])),
            "{shape:?}"
        );
        update(&client, GROUPS, id, values("Verkauf", &[2, 3])).await;
        assert!(detail(&client, GROUPS, id).await.is(&values("Verkauf", &[2, 3])));
        assert_eq!(client.delete_group(GROUPS, id).await.unwrap(), Deleted::Now);
        assert_eq!(client.delete_group(GROUPS, id).await.unwrap(), Deleted::Earlier);
    }
}

#[tokio::test]
async fn groups_are_listed_over_pages_and_read_in_full_in_one_call() {
    let world = newest().await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.page_size_max = 10);
    let client = world.client();
    let mut ids = BTreeSet::new();
    for n in 0..24 {
        ids.insert(
            client
                .create_group(GROUPS, &values(&format!("G{n}"), &[1]))
                .await
                .unwrap(),
        );
    }
    let rows = client.list_groups(GROUPS).await.unwrap();
    // The factory's own is among them.
    assert_eq!(rows.len(), 25);
    world.pbx().reset_counters();
    ids.insert(PbxGroupId(9_999));
    let found = client.group_details(GROUPS, &ids, &everybody()).await.unwrap();
    assert_eq!(
        (found.len(), world.pbx().requests("extensiongroup/query")),
        (24, 1)
    );
    assert!(
        client
            .group_details(GROUPS, &BTreeSet::new(), &everybody())
            .await
            .unwrap()
            .is_empty()
    );
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_query_ids = Some(5));
    for answer in [TooMany::Refuse, TooMany::Cut] {
        world
            .pbx()
            .change_settings(|settings| settings.behaviour.too_many_query_ids = answer);
        let found = client.group_details(GROUPS, &ids, &everybody()).await.unwrap();
        assert_eq!(found.len(), 24, "{answer:?}");
    }
}

#[tokio::test]
async fn members_of_departments_are_whole_though_answers_are_cut_short() {
    let world = World::with(|config: &mut Config| config.extensions = People::Count(12)).await;
    world.pbx().change_settings(|settings| {
        settings.behaviour.max_query_ids = Some(5);
        settings.behaviour.too_many_query_ids = TooMany::Cut;
    });
    let client = world.client();
    let all: Vec<i64> = (1..=12).collect();
    let id = client
        .create_group(DEPARTMENTS, &values("All", &all))
        .await
        .unwrap();
    update(&client, DEPARTMENTS, id, values("All", &all)).await;
    assert!(detail(&client, DEPARTMENTS, id).await.has_members(&people(&all)));
}

/// No key to sort departments by is documented, and some firmware refuses a key that it does not know.
#[tokio::test]
async fn departments_are_listed_over_pages_without_a_word_about_their_order() {
    let world = World::new().await;
    let client = world.client();
    for n in 0..30 {
        let made = client
            .create_group(DEPARTMENTS, &values(&format!("D{n}"), &[]))
            .await;
        made.unwrap();
    }
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.page_size_max = 7);
    let rows = client.list_groups(DEPARTMENTS).await.unwrap();
    assert_eq!(
        rows.len() + 1,
        world.pbx().organizations().len(),
        "all but the root"
    );
}

#[tokio::test]
async fn a_firmware_without_extension_groups_says_so() {
    let world = World::new().await;
    let refused = world.client().list_groups(GROUPS).await;
    assert!(
        matches!(refused, Err(PhoneSystemError::NotInThisFirmware { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_taken_name_a_full_pbx_and_a_lost_answer_are_three_things() {
    let world = newest().await;
    let client = world.client();
    client.create_group(GROUPS, &values("Sales", &[])).await.unwrap();
    let taken = client.create_group(GROUPS, &values("Sales", &[])).await;
    assert!(
        matches!(taken, Err(PhoneSystemError::Conflict { .. })),
        "{taken:?}"
    );
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.max_extension_groups = 2);
    let full = client.create_group(GROUPS, &values("Other", &[])).await;
    assert!(matches!(full, Err(PhoneSystemError::CapacityReached)), "{full:?}");
    world
        .pbx()
        .fault(Fault::once("extensiongroup/update", FaultKind::DropAfterCommit));
    let before = detail(&client, GROUPS, PbxGroupId(2)).await;
    let after = values("Sales", &[4]);
    let lost = client.update_group(GROUPS, &GroupPatch { before, after }).await;
    assert!(
        matches!(lost, Err(PhoneSystemError::OutcomeUnknown { .. })),
        "{lost:?}"
    );
    assert_eq!(
        world.pbx().requests("extensiongroup/update"),
        1,
        "a write is sent once"
    );
}

#[tokio::test]
async fn departments_stand_below_the_root_and_people_keep_their_other_ones() {
    let world = World::with(|config: &mut Config| config.extensions = People::Count(12)).await;
    let client = world.client();
    let rows = client.list_groups(DEPARTMENTS).await.unwrap();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row.id != PbxGroupId(1)),
        "without the root"
    );
    let other = rows[0].id;
    let by_hand = json!({ "id": 1, "organization_list": [{ "value": "1" }, { "value": other.to_string() }] });
    world
        .pbx()
        .portal("extension/update", by_hand.as_object().unwrap().clone())
        .unwrap();
    let id = client
        .create_group(DEPARTMENTS, &values("Night shift", &[1, 2]))
        .await
        .unwrap();
    assert!(
        detail(&client, DEPARTMENTS, id).await.members.is_empty(),
        "made empty"
    );
    update(&client, DEPARTMENTS, id, values("Night shift", &[1, 2])).await;
    assert!(
        detail(&client, DEPARTMENTS, id)
            .await
            .has_members(&people(&[1, 2]))
    );
    update(&client, DEPARTMENTS, id, values("Nights", &[2, 3])).await;
    let now = detail(&client, DEPARTMENTS, id).await;
    assert!(now.is(&values("Nights", &[2, 3])), "{now:?}");
    let places = |n: u32| {
        let all = world.pbx().extensions();
        all.into_iter().find(|e| e.id == n).unwrap().organizations
    };
    let other = u32::try_from(other.0).unwrap();
    assert!(places(1).contains(&1) && places(1).contains(&other));
    assert_eq!(client.delete_group(DEPARTMENTS, id).await.unwrap(), Deleted::Now);
    assert_eq!(
        client.delete_group(DEPARTMENTS, id).await.unwrap(),
        Deleted::Earlier
    );
}

#[tokio::test]
async fn departments_that_are_switched_off_ask_for_an_admin() {
    let world = World::new().await;
    world
        .pbx()
        .change_settings(|settings| settings.organizations_enabled = false);
    let off = world.client().list_groups(DEPARTMENTS).await;
    assert!(
        matches!(&off, Err(PhoneSystemError::SwitchedOff { sentence }) if sentence.contains("70120")),
        "{off:?}"
    );
}
