//! A running PBX, a clock that jumps over every wait, and shared token stores.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use shared::domain::connection::PbxCredentials;
use shared::domain::extension::{NewExtension, OwnedFields};
use shared::domain::number::ExtensionNumber;
use shared::pbx::{InMemoryTokens, PbxClient, PbxConfig, PbxTimeouts};
use shared::ports::{Clock, PbxTokenStore};
use shared::settings::AddressPolicy;
use simulators::clock::SimClock;
use simulators::pbx::{Config, Pbx, Running};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The simulator's clock; a wait is over at once and moves it.
pub struct TestClock {
    clock: SimClock,
    waits: Mutex<Vec<Duration>>,
}

impl TestClock {
    pub fn waited(&self) -> Duration {
        self.waits.lock().unwrap().iter().sum()
    }

    pub fn waits(&self) -> usize {
        self.waits.lock().unwrap().len()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, for_how_long: Duration) {
        self.waits.lock().unwrap().push(for_how_long);
        self.clock.advance(for_how_long);
        tokio::task::yield_now().await;
    }
}

/// A PBX and everything to make clients of it.
pub struct World {
    pub clock: Arc<TestClock>,
    pub running: Running,
    pub store: Arc<InMemoryTokens>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = SimClock::manual(Timestamp::from_second(1_700_000_000).unwrap());
        let mut config = Config {
            clock: clock.clone(),
            ..Config::default()
        };
        change(&mut config);
        Self {
            clock: Arc::new(TestClock {
                clock,
                waits: Mutex::default(),
            }),
            running: Pbx::start(config, loopback()).await.unwrap(),
            store: Arc::default(),
        }
    }

    pub fn pbx(&self) -> Arc<Pbx> {
        self.running.pbx()
    }

    pub fn config(&self) -> PbxConfig {
        config_for(&self.running.base_url(), "simulated-client-secret")
    }

    /// A client that shares its token with the other clients of this world.
    pub fn client(&self) -> PbxClient {
        self.client_with(self.config())
    }

    pub fn client_with(&self, config: PbxConfig) -> PbxClient {
        self.client_on(config, Arc::clone(&self.store) as _)
    }

    pub fn client_on(&self, config: PbxConfig, store: Arc<dyn PbxTokenStore>) -> PbxClient {
        PbxClient::new(config, store, Arc::clone(&self.clock) as _).unwrap()
    }
}

pub fn config_for(base_url: &str, secret: &str) -> PbxConfig {
    let credentials = PbxCredentials {
        client_id: "simulated-client-id".to_owned(),
        client_secret: secret.to_owned().into(),
    };
    PbxConfig::new(base_url, credentials, AddressPolicy::Loopback)
}

/// Gives up after so long; for the few tests about a PBX that does not answer.
pub fn impatient(config: PbxConfig) -> PbxConfig {
    PbxConfig {
        timeouts: PbxTimeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_millis(250),
        },
        ..config
    }
}

pub fn number(text: &str) -> ExtensionNumber {
    ExtensionNumber::parse(text).unwrap()
}

pub fn wanted(text: &str) -> NewExtension {
    NewExtension {
        number: number(text),
        fields: OwnedFields {
            first_name: "Ana".to_owned(),
            last_name: "Costa".to_owned(),
            email: format!("ana.{text}@example.com"),
            mobile: "+351910000000".to_owned(),
            title: "Engineer".to_owned(),
        },
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A server that is no PBX: says the same to every request, then keeps the connection open.
pub struct Canned {
    pub base_url: String,
    connections: Arc<AtomicUsize>,
}

impl Canned {
    pub async fn start(answer: String) -> Self {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let mut request = [0_u8; 4096];
                if stream.read(&mut request).await.is_ok()
                    && stream.write_all(answer.as_bytes()).await.is_ok()
                {
                    open.push(stream);
                }
            }
        });
        Self {
            base_url,
            connections,
        }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}
