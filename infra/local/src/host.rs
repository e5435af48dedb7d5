//! The functions in one process: table, engine, workers, timer and HTTP server, started in this order and stopped in the reverse.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use admin::AdminState;
use embedded_table::EmbeddedTable;
use graph_notifications::NotificationsState;
use shared::changes::{Address, Inbox, Surroundings};
use shared::clock::SystemClock;
use shared::deadline::Deadline;
use shared::ports::{Clock, PresenceHint, SyncHint};
use shared::presence_poll::Poller;
use shared::queue::InProcessQueue;
use shared::settings::{AddressPolicy, GraphAddresses, SecretsKey, TableName, WebOrigin};
use shared::sides::RealSides;
use shared::store::{self, Store};
use shared::sync_run::Engine;
use shared::telemetry::chain;
use shared::wiring;
use sso_exchange::SsoState;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use web::Door;

use crate::data_dir::TableAddress;
use crate::{server, timer, worker};

/// What the runs under way get after a stop signal: the contract gives 10 s in all.
const TIME_TO_FINISH: Duration = Duration::from_secs(8);

/// What an engine in this process is made of.
pub struct Parts<'a> {
    pub table: Arc<EmbeddedTable>,
    pub table_name: &'a TableName,
    pub secrets_key: &'a SecretsKey,
    pub microsoft: GraphAddresses,
    pub policy: AddressPolicy,
    /// From one presence poll to the next.
    pub poll_every: Duration,
}

/// Where the server listens, and who may use it from the start.
pub struct Front {
    pub listen: SocketAddr,
    pub public_base_url: Option<WebOrigin>,
    pub bootstrap: Option<admin::TokenHash>,
}

/// The functions, running. Hints wait until [`Host::start_work`].
pub struct Host {
    engine: Engine,
    queue: Arc<InProcessQueue>,
    poll_every: Duration,
    table: Arc<EmbeddedTable>,
    origin: WebOrigin,
    around: Surroundings,
    stop: watch::Sender<bool>,
    deadline: Deadline,
    tasks: JoinSet<()>,
}

/// A table in this process, by its file or in memory, ready to use.
pub async fn open_store(table: &EmbeddedTable, name: &TableName, key: &SecretsKey) -> anyhow::Result<Store> {
    let client = store::local_client(&table.endpoint(), table.access_key());
    store::create_table(&client, name.as_str()).await?;
    Ok(Store::new(client, name.as_str(), wiring::sealer(key).await?))
}

/// The store of a table that another process of ours serves.
pub async fn store_at(address: &TableAddress, key: &SecretsKey) -> anyhow::Result<Store> {
    let client = store::local_client(&address.endpoint, &address.access_key);
    Ok(Store::new(client, &address.table, wiring::sealer(key).await?))
}

/// The embedded table of a file, or one in memory.
pub async fn open_table(file: Option<&Path>) -> anyhow::Result<Arc<EmbeddedTable>> {
    let table = match file {
        Some(file) => EmbeddedTable::file(file).await?,
        None => EmbeddedTable::memory().await?,
    };
    Ok(Arc::new(table))
}

impl Host {
    /// Starts the server. Nothing is synced yet.
    pub async fn start(parts: Parts<'_>, front: Front) -> anyhow::Result<Self> {
        let listener = server::listen(front.listen).await?;
        let origin = match front.public_base_url {
            Some(origin) => origin,
            None => WebOrigin::of_listener(listener.local_addr()?),
        };
        let queue = Arc::new(InProcessQueue::default());
        let engine = engine(&parts, Arc::clone(&queue)).await?;
        let door = Door::of(&engine, &parts.microsoft.login, origin.clone())?;
        let alerts = wiring::outlets(parts.policy, None).await;
        let state = AdminState {
            engine: engine.clone(),
            alerts: alerts.clone(),
            bootstrap: front.bootstrap,
            door: door.clone(),
        };
        let sso = SsoState {
            door,
            sides: Arc::clone(&engine.sides),
        };
        let address = Address::of(&origin, &parts.microsoft.graph);
        let around = wiring::surroundings(&engine.store, address, timer::STEP, alerts).await?;
        let inbox = Inbox {
            store: engine.store.clone(),
            queue: Arc::clone(&engine.queue),
            clock: Arc::clone(&engine.clock),
        };
        let clock = Arc::clone(&engine.clock);
        let notifications = NotificationsState::new(around.key.clone(), Arc::new(inbox), clock);
        let routes = admin::router(state)
            .merge(sso_exchange::router(sso))
            .merge(graph_notifications::router(notifications));
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(server::answer(listener, routes, stopping));
        Ok(Self {
            engine,
            around,
            queue,
            poll_every: parts.poll_every,
            table: parts.table,
            origin,
            stop,
            deadline: Deadline::when_asked(),
            tasks,
        })
    }

    /// From here on hints are followed and due work is looked for.
    pub fn start_work(&mut self) {
        let (engine, deadline) = (self.engine.clone(), self.deadline.clone());
        let follow = move |hint| follow(engine.clone(), hint, deadline.clone());
        let stopping = || self.stop.subscribe();
        self.tasks
            .spawn(worker::work(Arc::clone(&self.queue), follow, stopping()));
        let presence = Arc::new(InProcessQueue::<PresenceHint>::default());
        let poller = Arc::new(Poller::new(self.engine.clone(), self.poll_every));
        let deadline = self.deadline.clone();
        let poll = move |hint| poll(Arc::clone(&poller), hint, deadline.clone());
        self.tasks
            .spawn(worker::work(Arc::clone(&presence), poll, stopping()));
        self.tasks.spawn(timer::look_for_due_work(
            self.engine.clone(),
            presence,
            self.around.clone(),
            stopping(),
        ));
        self.tasks.spawn(timer::sweep(
            Arc::clone(&self.table),
            self.engine.clone(),
            stopping(),
        ));
    }

    /// At which origin the API answers.
    pub fn origin(&self) -> &WebOrigin {
        &self.origin
    }

    /// Takes no more work, lets runs under way finish the operation they are at and store how far they came.
    pub async fn stop(mut self) {
        self.deadline.ask();
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(TIME_TO_FINISH, all).await.is_err() {
            // A run that is cut is planned anew: what it had begun is written down before each operation.
            tracing::warn!("a run did not stop in time and is cut");
            self.tasks.shutdown().await;
        }
    }
}

async fn engine(parts: &Parts<'_>, queue: Arc<InProcessQueue>) -> anyhow::Result<Engine> {
    let store = open_store(&parts.table, parts.table_name, parts.secrets_key).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sides = RealSides::new(
        parts.microsoft.clone(),
        parts.policy,
        store.clone(),
        Arc::clone(&clock),
    );
    Ok(Engine {
        store,
        sides: Arc::new(sides),
        clock,
        queue,
    })
}

async fn follow(engine: Engine, hint: SyncHint, deadline: Deadline) {
    if let Err(error) = full_sync::run_one(&engine, &hint, &deadline).await {
        tracing::error!(connection.id = %hint.connection_id, error = %chain(&error), "a run failed; what is due stays due");
    }
}

async fn poll(poller: Arc<Poller>, hint: PresenceHint, deadline: Deadline) {
    if let Err(error) = presence_poll::poll_one(&poller, &hint, &deadline).await {
        tracing::error!(connection.id = %hint.connection_id, error = %chain(&error), "a presence poll failed; the next one clears up");
    }
}
