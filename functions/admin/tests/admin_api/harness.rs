//! One installation in memory, and calls to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admin::{AdminState, TokenHash, router};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use embedded_table::EmbeddedTable;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::alerts::{Outlets, attend};
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::domain::ids::{ClientId, ConnectionId, TenantId};
use shared::ports::{Clock, QueueError, SyncHint, SyncQueue};
use shared::secrets::FileKeySealer;
use shared::settings::{AddressPolicy, AdminSettings, Vars, WebOrigin};
use shared::store::{CreateOutcome, Store, create_table, local_client};
use shared::sync_run::Engine;
use tower::ServiceExt as _;
use web::Door;

use crate::fake_sides::FakeSides;

/// Of the token whose hash is in the settings.
pub const ADMIN: &str = "yc_bootstrap";
/// Of the connection that [`World::connected`] makes.
pub const CONNECTION: &str = "0190d2a0-0000-7000-8000-000000000001";
/// A GUID that names nothing here.
pub const NOBODY: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1cfff";
const BASE_URL: &str = "https://connector.example.com";

/// A clock that stands still until it is moved.
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    pub fn advance(&self, by: jiff::SignedDuration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, _for_how_long: Duration) {}
}

/// A queue that remembers.
#[derive(Default)]
pub struct RecordingQueue(Mutex<Vec<SyncHint>>);

impl RecordingQueue {
    pub fn hints(&self) -> Vec<SyncHint> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl SyncQueue for RecordingQueue {
    async fn send(&self, hint: &SyncHint) -> Result<(), QueueError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(hint.clone());
        Ok(())
    }
}

/// One installation.
pub struct World {
    pub router: Router,
    pub store: Store,
    pub sides: Arc<FakeSides>,
    pub clock: Arc<FixedClock>,
    pub queue: Arc<RecordingQueue>,
    _table: EmbeddedTable,
}

impl World {
    /// Without any connection.
    pub async fn start() -> Self {
        let table = EmbeddedTable::memory().await.unwrap();
        let client = local_client(&table.endpoint(), table.access_key());
        create_table(&client, "connector").await.unwrap();
        let clock = Arc::new(FixedClock(Mutex::new("2026-03-01T12:00:00Z".parse().unwrap())));
        let sealer = Arc::new(FileKeySealer::from_bytes([7; 32]));
        let store = Store::with_clock(client, "connector", sealer, clock.clone());
        let sides = Arc::new(FakeSides::default());
        let queue = Arc::new(RecordingQueue::default());
        let engine = Engine {
            store: store.clone(),
            sides: sides.clone(),
            clock: clock.clone(),
            queue: queue.clone(),
        };
        // Nobody signs in with Microsoft here: the port is closed.
        let door = Door::of(&engine, &"http://127.0.0.1:1".parse().unwrap(), origin()).unwrap();
        let state = AdminState {
            engine,
            alerts: outlets(),
            bootstrap: Some(TokenHash::of(ADMIN)),
            door,
        };
        Self {
            router: router(state),
            store,
            sides,
            clock,
            queue,
            _table: table,
        }
    }

    /// With one connection, connected.
    pub async fn connected() -> Self {
        let world = Self::start().await;
        let connection = connection();
        world
            .store
            .create_connection(&connection, &secrets())
            .await
            .unwrap();
        world
    }

    /// Makes one more connection; ids sort by their number, and that of [`World::connected`] has 1.
    pub async fn another(&self, number: u32) -> ConnectionId {
        let mut another = connection();
        another.id = ConnectionId::parse(&format!("0190d2a0-0000-7000-8000-{number:012}")).unwrap();
        another.name = format!("Branch {number}");
        another.pbx.serial_number = format!("SERIAL-OF-{number}");
        let made = self.store.create_connection(&another, &secrets()).await.unwrap();
        assert_eq!(made, CreateOutcome::Created);
        another.id
    }

    /// Gives the connection another status.
    pub async fn set_status(&self, status: ConnectionStatus) {
        let id = connection().id;
        let mut stored = self.store.connection(id).await.unwrap().unwrap();
        stored.value.status = status;
        self.store.save_connection(&stored).await.unwrap();
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the scheduler does when the alerts of the connection are due.
    pub async fn attend_to_alerts(&self) {
        let engine = Engine {
            store: self.store.clone(),
            sides: self.sides.clone(),
            clock: self.clock.clone(),
            queue: self.queue.clone(),
        };
        attend(&engine, &outlets(), connection().id).await.unwrap();
    }

    /// Makes one call.
    pub async fn call(&self, call: Call) -> Answer {
        let response = self.router.clone().oneshot(call.request()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

fn outlets() -> Outlets {
    Outlets {
        policy: AddressPolicy::Loopback,
        topic: None,
    }
}

fn origin() -> WebOrigin {
    let vars = Vars::from_iter([
        ("SECRETS_KEY", "file:/nowhere"),
        ("SYNC_QUEUE_URL", "https://sqs.example.com/q"),
        ("PUBLIC_BASE_URL", BASE_URL),
    ]);
    AdminSettings::read(&vars).unwrap().public_base_url
}

/// The connection of [`World::connected`].
pub fn connection() -> Connection {
    Connection {
        id: ConnectionId::parse(CONNECTION).unwrap(),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TenantId::parse("3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0aa").unwrap(),
        client: ClientId::parse("3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0bb").unwrap(),
        pbx: PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: "83.10.0.30".to_owned(),
            serial_number: "SERIAL-1".to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: "2026-02-01T00:00:00Z".parse().unwrap(),
    }
}

/// Its secrets.
pub fn secrets() -> ConnectionSecrets {
    ConnectionSecrets {
        app: AppCredential::secret("stored-client-secret"),
        pbx: PbxCredentials {
            client_id: "pbx-client".to_owned(),
            client_secret: "stored-pbx-secret".into(),
        },
        linkus_sdk: None,
    }
}

/// A body that makes a connection.
pub fn new_connection() -> Value {
    json!({
        "name": "Branch",
        "tenant_id": "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001",
        "client_id": "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c002",
        "client_secret": "fresh-client-secret",
        "pbx": {"base_url": "https://branch.example.com/", "client_id": "id", "client_secret": "fresh-pbx-secret"}
    })
}

/// A path below the connection.
pub fn path(rest: &str) -> String {
    format!("/api/v1/connections/{CONNECTION}{rest}")
}

/// A call to be made.
pub struct Call {
    method: Method,
    uri: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Call {
    /// As the admin of the settings.
    pub fn new(method: Method, uri: impl Into<String>) -> Self {
        Self::anonymous(method, uri).header("authorization", &format!("Bearer {ADMIN}"))
    }

    pub fn anonymous(method: Method, uri: impl Into<String>) -> Self {
        Self {
            method,
            uri: uri.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(uri: impl Into<String>) -> Self {
        Self::new(Method::GET, uri)
    }

    pub fn post(uri: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, uri).json(body)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub fn text(self, content_type: &str, body: &str) -> Self {
        let mut call = self.header(header::CONTENT_TYPE.as_str(), content_type);
        call.body = Some(body.to_owned());
        call
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.uri);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request
            .body(self.body.map_or_else(Body::empty, Body::from))
            .unwrap()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body, after the status was as expected.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The pointers of a refusal of this status and type.
    #[track_caller]
    pub fn refused(&self, status: u16, problem: &str) -> Vec<String> {
        let body = self.ok(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["type"], format!("/problems/{problem}"), "{}", self.text);
        assert_eq!(body["status"], status);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}
