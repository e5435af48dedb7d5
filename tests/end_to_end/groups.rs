//! Groups to extension groups, and to departments: made, followed, put back, let go; what cannot be done is told.

use serde_json::json;
use shared::domain::ids::EntraGroupId;
use shared::domain::operation_record::{OperationKind, OutcomeKind, Reason};
use shared::domain::settings::{GroupTarget, GroupType, ScopeKind};
use shared::domain::sync_run::{RunMode, RunState, SyncPart};
use shared::sync_run::approval::approve;

use crate::office::{Office, list};
use crate::stage::TENANT;

const PEOPLE: [&str; 4] = ["Ada Example", "Bo Example", "Cy Example", "Di Example"];

/// Two groups, one of them inside the other, in step.
async fn settled() -> (Office, uuid::Uuid, uuid::Uuid) {
    let office = Office::with(&PEOPLE).await;
    let sales = office.group("Sales", &["Ada Example"]);
    let company = office.group("Company", &["Bo Example"]);
    office.stage.graph.add_member(TENANT, company, sales).unwrap();
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.error_sentence());
    (office, sales, company)
}

// spec: 4, 82, 92, 93
#[tokio::test]
async fn groups_are_made_in_the_run_that_makes_their_peoples_extensions() {
    let (office, ..) = settled().await;
    assert_eq!(
        office.groups(),
        list(&[("Company", &["2000", "2001"]), ("Sales", &["2000"])])
    );
    let state = office
        .stage
        .engine
        .store
        .work_state(office.stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((state.counts.extensions, state.counts.groups), (4, 2));
    let again = office.stage.sync(RunMode::Full).await;
    assert_eq!((again.progress.total, again.counts().unchanged), (0, 6));
}

// spec: 81, 168, 174
#[tokio::test]
async fn a_part_that_is_off_is_not_read_at_all_and_goes_on_with_what_it_had() {
    let (office, sales, _) = settled().await;
    office
        .stage
        .settings(|settings| settings.groups.enabled = false)
        .await;
    office.leave(sales, "Ada Example");
    office.stage.graph.clear_requests();
    office.stage.pbx.reset_counters();
    office.stage.sync(RunMode::Full).await;
    let asked = office.stage.graph.requests();
    assert!(!asked.iter().any(|request| request.path.contains("/groups")));
    assert_eq!(office.stage.pbx.requests("extensiongroup/list"), 0);
    assert_eq!(office.groups()["Sales"], ["2000"]);
    office
        .stage
        .settings(|settings| settings.groups.enabled = true)
        .await;
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups().len(), 2);
    assert_eq!(office.groups()["Sales"], [""; 0]);
}

// spec: 161
#[tokio::test]
async fn groups_go_on_while_people_are_paused() {
    let (office, sales, _) = settled().await;
    office
        .stage
        .settings(|settings| settings.users.enabled = false)
        .await;
    office.stage.edit("Cy Example", &json!({ "surname": "Paused" }));
    office.join(sales, "Cy Example");
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2000", "2002"]);
    assert_eq!(office.stage.extensions()["2002"].last_name, "Example");
}

// spec: 94, 95
#[tokio::test]
async fn name_and_members_that_were_changed_by_hand_are_put_back_and_roles_stay() {
    let (office, ..) = settled().await;
    let (id, ada, cy) = (
        office.group_id("Sales"),
        office.extension_id("2000"),
        office.extension_id("2002"),
    );
    let members = json!([{ "ext_id": ada, "user_type": "manager" }, { "ext_id": cy, "user_type": "user" }]);
    for by_hand in [
        json!({ "id": id, "members": members }),
        json!({ "id": id, "name": "Ours" }),
    ] {
        office.by_hand("extensiongroup/update", &by_hand);
        let run = office.stage.sync(RunMode::Full).await;
        assert_eq!(office.groups()["Sales"], ["2000"]);
        let roles = office.stage.pbx.groups();
        let sales = roles.iter().find(|(of, _)| *of == id).unwrap();
        assert_eq!(sales.1.members[&ada], "manager");
        let told = office.told(&run).await;
        assert_eq!((told.len(), told[0].reason), (1, Reason::Drift));
    }
}

// spec: 93
#[tokio::test]
async fn a_group_that_was_deleted_by_hand_is_made_again() {
    let (office, ..) = settled().await;
    office.by_hand(
        "extensiongroup/delete",
        &json!({ "id": office.group_id("Sales") }),
    );
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2000"]);
    assert_eq!(office.told(&run).await[0].reason, Reason::DeletedOnPbx);
}

