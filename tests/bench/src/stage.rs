//! The other sides: a tenant of so many people, a PBX and a table. Real time throughout, because time is what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded_table::EmbeddedTable;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::clock::SystemClock;
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::domain::ids::ConnectionId;
use shared::domain::number::ExtensionNumber;
use shared::domain::settings::NumberRule;
use shared::domain::sync_run::{RunMode, RunState, SyncRun};
use shared::ports::Clock as _;
use shared::store::{create_table, local_client};
use shared::sync_run::Engine;
use simulators::clock::SimClock;
use simulators::graph::{self, AppConfig, Graph, Props, TenantConfig, UserConfig};
use simulators::pbx::{self, Pbx, People, Person};
use uuid::Uuid;

use crate::connector::{Addresses, TABLE, sync};
use crate::table::CountedTable;

/// The tenant.
pub const TENANT: &str = "11111111-2222-4333-8444-555555555555";
/// The app registration.
pub const APP: &str = "99999999-8888-4777-8666-555555555555";
const SECRET: &str = "a-secret~with+signs/";
/// The first extension number; six digits, so that there are enough.
const FIRST_NUMBER: usize = 100_000;

/// What to measure on.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// People in the directory.
    pub people: usize,
    /// Whether each has an extension with the same values already.
    pub with_extensions: bool,
    /// What a call to the PBX takes at least.
    pub latency: Option<Duration>,
}

/// The other sides, and an engine in this process.
pub struct Stage {
    pub graph: Arc<Graph>,
    pub pbx: Arc<Pbx>,
    pub table: CountedTable,
    pub addresses: Addresses,
    pub engine: Engine,
    pub connection: ConnectionId,
    _graph: graph::Running,
    _pbx: pbx::Running,
    _table: EmbeddedTable,
}

impl Stage {
    pub async fn set(shape: Shape) -> anyhow::Result<Self> {
        let graph_running = Graph::start(cloud(shape.people), loopback()).await?;
        let pbx_running = Pbx::start(phone_system(shape), loopback()).await?;
        let table = EmbeddedTable::memory().await?;
        create_table(&local_client(&table.endpoint(), table.access_key()), TABLE).await?;
        let counted = CountedTable::before(table.endpoint()).await?;
        let addresses = Addresses {
            table: table.endpoint(),
            table_key: table.access_key().clone(),
            graph: graph_running.graph_base_url(),
            login: graph_running.login_base_url(),
        };
        let engine = addresses.engine()?;
        let connection = connect(&engine, &pbx_running.base_url()).await?;
        Ok(Self {
            graph: graph_running.graph(),
            pbx: pbx_running.pbx(),
            table: counted,
            addresses,
            engine,
            connection,
            _graph: graph_running,
            _pbx: pbx_running,
            _table: table,
        })
    }

    /// With everybody bound: they are taken over by their address, by an ordinary run.
    pub async fn in_step(people: usize) -> anyhow::Result<Self> {
        let stage = Self::set(Shape {
            people,
            with_extensions: true,
            latency: None,
        })
        .await?;
        let run = stage.sync(RunMode::Full).await?;
        let bound = run.counts().bind;
        anyhow::ensure!(bound == people as u64, "{bound} of {people} were bound");
        Ok(stage)
    }

    /// One run that must succeed.
    pub async fn sync(&self, mode: RunMode) -> anyhow::Result<SyncRun> {
        let run = sync(&self.engine, self.connection, mode).await?;
        anyhow::ensure!(
            run.state == RunState::Succeeded,
            "the run ended {:?}: {:?}",
            run.state,
            run.error
        );
        Ok(run)
    }

    /// Counts start at nothing.
    pub fn reset(&self) {
        self.graph.clear_requests();
        self.pbx.reset_counters();
    }

    /// Calls to Graph, sign-ins apart.
    pub fn graph_calls(&self) -> u64 {
        let calls = self.graph.requests();
        calls.iter().filter(|call| call.path.starts_with("/v1.0")).count() as u64
    }

    /// Calls to the PBX, sign-ins included.
    pub fn pbx_calls(&self) -> u64 {
        self.pbx.counters().requests.values().sum()
    }

    /// Another job title for the first so many people.
    pub fn promote(&self, people: usize) -> anyhow::Result<()> {
        for number in 0..people {
            self.graph
                .update_user(TENANT, id(number), &json!({"jobTitle": "Manager"}))
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        }
        Ok(())
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn id(number: usize) -> Uuid {
    // Spread over the whole range, as object ids are.
    Uuid::from_u128((number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn address(number: usize) -> String {
    format!("person{number:06}@contoso.example")
}

fn user(number: usize) -> UserConfig {
    let values: [(&'static str, Value); 8] = [
        ("displayName", json!(format!("Person{number:06} Example"))),
        ("givenName", json!(format!("Person{number:06}"))),
        ("surname", json!("Example")),
        ("mail", json!(address(number))),
        ("userPrincipalName", json!(address(number))),
        ("jobTitle", json!("Engineer")),
        ("accountEnabled", json!(true)),
        ("userType", json!("Member")),
    ];
    UserConfig {
        id: id(number),
        props: values
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect::<Props>(),
        manager: None,
    }
}

fn cloud(people: usize) -> graph::Config {
    let mut tenant = TenantConfig::empty(TENANT, "contoso.example");
    tenant
        .apps
        .push(AppConfig::connector(APP, SECRET, jiff::Timestamp::MAX));
    tenant.users = (0..people).map(user).collect();
    let mut config = graph::Config::empty(7, SimClock::real());
    config.tenants.push(tenant);
    config
}

fn phone_system(shape: Shape) -> pbx::Config {
    let extension = |number: usize| Person {
        number: (FIRST_NUMBER + number).to_string(),
        first_name: format!("Person{number:06}"),
        last_name: "Example".to_owned(),
        email_addr: address(number),
        mobile_number: String::new(),
        title: "Engineer".to_owned(),
    };
    let there = if shape.with_extensions { shape.people } else { 0 };
    pbx::Config {
        extensions: People::Listed((0..there).map(extension).collect()),
        number_range: (1_000, 9_999_999),
        latency: shape.latency,
        ..pbx::Config::sized(7, shape.people.max(4_000))
    }
}

async fn connect(engine: &Engine, pbx_url: &str) -> anyhow::Result<ConnectionId> {
    let now = SystemClock.now();
    let connection = Connection {
        id: ConnectionId::generate(now),
        name: "Contoso".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TENANT.parse()?,
        client: APP.parse()?,
        pbx: PbxSide {
            base_url: pbx_url.to_owned(),
            firmware_version: "83.10.0.30".to_owned(),
            serial_number: "3600X0000007".to_owned(),
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
        app: AppCredential::secret(SECRET),
        pbx: PbxCredentials {
            client_id: "simulated-client-id".to_owned(),
            client_secret: SecretString::from("simulated-client-secret"),
        },
        linkus_sdk: None,
    };
    engine.store.create_connection(&connection, &secrets).await?;
    switch_on(engine, connection.id).await?;
    Ok(connection.id)
}

async fn switch_on(engine: &Engine, connection: ConnectionId) -> anyhow::Result<()> {
    let stored = engine.store.settings(connection).await?.context("no settings")?;
    let mut settings = stored.value;
    settings.users.enabled = true;
    settings.users.number = NumberRule::Automatic {
        start: ExtensionNumber::parse(&FIRST_NUMBER.to_string())?,
        reserved: Vec::new(),
    };
    engine
        .store
        .put_settings(connection, &settings, stored.version)
        .await?
        .map_err(|_| anyhow::anyhow!("the settings changed meanwhile"))?;
    Ok(())
}
