//! One connection between a simulated tenant and a simulated PBX, on a table of its own, with time that tests own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use admin::{AdminState, TokenHash};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use embedded_table::EmbeddedTable;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::alerts::Outlets;
use shared::deadline::Deadline;
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::domain::extension::OwnedFields;
use shared::domain::ids::{ConnectionId, SyncRunId};
use shared::domain::operation_record::OperationRecord;
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use shared::ports::{Clock, SideFactory, SyncHint};
use shared::queue::NoQueue;
use shared::secrets::FileKeySealer;
use shared::settings::{AddressPolicy, GraphAddresses, LocalMode, LocalSettings, Vars, WebOrigin};
use shared::sides::RealSides;
use shared::store::{Store, create_table, local_client};
use shared::sync_run::Engine;
use shared::sync_run::request::request_run;
use shared::sync_run::run::{RunEnd, RunError, run_due};
use simulators::clock::SimClock;
use simulators::graph::{AppConfig, Graph, TenantConfig};
use simulators::pbx::{Pbx, People, Person};
use simulators::{graph, pbx};
use sso_exchange::SsoState;
use uuid::Uuid;
use web::Door;

use crate::browser::ORIGIN;
use crate::eavesdrop::{listen, nothing_betrayed};
use crate::proxy::{Scissors, wire};

pub const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub const APP: &str = "99999999-8888-4777-8666-555555555555";
/// Of the token that the functions take for an admin's.
pub const ADMIN_TOKEN: &str = "yc_stage";
pub const SECRET: &str = "a-secret~with+signs/";

/// Simulated time as the product sees it; waiting takes none.
pub struct StageClock(pub SimClock);

#[async_trait::async_trait]
impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, for_how_long: Duration) {
        self.0.advance(for_how_long);
        tokio::task::yield_now().await;
    }
}

/// Everything a scenario plays on.
pub struct Stage {
    pub clock: SimClock,
    pub graph: Arc<Graph>,
    pub pbx: Arc<Pbx>,
    pub engine: Engine,
    pub sides: Arc<RealSides>,
    pub connection: ConnectionId,
    pub scissors: Scissors,
    graph_running: graph::Running,
    _pbx: pbx::Running,
    table: EmbeddedTable,
}

/// A person as the tenant's admin would enter them.
pub fn person(name: &str) -> Value {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let local = first.to_lowercase();
    json!({
        "displayName": name, "givenName": first, "surname": last,
        "mail": format!("{local}@contoso.example"), "userPrincipalName": format!("{local}@contoso.example"),
        "accountEnabled": true, "userType": "Member",
    })
}

/// An extension as the PBX's admin would enter it.
pub fn extension(number: &str, first_name: &str, email: &str) -> Person {
    Person {
        number: number.into(),
        first_name: first_name.into(),
        email_addr: email.into(),
        ..Person::default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            nothing_betrayed();
        }
    }
}

impl Stage {
    /// These people, and these extensions that nobody synced.
    pub async fn with(people: &[Value], extensions: Vec<Person>) -> Self {
        listen();
        let clock = SimClock::manual("2026-03-02T09:00:00Z".parse().unwrap());
        let graph_running = start_graph(clock.clone()).await;
        let graph = graph_running.graph();
        for person in people {
            graph.create_user(TENANT, person).unwrap();
        }
        let config = pbx::Config {
            clock: clock.clone(),
            extensions: People::Listed(extensions),
            ..pbx::Config::default()
        };
        let pbx_running = Pbx::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let scissors = Scissors::default();
        let table = EmbeddedTable::memory().await.unwrap();
        let pbx_url = wire(pbx_running.base_url(), scissors.clone()).await;
        let table_url = wire(table.endpoint(), scissors.clone()).await;
        let (engine, sides) = engine(&table_url, table.access_key(), &graph_running, &clock).await;
        let connection = connect(&engine, &pbx_url).await;
        scissors.heal();
        Self {
            clock,
            pbx: pbx_running.pbx(),
            graph,
            engine,
            sides,
            connection,
            scissors,
            graph_running,
            _pbx: pbx_running,
            table,
        }
    }

    /// Saves settings; user sync is on unless `change` turns it off.
    pub async fn settings(&self, change: impl FnOnce(&mut ConnectionSettings)) {
        let stored = self
            .engine
            .store
            .settings(self.connection)
            .await
            .unwrap()
            .unwrap();
        let mut settings = stored.value;
        settings.users.enabled = true;
        change(&mut settings);
        self.engine
            .store
            .put_settings(self.connection, &settings, stored.version)
            .await
            .unwrap()
            .unwrap();
    }