// spec: 5, 95, 152
#[tokio::test]
async fn a_delta_run_follows_joiners_movers_and_leavers_in_their_groups() {
    let (office, sales, company) = settled().await;
    // Somebody new who is in a group already, somebody who moves through a nested one, somebody who leaves.
    let eve = office
        .stage
        .graph
        .create_user(TENANT, &crate::stage::person("Eve Example"))
        .unwrap();
    office.stage.graph.add_member(TENANT, sales, eve).unwrap();
    office.join(sales, "Cy Example");
    let bo = office.stage.id("Bo Example");
    office.stage.graph.delete_user(TENANT, bo).unwrap();
    office.rename(company, "The Company");
    let run = office.stage.sync(RunMode::Delta).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(
        office.groups(),
        list(&[
            ("Sales", &["2000", "2002", "2004"]),
            ("The Company", &["2000", "2002", "2004"])
        ])
    );
}

#[tokio::test]
async fn a_delta_run_without_news_of_groups_asks_the_pbx_for_none() {
    let (office, ..) = settled().await;
    office.stage.sync(RunMode::Delta).await;
    office.stage.edit("Ada Example", &json!({ "jobTitle": "Boss" }));
    office.stage.graph.clear_requests();
    office.stage.pbx.reset_counters();
    let run = office.stage.sync(RunMode::Delta).await;
    assert_eq!(run.counts().update, 1);
    let asked = office.stage.graph.requests();
    let calls: Vec<_> = asked
        .iter()
        .filter(|r| r.path.starts_with("/v1.0"))
        .map(|r| r.path.clone())
        .collect();
    assert_eq!(calls.len(), 2, "changes of people and of groups: {calls:?}");
    assert_eq!(office.stage.pbx.requests("extensiongroup/list"), 0);
}

// spec: 83, 84, 85
#[tokio::test]
async fn the_scope_chooses_by_type_and_a_distribution_list_is_never_chosen() {
    let office = Office::with(&PEOPLE).await;
    let kinds = [
        ("Plain", json!([]), false, true),
        ("Mail enabled", json!([]), true, true),
        ("Team", json!(["Unified"]), true, false),
        ("Distribution", json!([]), true, false),
    ];
    for (name, types, mail, security) in kinds {
        let props = json!({ "displayName": name, "groupTypes": types, "mailEnabled": mail, "securityEnabled": security });
        office.group_of(&props, &["Ada Example"]);
    }
    office.stage.sync(RunMode::Full).await;
    let names = |office: &Office| office.groups().into_keys().collect::<Vec<_>>();
    assert_eq!(names(&office), ["Mail enabled", "Plain", "Team"]);
    let only = |types: &[GroupType]| types.iter().copied().collect();
    office
        .stage
        .settings(|settings| {
            settings.groups.scope.kind = ScopeKind::Types;
            settings.groups.scope.types = only(&[GroupType::Microsoft365]);
        })
        .await;
    office.stage.sync(RunMode::Full).await;
    assert_eq!(names(&office), ["Team"]);
}

// spec: 88, 89, 90, 153
#[tokio::test]
async fn what_falls_out_of_the_range_goes_with_the_next_run_or_is_let_go_for_good() {
    let (office, sales, company) = settled().await;
    let only = |group: uuid::Uuid| vec![EntraGroupId::from(group)];
    office
        .stage
        .settings(|settings| {
            settings.groups.scope.kind = ScopeKind::Groups;
            settings.groups.scope.group_ids = only(sales);
        })
        .await;
    assert_eq!(office.groups().len(), 2, "nothing goes at the save");
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups(), list(&[("Sales", &["2000"])]));
    office
        .stage
        .settings(|settings| {
            settings.groups.delete_when_out_of_scope = false;
            settings.groups.scope.group_ids = only(company);
        })
        .await;
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(
        run.counts_by_object[&shared::domain::operation_record::ObjectKind::Group].release,
        1
    );
    office.leave(sales, "Ada Example");
    office.rename(sales, "Renamed");
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2000"], "it is the PBX's own now");
}

