//! The simulated PBX of the demo: in use for years, with extensions of its own that a sync must respect.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use simulators::pbx::{Config, KeyPair, Pbx, People, Person, Running};

/// About what a PBX on the same continent takes.
const LATENCY: Duration = Duration::from_millis(25);

/// New enough for extension groups.
const FIRMWARE: &str = "83.23.0.123";

/// A running PBX and how to sign in to it.
pub struct Phones {
    running: Running,
    credentials: KeyPair,
}

impl Phones {
    pub fn base_url(&self) -> String {
        self.running.base_url()
    }

    pub fn pbx(&self) -> Arc<Pbx> {
        self.running.pbx()
    }

    pub fn pbx_credentials(&self) -> KeyPair {
        self.credentials.clone()
    }
}

/// Starts it on a free loopback port.
pub async fn start() -> anyhow::Result<Phones> {
    let config = Config {
        firmware: FIRMWARE.to_owned(),
        capacity: 200,
        extensions: People::Listed(own_extensions()),
        latency: Some(LATENCY),
        ..Config::default()
    };
    let credentials = config.credentials.api.clone();
    let running = Pbx::start(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    Ok(Phones { running, credentials })
}

fn own_extensions() -> Vec<Person> {
    let foreign = |number: &str, first: &str, last: &str| Person {
        number: number.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        ..Person::default()
    };
    vec![
        foreign("1000", "Reception", ""),
        foreign("1001", "Meeting room", "Aurora"),
        foreign("1002", "Warehouse", "gate"),
        foreign("1099", "Lift", "emergency"),
        // In the way of the numbers that the sync gives out.
        foreign("2003", "Fax", "accounting"),
        // Made by hand before the tenant was connected: same mail as a person there, so the sync takes it over.
        Person {
            email_addr: "ingrid.solberg@northwind.example".to_owned(),
            title: "CEO".to_owned(),
            ..foreign("1010", "Ingrid", "Solberg")
        },
    ]
}
