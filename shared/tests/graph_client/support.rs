//! A tenant, its client, and a clock that both live by.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::domain::connection::AppCredential;
use shared::domain::entra_user::EntraUser;
use shared::domain::ids::{ClientId, EntraGroupId, EntraUserId, TenantId};
use shared::graph::{GraphClient, GraphConfig};
use shared::ports::{Clock, Directory, DirectoryError, UserQuery};
use simulators::clock::SimClock;
use simulators::graph::{AppConfig, Behaviour, Config, Fault, FaultKind, Graph, Running, TenantConfig};
use uuid::Uuid;

pub const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const APP: &str = "bbbbbbbb-0000-4000-8000-000000000001";
pub const SECRET: &str = "canary~secret+with/odd=chars";

/// Sleeping moves the simulator's time.
pub struct TestClock(pub SimClock);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, for_how_long: Duration) {
        self.0.advance(for_how_long);
    }
}

pub struct Cloud {
    pub running: Running,
    pub clock: SimClock,
}

pub fn start_time() -> Timestamp {
    "2026-03-01T10:15:00Z".parse().unwrap()
}

pub fn config(graph_base: String, login_base: String) -> GraphConfig {
    GraphConfig {
        graph_base,
        login_base,
        tenant: TenantId::parse(TENANT).unwrap(),
        client_id: ClientId::parse(APP).unwrap(),
        credential: AppCredential::secret(SECRET),
        retry_budget: GraphConfig::RUN_BUDGET,
    }
}

impl Cloud {
    pub async fn start() -> Self {
        let clock = SimClock::manual(start_time());
        let mut config = Config::empty(7, clock.clone());
        let mut tenant = TenantConfig::empty(TENANT, "one.example");
        let ends_at = start_time() + SignedDuration::from_hours(24 * 365);
        tenant.apps.push(AppConfig::connector(APP, SECRET, ends_at));
        config.tenants.push(tenant);
        let running = Graph::start(config, SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        Self { running, clock }
    }

    pub fn graph(&self) -> Arc<Graph> {
        self.running.graph()
    }

    pub fn config(&self) -> GraphConfig {
        config(self.running.graph_base_url(), self.running.login_base_url())
    }

    pub fn client(&self) -> GraphClient {
        self.client_of(self.config())
    }

    pub fn client_of(&self, config: GraphConfig) -> GraphClient {
        GraphClient::new(config, Arc::new(TestClock(self.clock.clone()))).unwrap()
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut behaviour = self.graph().behaviour();
        change(&mut behaviour);
        self.graph().set_behaviour(behaviour);
    }

    pub fn fault(&self, path: &str, skip: u32, times: u32, kind: FaultKind) {
        self.graph()
            .add_fault(Fault::new(path, kind).skip(skip).times(times));
    }

    pub fn user(&self, name: &str) -> Uuid {
        let upn = format!("{}@one.example", name.to_lowercase().replace(' ', "."));
        let props = json!({ "displayName": name, "userPrincipalName": upn, "mail": upn, "accountEnabled": true,
            "userType": "Member" });
        self.graph().create_user(TENANT, &props).unwrap()
    }

    pub fn users(&self, count: usize) -> Vec<Uuid> {
        (0..count)
            .map(|number| self.user(&format!("Person {number:04}")))
            .collect()
    }

    pub fn group(&self, name: &str, members: &[Uuid]) -> Uuid {
        let props =
            json!({ "displayName": name, "groupTypes": [], "securityEnabled": true, "mailEnabled": false });
        let id = self.graph().create_group(TENANT, &props).unwrap();
        for member in members {
            self.graph().add_member(TENANT, id, *member).unwrap();
        }
        id
    }

    /// How many requests came over the wire since the log was cleared, those within a batch apart.
    pub fn calls(&self, path: &str) -> usize {
        self.graph()
            .requests()
            .iter()
            .filter(|r| !r.in_batch && r.path.starts_with(path))
            .count()
    }

    /// Seconds that passed on the clock.
    pub fn seconds(&self) -> i64 {
        self.clock.now().as_second() - start_time().as_second()
    }
}

pub async fn all(client: &GraphClient) -> Result<BTreeMap<EntraUserId, EntraUser>, DirectoryError> {
    client.list_users(&UserQuery::default()).await
}

pub fn user_ids(ids: &[Uuid]) -> BTreeSet<EntraUserId> {
    ids.iter().map(|id| EntraUserId::from(*id)).collect()
}

pub fn group_ids(ids: &[Uuid]) -> BTreeSet<EntraGroupId> {
    ids.iter().map(|id| EntraGroupId::from(*id)).collect()
}

/// The error with its whole chain, as a log would print it; no secret may be in it.
pub fn printed(error: &DirectoryError) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(!text.contains("canary") && !text.contains("eyJ"), "{text}");
    text
}
