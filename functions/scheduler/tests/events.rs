//! Every recorded tick goes through the handler, over a real table with one connection that is due and one that is not.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use embedded_table::EmbeddedTable;
use jiff::{SignedDuration, Timestamp};
use scheduler::{STEP, handle, tell_presence};
use shared::alerts::Outlets;
use shared::changes::{Address, Surroundings};
use shared::clock::SystemClock;
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::domain::ids::{ClientId, ConnectionId, TenantId};
use shared::domain::sync_run::Trigger;
use shared::ports::{Clock, PresenceHint};
use shared::queue::InProcessQueue;
use shared::secrets::FileKeySealer;
use shared::settings::{AddressPolicy, GraphAddresses};
use shared::sides::RealSides;
use shared::store::{Due, DueWork, Store, create_table, local_client};
use shared::sync_run::Engine;

const TABLE: &str = "connector";
const GUID: &str = "7c0f6a52-3d1e-4b7a-9f0c-2a51d8e6b301";

fn connection(serial_number: &str) -> Connection {
    let now = SystemClock.now();
    Connection {
        id: ConnectionId::generate(now),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TenantId::parse(GUID).unwrap(),
        client: ClientId::parse(GUID).unwrap(),
        pbx: PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: String::new(),
            serial_number: serial_number.to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: now,
    }
}

async fn add(store: &Store, serial_number: &str, due: Timestamp) -> ConnectionId {
    let connection = connection(serial_number);
    let secrets = ConnectionSecrets {
        app: AppCredential::secret("secret"),
        pbx: PbxCredentials {
            client_id: "id".to_owned(),
            client_secret: "secret".to_owned().into(),
        },
        linkus_sdk: None,
    };
    store.create_connection(&connection, &secrets).await.unwrap();
    store.set_due(connection.id, due).await.unwrap();
    connection.id
}

async fn engine(table: &EmbeddedTable, queue: Arc<InProcessQueue>) -> Engine {
    let client = local_client(&table.endpoint(), table.access_key());
    create_table(&client, TABLE).await.unwrap();
    let store = Store::new(client, TABLE, Arc::new(FileKeySealer::from_bytes([1; 32])));
    let microsoft = GraphAddresses {
        graph: "https://graph.microsoft.com/v1.0".parse().unwrap(),
        login: "https://login.microsoftonline.com".parse().unwrap(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sides = RealSides::new(
        microsoft,
        AddressPolicy::Public,
        store.clone(),
        Arc::clone(&clock),
    );
    Engine {
        store,
        sides: Arc::new(sides),
        clock,
        queue,
    }
}

// spec: 143, 149
#[tokio::test]
async fn every_recorded_tick_sends_one_hint_for_each_run_and_each_poll_that_is_due() {
    let table = EmbeddedTable::memory().await.unwrap();
    let queue = Arc::new(InProcessQueue::default());
    let engine = engine(&table, Arc::clone(&queue)).await;
    let now = SystemClock.now();
    let due = add(
        &engine.store,
        "A",
        now.saturating_sub(SignedDuration::from_secs(1)).unwrap(),
    )
    .await;
    add(
        &engine.store,
        "B",
        now.saturating_add(SignedDuration::from_hours(1)).unwrap(),
    )
    .await;

    engine
        .store
        .presence_soon(
            due,
            true,
            now.saturating_sub(SignedDuration::from_secs(1)).unwrap(),
        )
        .await
        .unwrap();
    let presence = InProcessQueue::<PresenceHint>::default();

    let around = Surroundings {
        key: engine.store.webhook_key().await.unwrap(),
        address: Address::unknown(),
        step: STEP,
        alerts: Outlets {
            policy: AddressPolicy::Loopback,
            topic: None,
        },
    };
    let mut expected = BTreeSet::from(["every-minute.json", "other-fields.json"]);
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/scheduler"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(expected.remove(name), "an event without an expectation: {name}");
        let tick: EventBridgeEvent = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        // A tick that comes again sends the hints again: what is due stays due.
        let sent = handle(&engine, &presence, &around, tick).await.unwrap();
        assert_eq!(sent, 2, "{name}");
        let hint = queue.take(&BTreeSet::new()).await;
        assert_eq!(
            (hint.connection_id, hint.trigger),
            (due, Trigger::Scheduled),
            "{name}"
        );
        let hint = presence.take(&BTreeSet::new()).await;
        assert_eq!(hint.connection_id, due, "{name}");
    }
    assert!(expected.is_empty(), "no such events: {expected:?}");
}

#[tokio::test]
async fn polls_that_stay_away_for_ten_minutes_are_noted_once() {
    let table = EmbeddedTable::memory().await.unwrap();
    let engine = engine(&table, Arc::new(InProcessQueue::default())).await;
    let now = SystemClock.now();
    let ago = |minutes| now.saturating_sub(SignedDuration::from_mins(minutes)).unwrap();
    let id = add(&engine.store, "A", now).await;
    engine.store.presence_soon(id, true, ago(11)).await.unwrap();
    let queue = InProcessQueue::<PresenceHint>::default();
    let alert = async || {
        let work = engine.store.presence_work(id).await.unwrap().unwrap();
        work.value.alert_since
    };
    for (due, noted) in [(ago(9), false), (ago(11), true), (ago(11), true)] {
        let due = Due {
            at: due,
            connection: id,
            work: DueWork::Presence,
        };
        let before = alert().await;
        tell_presence(&engine, &queue, &due).await;
        assert_eq!(alert().await.is_some(), noted);
        assert!(before.is_none() || alert().await == before);
    }
}
