//! What is taken away with a part or a connection beyond people: groups, and contacts with their phonebooks.

use std::time::Duration;

use shared::domain::connection::ConnectionStatus;
use shared::domain::operation_record::{OperationKind, Reason};
use shared::domain::part::Part;
use shared::domain::sync_run::RunMode;
use shared::domain::teardown::Ticked;
use shared::store::ManagedCounts;
use shared::sync_run::lifecycle::{disable, disconnect, pause, resume};

use crate::contacts::{phonebooks, scene};
use crate::office::{Office, list};
use crate::stage::Stage;

const GROUPS: Ticked = Ticked {
    extensions: false,
    extension_groups: true,
};
const KEEP: Ticked = Ticked {
    extensions: false,
    extension_groups: false,
};

async fn office() -> Office {
    let office = Office::with(&["Ada Example", "Bo Example"]).await;
    office.group("Sales", &["Ada Example"]);
    office.stage.sync(RunMode::Full).await;
    office.by_hand(
        "extensiongroup/create",
        &serde_json::json!({ "name": "Foreign", "member_select": "sel_specific", "members": [] }),
    );
    office
}

/// Lets runs go until none is due: some have another one after them.
async fn settle(stage: &Stage) {
    for _ in 0..4 {
        stage.clock.advance(Duration::from_mins(20));
        stage.drive().await.unwrap();
    }
}

async fn status(stage: &Stage) -> ConnectionStatus {
    let stored = stage.engine.store.connection(stage.connection).await;
    let connection = stored.unwrap().unwrap().value;
    assert_eq!(connection.teardown, None);
    connection.status
}

async fn groups_bound(stage: &Stage) -> usize {
    let bindings = stage.engine.store.group_bindings(stage.connection).await;
    bindings.unwrap().len()
}

async fn contacts_bound(stage: &Stage) -> usize {
    let own = stage.engine.store.own_contacts(stage.connection).await.unwrap();
    own.contacts.len() + own.books.len()
}

// spec: 161, 164
#[tokio::test]
async fn a_pause_of_groups_deletes_their_extension_groups_and_leaves_people_alone() {
    let office = office().await;
    let stage = &office.stage;
    pause(&stage.engine, stage.connection, Part::Groups, true)
        .await
        .unwrap();
    settle(stage).await;
    assert_eq!(office.groups(), list(&[("Foreign", &[])]));
    assert_eq!((groups_bound(stage).await, stage.extensions().len()), (0, 2));
    assert_eq!(status(stage).await, ConnectionStatus::Connected);
    let runs = stage.engine.store.runs(stage.connection, 10, None).await.unwrap();
    let mut deleted = Vec::new();
    for run in runs.items {
        let lines = office.told(&run).await;
        deleted.extend(
            lines
                .into_iter()
                .filter(|line| line.kind == OperationKind::Delete),
        );
    }
    let told: Vec<_> = deleted
        .iter()
        .map(|line| (line.name.as_str(), line.reason))
        .collect();
    assert_eq!(told, [("Sales", Reason::SwitchedOff)]);

    resume(&stage.engine, stage.connection, Part::Groups)
        .await
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(office.groups()["Sales"], ["2000"]);
}

// spec: 170, 172
#[tokio::test]
async fn disabling_deletes_groups_though_extensions_stay() {
    let office = office().await;
    let stage = &office.stage;
    disable(&stage.engine, stage.connection, GROUPS).await.unwrap();
    settle(stage).await;
    assert_eq!(office.groups(), list(&[("Foreign", &[])]));
    assert_eq!((groups_bound(stage).await, stage.bindings().await.len()), (0, 2));
    assert_eq!(status(stage).await, ConnectionStatus::Disabled);
}

// spec: 176, 177, 178, 179
#[tokio::test]
async fn a_disconnection_deletes_or_lets_go_of_groups_as_ticked() {
    for (ticked, left) in [(GROUPS, 1), (KEEP, 2)] {
        let office = office().await;
        let stage = &office.stage;
        disconnect(&stage.engine, stage.connection, ticked).await.unwrap();
        settle(stage).await;
        assert_eq!((office.groups().len(), groups_bound(stage).await), (left, 0));
        assert_eq!((stage.extensions().len(), stage.bindings().await.len()), (2, 0));
        assert_eq!(status(stage).await, ConnectionStatus::Disconnected);
        let work = stage.engine.store.work_state(stage.connection).await.unwrap();
        assert_eq!(work.unwrap().counts, ManagedCounts::default());
    }
}

// spec: 160, 178
#[tokio::test]
async fn contacts_are_deleted_with_their_part_or_let_go_with_the_connection() {
    let stage = scene().await;
    stage.sync(RunMode::Full).await;
    let foreign = stage.pbx.contacts().len() - 2;
    pause(&stage.engine, stage.connection, Part::Contacts, true)
        .await
        .unwrap();
    settle(&stage).await;
    assert!(phonebooks(&stage).is_empty(), "{:?}", phonebooks(&stage));
    assert_eq!(
        (stage.pbx.contacts().len(), contacts_bound(&stage).await),
        (foreign, 0)
    );
    assert_eq!(status(&stage).await, ConnectionStatus::Connected);

    resume(&stage.engine, stage.connection, Part::Contacts)
        .await
        .unwrap();
    stage.sync(RunMode::Full).await;
    assert_eq!(phonebooks(&stage)["Sales"].len(), 2);
    disconnect(&stage.engine, stage.connection, KEEP).await.unwrap();
    settle(&stage).await;
    assert_eq!(
        (phonebooks(&stage)["Sales"].len(), contacts_bound(&stage).await),
        (2, 0)
    );
    assert_eq!(status(&stage).await, ConnectionStatus::Disconnected);
}
