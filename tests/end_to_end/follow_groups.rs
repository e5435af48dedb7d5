//! Groups follow by themselves: name, members, deletion, through notifications and without them; other groups start nothing.

use std::time::Duration;

use serde_json::json;
use shared::domain::ids::EntraGroupId;
use shared::domain::settings::ScopeKind;
use shared::domain::sync_run::Trigger;
use uuid::Uuid;

use crate::follower::Follower;
use crate::office::{FIRMWARE, groups_of, list};
use crate::stage::{Stage, TENANT, person};

struct Branch {
    follower: Follower,
    sales: Uuid,
    inside: Uuid,
    other: Uuid,
}

/// Sales with Inside sales in it is synced, Other is not. In step.
async fn branch() -> Branch {
    let people: Vec<_> = ["Ada Example", "Bo Example", "Cy Example"].map(person).into();
    let stage = Stage::with(&people, Vec::new()).await;
    stage.pbx.change_settings(|settings| {
        FIRMWARE.clone_into(&mut settings.firmware);
        settings.behaviour.group_rename_honoured = true;
    });
    let made = |name: &str| {
        let props =
            json!({ "displayName": name, "groupTypes": [], "mailEnabled": false, "securityEnabled": true });
        stage.graph.create_group(TENANT, &props).unwrap()
    };
    let (sales, inside, other) = (made("Sales"), made("Inside sales"), made("Other"));
    stage
        .graph
        .add_member(TENANT, sales, stage.id("Ada Example"))
        .unwrap();
    stage.graph.add_member(TENANT, sales, inside).unwrap();
    let follower = Follower::of(stage, |settings| {
        settings.groups.enabled = true;
        settings.groups.delete_when_out_of_scope = true;
        settings.groups.scope.kind = ScopeKind::Groups;
        settings.groups.scope.group_ids = vec![EntraGroupId::from(sales)];
    })
    .await;
    Branch {
        follower,
        sales,
        inside,
        other,
    }
}

impl Branch {
    fn join(&self, group: Uuid, name: &str) {
        let stage = &self.follower.stage;
        stage.graph.add_member(TENANT, group, stage.id(name)).unwrap();
    }
}

// spec: 5, 149, 150, 152
#[tokio::test]
async fn a_new_name_and_a_new_member_reach_the_pbx_within_ten_minutes() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    assert_eq!(groups_of(stage), list(&[("Sales", &["2000"])]));
    let renamed = json!({ "displayName": "Verkauf" });
    stage.graph.update_group(TENANT, branch.sales, &renamed).unwrap();
    branch.join(branch.sales, "Bo Example");
    branch.follower.hear().await;
    assert_eq!(
        branch.follower.pending().await.count(),
        1,
        "one group, however often"
    );
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(groups_of(stage), list(&[("Verkauf", &["2000", "2001"])]));
    let work = stage
        .engine
        .store
        .work_state(stage.connection)
        .await
        .unwrap()
        .unwrap();
    let run = stage.run(work.last_run.unwrap()).await;
    assert_eq!(run.request.trigger, Trigger::Changes);
}

// spec: 150, 152
#[tokio::test]
async fn what_no_notification_tells_of_groups_is_found_by_looking() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    let mut behaviour = stage.graph.behaviour();
    behaviour.notifications.lost_percent = 100;
    stage.graph.set_behaviour(behaviour);
    branch.join(branch.sales, "Bo Example");
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(groups_of(stage), list(&[("Sales", &["2000", "2001"])]));
}

// spec: 152
#[tokio::test]
async fn who_comes_into_a_group_within_a_synced_one_comes_into_both() {
    let branch = branch().await;
    branch.join(branch.inside, "Cy Example");
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(
        groups_of(&branch.follower.stage),
        list(&[("Sales", &["2000", "2002"])])
    );
}

// spec: 153
#[tokio::test]
async fn a_group_outside_the_synced_set_triggers_nothing() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    branch.join(branch.other, "Bo Example");
    let renamed = json!({ "displayName": "Another" });
    stage.graph.update_group(TENANT, branch.other, &renamed).unwrap();
    // A group inside a synced one whose change moves nobody is no more.
    stage.graph.update_group(TENANT, branch.inside, &renamed).unwrap();
    stage.pbx.reset_counters();
    branch.follower.live(Duration::from_mins(15)).await;
    assert_eq!(branch.follower.pending().await.count(), 0);
    assert_eq!(stage.pbx.counters().requests.values().sum::<u64>(), 0);
}

// spec: 89, 152
#[tokio::test]
async fn a_group_that_is_deleted_in_entra_goes_by_itself() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    stage
        .settings(|settings| settings.groups.scope.group_ids.push(branch.inside.into()))
        .await;
    stage.sync(shared::domain::sync_run::RunMode::Full).await;
    stage.graph.delete_group(TENANT, branch.sales).unwrap();
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(groups_of(stage), list(&[("Inside sales", &[])]));
}

#[tokio::test]
async fn the_last_group_that_the_rules_name_does_not_go_without_a_persons_word() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    stage.graph.delete_group(TENANT, branch.sales).unwrap();
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(groups_of(stage), list(&[("Sales", &["2000"])]));
    let work = stage
        .engine
        .store
        .work_state(stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert!(work.held_run.is_some());
}

#[tokio::test]
async fn a_group_that_the_rules_take_in_is_made_by_itself() {
    let branch = branch().await;
    let stage = &branch.follower.stage;
    stage
        .settings(|settings| {
            settings.groups.scope.kind = ScopeKind::All;
            settings.groups.scope.group_ids.clear();
        })
        .await;
    branch.follower.soon().await;
    branch.follower.attend().await;
    stage.sync(shared::domain::sync_run::RunMode::Full).await;
    let props =
        json!({ "displayName": "Fresh", "groupTypes": [], "mailEnabled": false, "securityEnabled": true });
    let fresh = stage.graph.create_group(TENANT, &props).unwrap();
    branch.join(fresh, "Cy Example");
    branch.follower.live(Duration::from_mins(10)).await;
    assert_eq!(groups_of(stage)["Fresh"], ["2002"]);
}
