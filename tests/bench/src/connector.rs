//! The connector's side of a measurement: an engine on addresses of the other sides, in this process or in one of its
//! own. It holds nothing of the simulators, so that its memory and time are its own.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use shared::clock::SystemClock;
use shared::deadline::Deadline;
use shared::domain::ids::ConnectionId;
use shared::domain::sync_run::{RunMode, RunRequest, SyncRun, Trigger};
use shared::ports::{Clock, SyncHint};
use shared::queue::NoQueue;
use shared::secrets::FileKeySealer;
use shared::settings::{AddressPolicy, GraphAddresses};
use shared::sides::RealSides;
use shared::store::{Store, local_client};
use shared::sync_run::Engine;
use shared::sync_run::request::request_run;
use shared::sync_run::run::run_due;

/// The table's name.
pub const TABLE: &str = "bench";

/// Where the other sides are; the PBX's address is in the table.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Of the table.
    pub table: String,
    /// What lets its clients in.
    pub table_key: SecretString,
    /// Of Graph.
    pub graph: String,
    /// Of the Microsoft sign-in.
    pub login: String,
}

impl Addresses {
    /// For a process of its own. Everybody on the machine sees them; what is in this table is made up.
    pub fn arguments(&self) -> [&str; 4] {
        [
            &self.table,
            self.table_key.expose_secret(),
            &self.graph,
            &self.login,
        ]
    }

    /// What [`Addresses::arguments`] wrote.
    pub fn from_arguments([table, table_key, graph, login]: [&String; 4]) -> Self {
        Self {
            table: table.clone(),
            table_key: table_key.clone().into(),
            graph: graph.clone(),
            login: login.clone(),
        }
    }

    /// Clients of their own, on real time: pace and tokens in memory start afresh.
    pub fn engine(&self) -> anyhow::Result<Engine> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sealer = Arc::new(FileKeySealer::from_bytes([9; 32]));
        let client = local_client(&self.table, &self.table_key);
        let store = Store::with_clock(client, TABLE, sealer, Arc::clone(&clock));
        let microsoft = GraphAddresses {
            graph: self.graph.parse().context("the address of Graph")?,
            login: self.login.parse().context("the address of the sign-in")?,
        };
        let sides = RealSides::new(
            microsoft,
            AddressPolicy::Loopback,
            store.clone(),
            Arc::clone(&clock),
        );
        Ok(Engine {
            store,
            sides: Arc::new(sides),
            clock,
            queue: Arc::new(NoQueue),
        })
    }
}

/// Asks for a run; it starts with [`drive`].
pub async fn ask(engine: &Engine, connection: ConnectionId, mode: RunMode) -> anyhow::Result<()> {
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode,
        dry_run: false,
        user: None,
    };
    request_run(engine, connection, request).await?;
    Ok(())
}

/// Deals with what is due, as one message of the queue does.
pub async fn drive(engine: &Engine, connection: ConnectionId) -> anyhow::Result<SyncRun> {
    let hint = SyncHint {
        connection_id: connection,
        trigger: Trigger::Manual,
        run_id: None,
    };
    run_due(engine, &hint, &Deadline::when_asked()).await?;
    let runs = engine.store.runs(connection, 1, None).await?;
    runs.items.into_iter().next().context("there is no run")
}

/// Asks for a run and deals with it.
pub async fn sync(engine: &Engine, connection: ConnectionId, mode: RunMode) -> anyhow::Result<SyncRun> {
    ask(engine, connection, mode).await?;
    drive(engine, connection).await
}