    /// What people meet with a browser.
    pub fn functions(&self) -> Router {
        let login = self.graph_running.login_base_url().parse().unwrap();
        let door = Door::of(&self.engine, &login, origin()).unwrap();
        let sso = SsoState {
            door: door.clone(),
            sides: Arc::clone(&self.engine.sides),
        };
        let admin = AdminState {
            engine: self.engine.clone(),
            alerts: outlets(),
            bootstrap: Some(TokenHash::of(ADMIN_TOKEN)),
            door,
        };
        admin::router(admin).merge(sso_exchange::router(sso))
    }

    /// Asks for a run and runs it.
    pub async fn sync(&self, mode: RunMode) -> SyncRun {
        let id = self.ask(mode, false).await;
        self.drive().await.unwrap();
        self.run(id).await
    }

    pub async fn dry_run(&self) -> SyncRun {
        let id = self.ask(RunMode::Full, true).await;
        self.drive().await.unwrap();
        self.run(id).await
    }

    pub async fn ask(&self, mode: RunMode, dry_run: bool) -> SyncRunId {
        let request = RunRequest {
            trigger: Trigger::Manual,
            mode,
            dry_run,
            user: None,
        };
        request_run(&self.engine, self.connection, request).await.unwrap()
    }

    /// The same with clients of its own, as another process has them.
    pub fn fresh_process(&self) -> Engine {
        Engine {
            sides: sides(&self.graph_running, &self.engine.store, &self.engine.clock),
            ..self.engine.clone()
        }
    }

    /// One message of the queue.
    pub async fn drive(&self) -> Result<RunEnd, RunError> {
        self.drive_until(&Deadline::when_asked()).await
    }

    pub async fn drive_until(&self, deadline: &Deadline) -> Result<RunEnd, RunError> {
        let hint = SyncHint {
            connection_id: self.connection,
            trigger: Trigger::Manual,
            run_id: None,
        };
        run_due(&self.engine, &hint, deadline).await
    }

    pub async fn run(&self, id: SyncRunId) -> SyncRun {
        self.engine.store.run(self.connection, id).await.unwrap().unwrap()
    }

    pub async fn records(&self, run: SyncRunId) -> Vec<OperationRecord> {
        self.engine
            .store
            .records_of_run(self.connection, run, 1_000, None)
            .await
            .unwrap()
            .items
    }

    pub async fn status(&self) -> ConnectionStatus {
        self.engine
            .store
            .connection(self.connection)
            .await
            .unwrap()
            .unwrap()
            .value
            .status
    }

    /// Extensions by number: the fields a person would look at.
    pub fn extensions(&self) -> BTreeMap<String, OwnedFields> {
        let fields = |e: simulators::pbx::Extension| OwnedFields {
            first_name: e.first_name,
            last_name: e.last_name,
            email: e.email_addr,
            mobile: e.mobile_number,
            title: e.title,
        };
        self.pbx
            .extensions()
            .into_iter()
            .map(|e| (e.number.clone(), fields(e)))
            .collect()
    }

    /// Person to number, as our table has it; unfinished ones with a question mark.
    pub async fn bindings(&self) -> BTreeMap<String, String> {
        let bindings = self.engine.store.bindings(self.connection).await.unwrap();
        let told = |b: &shared::domain::binding::Binding| match b.bound() {
            Some(_) => b.number.to_string(),
            None => format!("{}?", b.number),
        };
        bindings.values().map(|b| (b.user.to_string(), told(b))).collect()
    }

    /// Everything in the table as whoever reads it without our keys sees it; bytes as text, as far as they are any.
    pub async fn table_in_plain(&self) -> String {
        let client = local_client(&self.table.endpoint(), self.table.access_key());
        let mut items = client.scan().table_name("stage").into_paginator().items().send();
        let mut text = String::new();
        while let Some(item) = items.next().await {
            for (name, value) in item.unwrap() {
                text.push_str(&name);
                tell(&value, &mut text);
            }
        }
        text
    }

    /// The object id of the person with this display name, deleted or not.
    pub fn id(&self, name: &str) -> Uuid {
        let ids = self.graph.user_ids(TENANT).unwrap();
        let named = |id: &Uuid| {
            self.graph
                .user(TENANT, *id)
                .unwrap()
                .is_some_and(|user| user["displayName"] == json!(name))
        };
        ids.into_iter().find(named).unwrap_or_else(|| panic_with(name))
    }

