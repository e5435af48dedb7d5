//! A router to send requests to: over a sink that is watched, or over a table with one connection that follows its tenant.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use graph_notifications::{NotificationsState, Tally, router};
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use shared::changes::{Inbox, Notice, NoticeError, NoticeSink, Taken};
use shared::domain::binding::{Binding, Stage};
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::domain::extension::{FieldsDigest, OwnedFields};
use shared::domain::ids::{ClientId, EntraGroupId, EntraUserId};
use shared::domain::number::ExtensionNumber;
use shared::domain::subscription::SubscriptionKind;
use shared::ports::{Clock, QueueError, SyncHint, SyncQueue};
use shared::store::{Pending, Store, Subscription, Watch};
use shared::testing::table::{TestClock, TestTable};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::items::{connection, group_id, key, nonce, subscription, tenant, user_id};

/// What a caller gets.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Sends one request.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A batch as Graph posts it.
pub fn posted(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json; charset=utf-8")
        .body(body.into())
        .unwrap()
}

/// What becomes of notices that reach a sink.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Works,
    Fails,
    Hangs,
    Panics,
}

/// Remembers what it was given.
pub struct Sink {
    mood: Mood,
    calls: AtomicUsize,
    notices: Mutex<Vec<Notice>>,
}

#[derive(Debug, thiserror::Error)]
#[error("down")]
struct Down;

fn down() -> QueueError {
    QueueError(Box::new(Down))
}

#[async_trait]
impl NoticeSink for Sink {
    async fn take(&self, notices: Vec<Notice>) -> Result<Taken, NoticeError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.mood {
            Mood::Works => {}
            Mood::Fails => return Err(down().into()),
            Mood::Hangs => pending::<()>().await,
            Mood::Panics => std::panic::resume_unwind(Box::new("nobody reads this")),
        }
        let noted = notices.len();
        self.notices.lock().unwrap().extend(notices);
        Ok(Taken {
            noted,
            ..Taken::default()
        })
    }
}

/// The router over a sink.
pub struct Watched {
    pub router: Router,
    pub clock: Arc<TestClock>,
    state: NotificationsState,
    sink: Arc<Sink>,
}

impl Watched {
    pub fn new(mood: Mood) -> Self {
        let sink = Arc::new(Sink {
            mood,
            calls: AtomicUsize::new(0),
            notices: Mutex::default(),
        });
        let clock = TestClock::at("2026-03-01T12:00:00Z".parse().unwrap());
        let state = NotificationsState::new(key(), Arc::clone(&sink) as _, Arc::clone(&clock) as _);
        Self {
            router: router(state.clone()),
            clock,
            state,
            sink,
        }
    }

    pub async fn post(&self, body: impl Into<Body>) -> Answer {
        send(&self.router, posted("/graph/notifications", body)).await
    }

    pub fn calls(&self) -> usize {
        self.sink.calls.load(Ordering::Relaxed)
    }

    pub fn taken(&self) -> usize {
        self.sink.notices.lock().unwrap().len()
    }

    pub fn tally(&self) -> Tally {
        self.state.tally()
    }
}

/// Counts hints, unless it is down.
#[derive(Default)]
pub struct Queue {
    pub is_down: AtomicBool,
    pub hints: AtomicUsize,
}

#[async_trait]
impl SyncQueue for Queue {
    async fn send(&self, _: &SyncHint) -> Result<(), QueueError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(down());
        }
        self.hints.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A clock on which nobody waits to the end: a real table is never late.
struct NeverLate(Arc<TestClock>);

#[async_trait]
impl Clock for NeverLate {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

/// The router over a table. Persons 1 to 3 have extensions, group 1 matters, ten changes make a run due at once.
pub struct World {
    pub table: TestTable,
    pub queue: Arc<Queue>,
    pub router: Router,
    state: NotificationsState,
}

impl World {
    pub async fn new() -> Self {
        let table = TestTable::start().await;
        furnish(&table.store, table.clock.now()).await;
        let queue = Arc::new(Queue::default());
        let clock: Arc<dyn Clock> = Arc::new(NeverLate(Arc::clone(&table.clock)));
        let inbox = Inbox {
            store: table.store.clone(),
            queue: Arc::clone(&queue) as _,
            clock: Arc::clone(&clock),
        };
        let state = NotificationsState::new(key(), Arc::new(inbox), clock);
        Self {
            table,
            queue,
            router: router(state.clone()),
            state,
        }
    }

    pub async fn post(&self, body: String) -> StatusCode {
        send(&self.router, posted("/graph/notifications", body))
            .await
            .status
    }

    pub async fn pending(&self) -> Pending {
        self.table.store.pending(connection()).await.unwrap()
    }

    pub async fn watch(&self) -> Watch {
        let watch = self.table.store.watch(connection()).await;
        watch.unwrap().unwrap().value
    }

    pub fn tally(&self) -> Tally {
        self.state.tally()
    }

    pub fn hints(&self) -> usize {
        self.queue.hints.load(Ordering::Relaxed)
    }
}

async fn furnish(store: &Store, now: Timestamp) {
    let (connection, secrets) = joined(now);
    store.create_connection(&connection, &secrets).await.unwrap();
    let minute = Duration::from_mins(1);
    let lease = store.acquire_lease(connection.id, "worker", now, minute).await;
    let lease = lease.unwrap().unwrap();
    for n in 1..=3 {
        let binding = Binding {
            user: EntraUserId::from(user_id(n)),
            number: ExtensionNumber::parse(&(2_000 + n).to_string()).unwrap(),
            name: format!("Person {n}"),
            stage: Stage::Intended {
                at: now,
                wanted: FieldsDigest::of(&OwnedFields::default()),
            },
        };
        store.reserve(&lease, &binding).await.unwrap();
    }
    store.release_lease(&lease).await.unwrap();
    assert!(
        store
            .save_watch(connection.id, &following(now), None)
            .await
            .unwrap()
    );
}

fn joined(now: Timestamp) -> (Connection, ConnectionSecrets) {
    let connection = Connection {
        id: connection(),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: tenant(),
        client: ClientId::from(Uuid::from_u128(2)),
        pbx: PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: String::new(),
            serial_number: "3631A1234567".to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: now,
    };
    let secrets = ConnectionSecrets {
        app: AppCredential::secret("secret"),
        pbx: PbxCredentials {
            client_id: "id".to_owned(),
            client_secret: "secret".into(),
        },
        linkus_sdk: None,
    };
    (connection, secrets)
}

/// Follows both kinds, renewed an hour ago; nothing is due.
fn following(now: Timestamp) -> Watch {
    let subscribed = |kind| Subscription {
        id: subscription(kind),
        nonce: nonce(kind),
        reports_to: "https://connector.example.com".to_owned(),
        ends_at: now + Duration::from_hours(24 * 28),
        confirmed_at: now - Duration::from_hours(1),
        asked_at: None,
    };
    Watch {
        follows: true,
        threshold: 10,
        wait_seconds: 60,
        groups: [EntraGroupId::from(group_id(1))].into(),
        subscriptions: SubscriptionKind::ALL.map(|kind| (kind, subscribed(kind))).into(),
        due_at: None,
        ..Watch::idle(tenant(), now)
    }
}
