//! Valid things to store; a test bends one of them.
#![allow(dead_code, reason = "each suite uses a part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

pub mod faults;
mod shapes;

use std::time::Duration;

use jiff::Timestamp;
use shared::domain::binding::{Binding, BoundExtension, Stage};
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, LinkusSdkCredentials,
    PbxCredentials, PbxSide,
};
use shared::domain::extension::{FieldsDigest, OwnedFields};
use shared::domain::ids::{ClientId, ConnectionId, EntraUserId, ExtensionId, SyncRunId, TenantId};
use shared::domain::number::ExtensionNumber;
use shared::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind, Reason};
use shared::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use shared::store::{CreateOutcome, Finish, Lease, ManagedCounts, RunOutcome, Store};
use shared::testing::table::TestTable;
use uuid::Uuid;

pub const TTL: Duration = Duration::from_mins(1);

pub fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

pub fn later(seconds: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_secs(seconds)
}

pub fn connection_of(serial: &str) -> Connection {
    Connection {
        id: ConnectionId::from(Uuid::new_v4()),
        name: "Head office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TenantId::from(Uuid::from_u128(1)),
        client: ClientId::from(Uuid::from_u128(2)),
        pbx: PbxSide {
            base_url: "https://office.example".to_owned(),
            firmware_version: "83.10.0.30".to_owned(),
            serial_number: serial.to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: now(),
    }
}

pub fn secrets() -> ConnectionSecrets {
    ConnectionSecrets {
        app: AppCredential::secret("canary-client-secret"),
        pbx: PbxCredentials {
            client_id: "canary-pbx-id".to_owned(),
            client_secret: "canary-pbx-secret".into(),
        },
        linkus_sdk: Some(LinkusSdkCredentials {
            access_id: "canary-access-id".to_owned(),
            access_key: "canary-access-key".into(),
        }),
    }
}

/// A table with one connection in it.
pub async fn connected() -> (TestTable, ConnectionId) {
    let table = TestTable::start().await;
    let id = add_connection(&table.store).await;
    (table, id)
}

pub async fn add_connection(store: &Store) -> ConnectionId {
    let connection = connection_of(&Uuid::new_v4().to_string());
    let made = store.create_connection(&connection, &secrets()).await.unwrap();
    assert_eq!(made, CreateOutcome::Created);
    connection.id
}

pub async fn leased(store: &Store, id: ConnectionId) -> Lease {
    store
        .acquire_lease(id, "worker", now(), TTL)
        .await
        .unwrap()
        .unwrap()
}

/// A lease that another worker has taken over since.
pub async fn stale_and_fresh(store: &Store, id: ConnectionId) -> (Lease, Lease) {
    let stale = leased(store, id).await;
    let fresh = store.acquire_lease(id, "second worker", later(61), TTL).await;
    (stale, fresh.unwrap().unwrap())
}

pub fn user(n: u128) -> EntraUserId {
    EntraUserId::from(Uuid::from_u128(n))
}

pub fn number(text: &str) -> ExtensionNumber {
    ExtensionNumber::parse(text).unwrap()
}

pub fn intended(n: u128, digits: &str) -> Binding {
    Binding {
        user: user(n),
        number: number(digits),
        name: format!("Person {n}"),
        stage: Stage::Intended {
            at: now(),
            wanted: FieldsDigest::of(&OwnedFields::default()),
        },
    }
}

pub fn bound(n: u128, digits: &str) -> Binding {
    Binding {
        stage: Stage::Bound(bound_extension()),
        ..intended(n, digits)
    }
}

pub fn bound_extension() -> BoundExtension {
    BoundExtension {
        extension: ExtensionId(77),
        written: FieldsDigest::of(&OwnedFields::default()),
        bound_at: now(),
        written_at: later(1),
    }
}

pub fn record(run: SyncRunId, n: u128, kind: OperationKind) -> OperationRecord {
    OperationRecord {
        at: now(),
        run,
        kind,
        object: ObjectKind::User,
        entra_id: user(n).to_string(),
        name: format!("Person {n}"),
        target_id: Some("77".to_owned()),
        number: Some("2000".to_owned()),
        before: None,
        after: None,
        reason: Reason::NewInScope,
        reason_text: "The rules choose this person.".to_owned(),
        outcome: OutcomeKind::Applied,
        error: None,
    }
}

pub fn run_of(id: ConnectionId, mode: RunMode) -> SyncRun {
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode,
        dry_run: false,
        user: None,
    };
    SyncRun::queued(id, request, now())
}

pub fn finish_of(run: SyncRunId) -> Finish {
    Finish {
        due_at: None,
        next_scheduled_at: None,
        answered_until: Some(now()),
        good: None,
        run,
        held_run: None,
        counts: ManagedCounts::default(),
        problems: None,
        outcome: RunOutcome::Good,
        halted: false,
        continues: false,
    }
}
