//! A store on a table of its own: in memory, or on the engine that `STORE_TEST_ENDPOINT` names. Reads no other
//! environment, waits on no real clock, and seals with a fixed key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use embedded_table::EmbeddedTable;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::ports::Clock;
use crate::secrets::FileKeySealer;
use crate::store::{Store, create_table, local_client};

/// Time that moves only when told to, or when somebody waits.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// Past the end of time.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now
            .checked_add(by)
            .expect("tests stay within the range of instants");
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, for_how_long: Duration) {
        self.advance(for_how_long);
        tokio::task::yield_now().await;
    }
}

/// A store with a table of its own; the engine stops when this is dropped.
pub struct TestTable {
    /// The store.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// For looking at raw items.
    pub client: Client,
    /// Name of the table.
    pub name: String,
    /// The engine, unless `STORE_TEST_ENDPOINT` named one.
    pub engine: Option<EmbeddedTable>,
    endpoint: String,
    access_key: SecretString,
}

impl TestTable {
    /// The key that tests seal with.
    pub const KEY: [u8; 32] = [7; 32];

    /// A fresh, empty table.
    ///
    /// # Panics
    /// Where the engine does not start.
    pub async fn start() -> Self {
        let given = std::env::var("STORE_TEST_ENDPOINT").ok();
        let engine = match given {
            Some(_) => None,
            None => Some(EmbeddedTable::memory().await.expect("the engine starts")),
        };
        let endpoint = given
            .or_else(|| engine.as_ref().map(EmbeddedTable::endpoint))
            .expect("one of the two is there");
        // The engine that was named asks nobody for a key.
        let access_key = match &engine {
            Some(engine) => engine.access_key().clone(),
            None => SecretString::from("none"),
        };
        let name = format!("test-{}", uuid::Uuid::new_v4());
        let client = local_client(&endpoint, &access_key);
        create_table(&client, &name).await.expect("the table can be made");
        let clock = TestClock::at("2026-03-02T09:00:00Z".parse().expect("this is an instant"));
        Self {
            store: Self::store_through(client.clone(), &name, &clock),
            clock,
            client,
            name,
            engine,
            endpoint,
            access_key,
        }
    }

    /// Where the engine listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What the engine lets its clients in for.
    pub fn access_key(&self) -> &SecretString {
        &self.access_key
    }

    /// Another store on the same table, through this client.
    pub fn store_with(&self, client: Client) -> Store {
        Self::store_through(client, &self.name, &self.clock)
    }

    fn store_through(client: Client, name: &str, clock: &Arc<TestClock>) -> Store {
        let sealer = Arc::new(FileKeySealer::from_bytes(Self::KEY));
        let clock: Arc<TestClock> = Arc::clone(clock);
        Store::with_clock(client, name, sealer, clock)
    }
}