#[tokio::test]
async fn a_group_deleted_in_entra_is_out_of_scope() {
    let (office, sales, _) = settled().await;
    office.stage.graph.delete_group(TENANT, sales).unwrap();
    let run = office.stage.sync(RunMode::Delta).await;
    assert_eq!(office.groups(), list(&[("Company", &["2001"])]));
    let told = office.told(&run).await;
    let deleted = told
        .iter()
        .find(|line| line.kind == OperationKind::Delete)
        .unwrap();
    assert_eq!(
        (deleted.reason, deleted.outcome),
        (Reason::GroupDeleted, OutcomeKind::Applied)
    );
    assert_eq!(deleted.before.as_ref().unwrap()["members"], "2000");
}

// spec: 96
#[tokio::test]
async fn people_without_an_extension_are_counted_and_fail_nothing() {
    let office = Office::tuned(&PEOPLE, |settings| {
        settings.users.scope =
            serde_json::from_value(json!({ "kind": "types", "types": ["member"] })).unwrap();
    })
    .await;
    office.stage.edit("Bo Example", &json!({ "userType": "Guest" }));
    office.group("Sales", &["Ada Example", "Bo Example"]);
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(office.groups(), list(&[("Sales", &["2000"])]));
    let told = office.told(&run).await;
    assert!(
        told[0].reason_text.contains("1 of its people have no extension"),
        "{told:?}"
    );
    let again = office.stage.sync(RunMode::Full).await;
    let told = office.told(&again).await;
    assert_eq!((told.len(), told[0].reason), (1, Reason::MembersWithoutExtension));
}

// spec: 80
#[tokio::test]
async fn of_eighty_groups_the_first_by_name_fit_and_the_rest_is_told() {
    let office = Office::with(&PEOPLE).await;
    for n in (0..80).rev() {
        office.group(&format!("Group {n:02}"), &[]);
    }
    let run = office.stage.sync(RunMode::Full).await;
    let groups = office.groups();
    assert_eq!((groups.len(), groups.contains_key("Group 61")), (62, true));
    let beyond = |told: &[shared::domain::operation_record::OperationRecord]| {
        let beyond = told.iter().filter(|line| line.reason == Reason::CapacityReached);
        beyond.map(|line| line.name.clone()).collect::<Vec<_>>()
    };
    let first = beyond(&office.told(&run).await);
    assert_eq!((first.len(), run.state), (18, RunState::Succeeded));
    let again = office.stage.sync(RunMode::Full).await;
    assert_eq!(
        (again.progress.total, beyond(&office.told(&again).await)),
        (0, first)
    );
}

#[tokio::test]
async fn two_groups_of_one_name_are_told_apart_and_a_foreign_one_is_left_alone() {
    let office = Office::with(&PEOPLE).await;
    let ada = {
        office.stage.sync(RunMode::Full).await;
        office.extension_id("2000")
    };
    let foreign = json!({ "name": "Sales", "member_select": "sel_specific", "members": [{ "ext_id": ada }] });
    office.by_hand("extensiongroup/create", &foreign);
    let ids = [
        office.group("Night shift", &["Ada Example"]),
        office.group("Night shift", &["Bo Example"]),
    ];
    office.group("Sales", &["Bo Example"]);
    let run = office.stage.sync(RunMode::Full).await;
    let later = ids.iter().max().unwrap().to_string();
    let marked = format!("Night shift ({})", &later[..4]);
    let groups = office.groups();
    assert_eq!(
        groups.keys().collect::<Vec<_>>(),
        ["Night shift", &marked, "Sales"]
    );
    assert_eq!(groups["Sales"], ["2000"]);
    let told = office.told(&run).await;
    let taken = told.iter().find(|line| line.reason == Reason::NameTaken).unwrap();
    assert_eq!((taken.kind, taken.name.as_str()), (OperationKind::Skip, "Sales"));
}

#[tokio::test]
async fn a_firmware_that_does_not_rename_fails_that_group_and_leaves_it_as_it_is() {
    let (office, sales, company) = settled().await;
    office
        .stage
        .pbx
        .change_settings(|s| s.behaviour.group_rename_honoured = false);
    let before = office.group_id("Sales");
    office.rename(sales, "Verkauf");
    office.join(company, "Di Example");
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::PartlyFailed);
    let told = office.told(&run).await;
    let failed = told
        .iter()
        .find(|line| line.outcome == OutcomeKind::Failed)
        .unwrap();
    assert_eq!(failed.reason, Reason::RenameUnsupported);
    assert_eq!(office.group_id("Sales"), before);
    assert_eq!(
        office.groups()["Company"],
        ["2000", "2001", "2003"],
        "others go on"
    );
    // Its members follow all the same, and a person may rename it there.
    office.join(sales, "Cy Example");
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2000", "2002"]);
    office.by_hand(
        "extensiongroup/update",
        &json!({ "id": before, "name": "Verkauf" }),
    );
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().failed), (RunState::Succeeded, 0));
}

