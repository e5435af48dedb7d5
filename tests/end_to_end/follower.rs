//! A stage whose connection follows its tenant: the webhook on a socket, the scheduler's attention on demand.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use graph_notifications::{NotificationsState, router};
use jiff::Timestamp;
use serde_json::Value;
use shared::changes::{Address, Inbox, Surroundings, attend};
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::{RunMode, SyncRun};
use shared::ports::Clock;
use shared::settings::WebOrigin;
use shared::store::{Pending, Watch};
use shared::sync_run::run::RunEnd;
use simulators::clock::SimClock;
use tokio::net::TcpListener;

use crate::stage::{Stage, TENANT, outlets};

/// The scheduler's step in one process.
const STEP: Duration = Duration::from_secs(5);

/// Simulated time in which nobody's patience ends.
struct Patient(SimClock);

#[async_trait::async_trait]
impl Clock for Patient {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

/// A stage and what follows its tenant.
pub struct Follower {
    pub stage: Stage,
    pub around: Surroundings,
    /// Every body that came to the webhook.
    pub heard: Arc<Mutex<Vec<Value>>>,
    pub origin: String,
}

impl Follower {
    /// In step, with notifications that come at once and once.
    pub async fn of(stage: Stage, change: impl FnOnce(&mut ConnectionSettings)) -> Self {
        let mut behaviour = stage.graph.behaviour();
        behaviour.notifications.delay_ms = 0;
        behaviour.notifications.spread_ms = 0;
        behaviour.notifications.most_copies = 1;
        stage.graph.set_behaviour(behaviour);
        let heard = Arc::default();
        let (origin, key) = listen(&stage, Arc::clone(&heard)).await;
        let around = Surroundings {
            key,
            address: Address::At(web_origin(&origin)),
            step: STEP,
            alerts: outlets(),
        };
        let follower = Self {
            stage,
            around,
            heard,
            origin,
        };
        follower.stage.settings(change).await;
        follower.stage.sync(RunMode::Full).await;
        follower.soon().await;
        follower.attend().await;
        follower
    }

    /// Has the watch attended to as a save of settings does.
    pub async fn soon(&self) {
        let stage = &self.stage;
        let now = stage.clock.now();
        let store = &stage.engine.store;
        store
            .watch_soon(stage.connection, TENANT.parse().unwrap(), now)
            .await
            .unwrap();
    }

    /// The scheduler's attention, if it is due.
    pub async fn attend(&self) {
        attend(&self.stage.engine, self.stage.connection, &self.around)
            .await
            .unwrap();
    }

    /// Delivers what the tenant has to tell.
    pub async fn hear(&self) -> usize {
        self.stage.graph.deliver_due().await
    }

    pub async fn pending(&self) -> Pending {
        self.stage
            .engine
            .store
            .pending(self.stage.connection)
            .await
            .unwrap()
    }

    pub async fn watch(&self) -> Watch {
        let watch = self
            .stage
            .engine
            .store
            .watch(self.stage.connection)
            .await
            .unwrap();
        watch.unwrap().value
    }

    /// The run that is due, if one is.
    pub async fn run_due(&self) -> Option<SyncRun> {
        match self.stage.drive().await.unwrap() {
            RunEnd::Finished(id) | RunEnd::Continues(id) => Some(self.stage.run(id).await),
            RunEnd::NothingDue | RunEnd::HeldByAnother => None,
        }
    }

    /// How many runs there were.
    pub async fn runs(&self) -> usize {
        let runs = self
            .stage
            .engine
            .store
            .runs(self.stage.connection, 100, None)
            .await;
        runs.unwrap().items.len()
    }

    /// Time passes as in a process: attention and runs come when they are due.
    pub async fn live(&self, for_how_long: Duration) {
        let until = self.stage.clock.now() + for_how_long;
        while self.stage.clock.now() < until {
            self.stage.clock.advance(STEP);
            self.hear().await;
            self.attend().await;
            self.run_due().await;
        }
    }

    /// Sends the webhook what it has heard before.
    pub async fn replay(&self, body: &Value) -> u16 {
        let url = format!("{}/graph/notifications", self.origin);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).json(body).send().await.unwrap();
        answer.status().as_u16()
    }
}

fn web_origin(origin: &str) -> WebOrigin {
    WebOrigin::of_listener(origin.trim_start_matches("http://").parse().unwrap())
}

async fn listen(
    stage: &Stage,
    heard: Arc<Mutex<Vec<Value>>>,
) -> (String, shared::domain::client_state::ClientStateKey) {
    let key = stage.engine.store.webhook_key().await.unwrap();
    let inbox = Inbox {
        store: stage.engine.store.clone(),
        queue: Arc::clone(&stage.engine.queue),
        clock: Arc::clone(&stage.engine.clock),
    };
    let clock = Arc::new(Patient(stage.clock.clone()));
    let webhook = NotificationsState::new(key.clone(), Arc::new(inbox), clock);
    let router: Router = router(webhook).layer(from_fn_with_state(heard, listen_in));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, key)
}

async fn listen_in(
    State(heard): State<Arc<Mutex<Vec<Value>>>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, 1 << 22).await.unwrap();
    if let Ok(body) = serde_json::from_slice(&bytes) {
        heard.lock().unwrap().push(body);
    }
    next.run(axum::extract::Request::from_parts(parts, bytes.into()))
        .await
}
