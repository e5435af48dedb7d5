//! Another PBX at the address of ours, and ours set up anew: whose keys start again, and whose objects are somebody's.

use std::time::Duration;

use serde_json::json;
use shared::domain::connection::ConnectionStatus;
use shared::domain::sync_run::{RunMode, RunState};
use simulators::pbx::{self, People};

use crate::contacts::{phonebooks, scene};
use crate::office::{FIRMWARE, Office, list};
use crate::stage::{Stage, extension};

const SERIAL: &str = "3600X0000001";
const ANOTHER: &str = "3600X0000002";

/// Wipes the PBX; whoever sets it up enters one extension, and the credentials that ours had.
fn set_up_anew(stage: &Stage, serial: &str) {
    let config = pbx::Config {
        clock: stage.clock.clone(),
        serial_number: serial.to_owned(),
        firmware: FIRMWARE.to_owned(),
        extensions: People::Listed(vec![extension("4000", "Front", "desk@contoso.example")]),
        ..pbx::Config::default()
    };
    stage.pbx.set_up_anew(&config).unwrap();
    // Longer than anything that was bound before is ago.
    stage.clock.advance(Duration::from_mins(10));
}

async fn in_groups() -> Office {
    let office = Office::with(&["Ada Example", "Bo Example"]).await;
    office.group("Company", &["Ada Example"]);
    office.group("Sales", &["Ada Example", "Bo Example"]);
    office.stage.sync(RunMode::Full).await;
    assert_eq!(office.groups().len(), 2);
    office
}

#[tokio::test]
async fn another_pbx_at_the_address_of_ours_ends_every_run_before_it_writes() {
    let office = in_groups().await;
    let stage = &office.stage;
    let bound = stage.bindings().await;
    set_up_anew(stage, ANOTHER);
    stage.edit("Ada Example", &json!({ "jobTitle": "Boss" }));
    for mode in [RunMode::Full, RunMode::Delta] {
        let run = stage.sync(mode).await;
        assert_eq!(run.state, RunState::Failed, "{mode:?}");
        let sentence = run.error.unwrap();
        let told = format!("this is another PBX: serial number {ANOTHER}, expected {SERIAL}");
        assert!(sentence.contains(&told), "{sentence}");
        let ConnectionStatus::NeedsAttention { reason, .. } = stage.status().await else {
            unreachable!("{mode:?}");
        };
        assert_eq!(reason, sentence);
    }
    assert_eq!(stage.pbx.writes().len(), 0, "{:?}", stage.pbx.writes());
    assert_eq!(stage.bindings().await, bound);
    assert_eq!(stage.extensions().into_keys().collect::<Vec<_>>(), ["4000"]);
    // Ours is back.
    set_up_anew(stage, SERIAL);
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.error_sentence());
    assert_eq!(stage.status().await, ConnectionStatus::Connected);
}

// spec: 90
#[tokio::test]
async fn groups_that_somebody_made_on_a_pbx_set_up_anew_are_left_as_they_are() {
    let office = in_groups().await;
    let stage = &office.stage;
    let before: Vec<u32> = ["Company", "Sales"].map(|name| office.group_id(name)).into();
    set_up_anew(stage, SERIAL);
    let front = office.extension_id("4000");
    for name in ["Reception", "Night"] {
        let members = json!([{ "ext_id": front, "user_type": "user" }]);
        office.by_hand(
            "extensiongroup/create",
            &json!({ "name": name, "member_select": "sel_specific", "members": members }),
        );
    }
    let keys: Vec<u32> = ["Reception", "Night"].map(|name| office.group_id(name)).into();
    assert_eq!(keys, before, "the keys start again");
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.error_sentence());
    let expected = list(&[
        ("Company", &["2000"]),
        ("Night", &["4000"]),
        ("Reception", &["4000"]),
        ("Sales", &["2000", "2001"]),
    ]);
    assert_eq!(office.groups(), expected);
    assert_eq!(stage.sync(RunMode::Full).await.progress.total, 0);
}

// spec: 115
#[tokio::test]
async fn a_phonebook_that_somebody_made_on_a_pbx_set_up_anew_is_left_as_it_is() {
    let stage = scene().await;
    stage.sync(RunMode::Full).await;
    let by_hand = |endpoint: &str, body: serde_json::Value| {
        stage
            .pbx
            .portal(endpoint, body.as_object().unwrap().clone())
            .unwrap();
    };
    let key = |name: &str| {
        let books = stage.pbx.phonebooks();
        books.iter().find(|(_, book)| book.name == name).unwrap().0
    };
    let before = key("Sales");
    set_up_anew(&stage, SERIAL);
    by_hand(
        "company_contact/create",
        json!({ "first_name": "Foreign", "number_list": [{ "num_type": "other_number", "number": "7" }] }),
    );
    by_hand(
        "phonebook/create",
        json!({ "name": "Plumbers", "member_select": "sel_specific", "add_contacts_id_list": [1] }),
    );
    assert_eq!(key("Plumbers"), before, "the keys start again");
    let run = stage.sync(RunMode::Full).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.error_sentence());
    let books = phonebooks(&stage);
    assert_eq!(books["Plumbers"], ["Foreign".to_owned()].into());
    assert_eq!(books["Sales"].len(), 2);
    assert_eq!(stage.sync(RunMode::Full).await.progress.total, 0);
}

#[tokio::test]
async fn an_update_of_the_pbx_is_noted_with_what_it_can_do_and_costs_nothing_afterwards() {
    let office = in_groups().await;
    let stage = &office.stage;
    let stored = |stage: &Stage| {
        let (store, id) = (stage.engine.store.clone(), stage.connection);
        async move { store.connection(id).await.unwrap().unwrap().value.pbx }
    };
    let pbx = stored(stage).await;
    assert_eq!(
        (pbx.firmware_version.as_str(), pbx.capabilities.extension_groups),
        (FIRMWARE, true)
    );
    assert!(pbx.capabilities.contacts && pbx.capabilities.presence);
    stage.pbx.reset_counters();
    stage.sync(RunMode::Full).await;
    assert_eq!(
        stage.pbx.requests("system/information"),
        0,
        "the token is the same"
    );
    stage
        .pbx
        .change_settings(|settings| settings.firmware = "83.8.0.25".to_owned());
    stage.pbx.revoke_tokens();
    stage.sync(RunMode::Full).await;
    // The token was found to be ended by the run before.
    stage.sync(RunMode::Full).await;
    let pbx = stored(stage).await;
    assert_eq!(pbx.firmware_version, "83.8.0.25");
    assert!(!pbx.capabilities.extension_groups && !pbx.capabilities.contacts);
}