#[tokio::test]
async fn a_firmware_that_keeps_other_members_than_were_written_is_told() {
    let (office, sales, _) = settled().await;
    office
        .stage
        .pbx
        .change_settings(|s| s.behaviour.group_members_replace = false);
    office.leave(sales, "Ada Example");
    office.join(sales, "Cy Example");
    let run = office.stage.sync(RunMode::Full).await;
    let told = office.told(&run).await;
    assert!(
        told.iter()
            .any(|line| line.reason == Reason::MembersNotKept && line.outcome == OutcomeKind::Failed)
    );
    office
        .stage
        .pbx
        .change_settings(|s| s.behaviour.group_members_replace = true);
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2002"]);
}

#[tokio::test]
async fn an_older_firmware_has_no_group_sync_and_people_go_on() {
    let office = Office::with(&PEOPLE).await;
    office
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.10.0.30".to_owned());
    office.group("Sales", &["Ada Example"]);
    office.stage.graph.clear_requests();
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().create), (RunState::PartlyFailed, 4));
    assert!(run.error_sentence().unwrap().contains("newer firmware"));
    let asked = office.stage.graph.requests();
    assert!(!asked.iter().any(|request| request.path.ends_with("/groups")));
    let state = office
        .stage
        .engine
        .store
        .work_state(office.stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert!(state.problems.contains_key(&SyncPart::Groups));
    assert_eq!(state.failures_in_row, 0, "the schedule is soon enough");
    // Once it is new enough, group sync goes on by itself.
    office
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = crate::office::FIRMWARE.to_owned());
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!((run.state, office.groups().len()), (RunState::Succeeded, 1));
    let state = office
        .stage
        .engine
        .store
        .work_state(office.stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert!(state.problems.is_empty());
}

#[tokio::test]
async fn departments_are_written_on_old_firmware_and_those_of_others_stay() {
    let office = Office::tuned(&PEOPLE, |settings| {
        settings.groups.target = GroupTarget::Organization;
    })
    .await;
    office
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.10.0.30".to_owned());
    office.stage.sync(RunMode::Full).await;
    let ada = office.extension_id("2000");
    let foreign = office
        .stage
        .pbx
        .organizations()
        .into_iter()
        .find(|(_, row)| row.parent.is_some());
    let foreign = foreign.map(|(id, _)| id);
    let before = office.departments();
    if let Some(id) = foreign {
        let places =
            json!({ "id": ada, "organization_list": [{ "value": "1" }, { "value": id.to_string() }] });
        office.by_hand("extension/update", &places);
    }
    let night = office.group("Night shift", &["Ada Example", "Bo Example"]);
    let day = office.group("Day shift", &["Ada Example"]);
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", office.told(&run).await);
    let departments = office.departments();
    assert_eq!(departments.len(), before.len() + 2);
    assert_eq!(departments["Night shift"], ["2000", "2001"]);
    assert_eq!(departments["Day shift"], ["2000"]);
    office.leave(night, "Ada Example");
    office.rename(night, "Night");
    office.stage.graph.delete_group(TENANT, day).unwrap();
    office.stage.sync(RunMode::Full).await;
    let departments = office.departments();
    assert_eq!(
        (departments.len(), &departments["Night"]),
        (before.len() + 1, &vec!["2001".to_owned()])
    );
    let ada = office
        .stage
        .pbx
        .extensions()
        .into_iter()
        .find(|e| e.number == "2000")
        .unwrap();
    assert!(ada.organizations.contains(&1) && foreign.is_none_or(|id| ada.organizations.contains(&id)));
}

#[tokio::test]
async fn departments_that_are_switched_off_on_the_pbx_are_told() {
    let office = Office::tuned(&PEOPLE, |settings| {
        settings.groups.target = GroupTarget::Organization;
    })
    .await;
    office
        .stage
        .pbx
        .change_settings(|settings| settings.organizations_enabled = false);
    office.group("Night shift", &["Ada Example"]);
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().create), (RunState::PartlyFailed, 4));
    assert!(run.error_sentence().unwrap().contains("70120"));
}