    pub fn edit(&self, name: &str, props: &Value) {
        self.graph.update_user(TENANT, self.id(name), props).unwrap();
    }
}

fn tell(value: &AttributeValue, text: &mut String) {
    match value {
        AttributeValue::S(plain) | AttributeValue::N(plain) => text.push_str(plain),
        AttributeValue::B(bytes) => text.push_str(&String::from_utf8_lossy(bytes.as_ref())),
        AttributeValue::Ss(all) | AttributeValue::Ns(all) => text.push_str(&all.join(" ")),
        AttributeValue::L(all) => all.iter().for_each(|value| tell(value, text)),
        AttributeValue::M(all) => all.values().for_each(|value| tell(value, text)),
        // Neither booleans nor nothing hold text, and sets of bytes are not used.
        _ => {}
    }
    text.push('\n');
}

/// Nothing but this machine can be reached, and there is no topic.
pub fn outlets() -> Outlets {
    Outlets {
        policy: AddressPolicy::Loopback,
        topic: None,
    }
}

fn origin() -> WebOrigin {
    let vars = Vars::from_iter([("PUBLIC_BASE_URL", ORIGIN)]);
    let settings = LocalSettings::read(&vars, LocalMode::Serve).unwrap();
    settings.public_base_url.unwrap()
}

#[expect(clippy::panic, reason = "a scenario that names nobody is a broken test")]
fn panic_with(name: &str) -> Uuid {
    panic!("nobody is called {name}")
}

async fn start_graph(clock: SimClock) -> graph::Running {
    let ends = "2028-01-01T00:00:00Z".parse().unwrap();
    let mut tenant = TenantConfig::empty(TENANT, "contoso.example");
    tenant.apps.push(AppConfig::connector(APP, SECRET, ends));
    let mut config = graph::Config::empty(7, clock);
    config.tenants.push(tenant);
    Graph::start(config, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
}

async fn engine(
    table_url: &str,
    table_key: &SecretString,
    graph: &graph::Running,
    clock: &SimClock,
) -> (Engine, Arc<RealSides>) {
    let clock: Arc<dyn Clock> = Arc::new(StageClock(clock.clone()));
    let client = hasty(&local_client(table_url, table_key));
    create_table(&client, "stage").await.unwrap();
    let sealer = Arc::new(FileKeySealer::from_bytes([9; 32]));
    let store = Store::with_clock(client, "stage", sealer, Arc::clone(&clock));
    let sides = sides(graph, &store, &clock);
    let engine = Engine {
        sides: Arc::clone(&sides) as Arc<dyn SideFactory>,
        store,
        clock,
        queue: Arc::new(NoQueue),
    };
    (engine, sides)
}

fn sides(graph: &graph::Running, store: &Store, clock: &Arc<dyn Clock>) -> Arc<RealSides> {
    let microsoft = GraphAddresses {
        graph: graph.graph_base_url().parse().unwrap(),
        login: graph.login_base_url().parse().unwrap(),
    };
    let (store, clock) = (store.clone(), Arc::clone(clock));
    Arc::new(RealSides::new(microsoft, AddressPolicy::Loopback, store, clock))
}

/// The same client without real pauses between its tries.
fn hasty(client: &Client) -> Client {
    let tries = RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(2));
    Client::from_conf(client.config().to_builder().retry_config(tries).build())
}

async fn connect(engine: &Engine, pbx_url: &str) -> ConnectionId {
    let connection = Connection {
        id: ConnectionId::generate(engine.clock.now()),
        name: "Contoso".into(),
        status: ConnectionStatus::Connected,
        tenant: TENANT.parse().unwrap(),
        client: APP.parse().unwrap(),
        pbx: PbxSide {
            base_url: pbx_url.into(),
            firmware_version: "83.10.0.30".into(),
            serial_number: "3600X0000001".into(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: engine.clock.now(),
    };
    engine
        .store
        .create_connection(&connection, &secrets())
        .await
        .unwrap();
    connection.id
}

/// What both sides of the stage let in.
pub fn secrets() -> ConnectionSecrets {
    ConnectionSecrets {
        app: AppCredential::secret(SECRET),
        pbx: PbxCredentials {
            client_id: "simulated-client-id".into(),
            client_secret: SecretString::from("simulated-client-secret"),
        },
        linkus_sdk: None,
    }
}