#[tokio::test]
async fn another_target_takes_the_place_of_the_first() {
    let (office, ..) = settled().await;
    let before = office.departments().len();
    office
        .stage
        .settings(|settings| settings.groups.target = GroupTarget::Organization)
        .await;
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups(), list(&[]));
    // The company has a department called Sales, which is not ours.
    assert_eq!(office.departments().len(), before + 1);
    let bound = office
        .stage
        .engine
        .store
        .group_bindings(office.stage.connection)
        .await
        .unwrap();
    assert!(
        bound
            .iter()
            .all(|binding| binding.target == GroupTarget::Organization)
    );
}

#[tokio::test]
async fn removals_of_groups_over_the_limit_wait_with_those_of_people() {
    let office = Office::with(&PEOPLE).await;
    let groups: Vec<_> = (0..12)
        .map(|n| office.group(&format!("Group {n:02}"), &["Ada Example"]))
        .collect();
    office.stage.sync(RunMode::Full).await;
    for group in &groups {
        office.stage.graph.delete_group(TENANT, *group).unwrap();
    }
    office.group("Other", &[]);
    let bo = office.stage.id("Bo Example");
    office.stage.graph.delete_user(TENANT, bo).unwrap();
    office
        .stage
        .settings(|settings| settings.safety.max_removals = 0)
        .await;
    let run = office.stage.sync(RunMode::Full).await;
    let held = run.held.clone().unwrap();
    assert_eq!((run.state, held.count), (RunState::Held, 13));
    assert!(
        held.because.contains("extensions") && held.because.contains("12 of 12 groups"),
        "{}",
        held.because
    );
    assert_eq!((office.groups().len(), office.stage.extensions().len()), (13, 4));
    approve(&office.stage.engine, office.stage.connection, run.id)
        .await
        .unwrap();
    office.stage.drive().await.unwrap();
    assert_eq!(office.stage.run(run.id).await.state, RunState::Succeeded);
    assert_eq!((office.groups().len(), office.stage.extensions().len()), (1, 3));
}

#[tokio::test]
async fn a_read_of_groups_that_breaks_off_removes_nothing_and_people_are_done_all_the_same() {
    let (office, sales, _) = settled().await;
    office.stage.graph.delete_group(TENANT, sales).unwrap();
    office.stage.edit("Ada Example", &json!({ "jobTitle": "Boss" }));
    let refused = json!({ "path": "/v1.0/groups", "kind": "empty503" });
    office
        .stage
        .graph
        .add_fault(serde_json::from_value(refused).unwrap());
    let run = office.stage.sync(RunMode::Full).await;
    assert_eq!((run.state, run.counts().update), (RunState::PartlyFailed, 1));
    assert!(run.problems.contains_key(&SyncPart::Groups));
    assert_eq!(office.groups().len(), 2);
    // It is tried again before the schedule's next time.
    let state = office
        .stage
        .engine
        .store
        .work_state(office.stage.connection)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state.failures_in_row, 1);
    assert!(
        state
            .due_at
            .is_some_and(|due| due <= office.stage.clock.now() + std::time::Duration::from_mins(15))
    );
}

#[tokio::test]
async fn what_a_failed_group_part_missed_the_next_delta_run_catches_up() {
    let (office, sales, _) = settled().await;
    office.join(sales, "Cy Example");
    office
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.10.0.30".to_owned());
    let run = office.stage.sync(RunMode::Delta).await;
    assert!(run.problems.contains_key(&SyncPart::Groups), "{run:?}");
    office
        .stage
        .pbx
        .change_settings(|settings| settings.firmware = crate::office::FIRMWARE.to_owned());
    office.stage.sync(RunMode::Delta).await;
    assert_eq!(office.groups()["Sales"], ["2000", "2002"]);
}

#[tokio::test]
async fn a_dry_run_shows_groups_and_writes_none() {
    let office = Office::with(&PEOPLE).await;
    office.group("Sales", &["Ada Example"]);
    let run = office.stage.dry_run().await;
    assert_eq!(office.groups(), list(&[]));
    let told = office.told(&run).await;
    assert_eq!(
        (told[0].kind, told[0].outcome),
        (OperationKind::Create, OutcomeKind::DryRun)
    );
    assert!(
        told[0].reason_text.contains("1 of them get one first"),
        "{}",
        told[0].reason_text
    );
}
