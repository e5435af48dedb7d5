//! What a simulated PBX is made from. The same configuration always makes the same PBX.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use crate::clock::SimClock;

/// A user name and its secret, as the portal shows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Client ID or Access ID.
    pub id: String,
    /// Client Secret or Access Key.
    pub secret: String,
}

impl KeyPair {
    /// A pair of the given texts.
    pub fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("id", &self.id)
            .field("secret", &"[redacted]")
            .finish()
    }
}

/// The two applications that may sign in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Integrations > API.
    pub api: KeyPair,
    /// Integrations > Linkus SDK; `None` while it is off.
    pub sdk: Option<KeyPair>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            api: KeyPair::new("simulated-client-id", "simulated-client-secret"),
            sdk: Some(KeyPair::new("simulated-access-id", "simulated-access-key")),
        }
    }
}

/// An extension that exists before the first call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Digits; chosen by the PBX when empty.
    pub number: String,
    pub first_name: String,
    pub last_name: String,
    pub email_addr: String,
    pub mobile_number: String,
    pub title: String,
}

/// The extensions a PBX starts with.
#[derive(Clone, Debug)]
pub enum People {
    /// So many invented ones, numbered from 1000.
    Count(usize),
    /// Exactly these.
    Listed(Vec<Person>),
}

/// Everything a PBX is made from.
#[derive(Clone)]
pub struct Config {
    /// Invented people and tokens follow from it.
    pub seed: u64,
    pub firmware: String,
    pub serial_number: String,
    /// Licensed extensions.
    pub capacity: usize,
    pub credentials: Credentials,
    pub extensions: People,
    /// First and last extension number of Preferences.
    pub number_range: (u64, u64),
    /// The root organization's name.
    pub company: String,
    pub mail_domain: String,
    pub organizations_enabled: bool,
    pub behaviour: Behaviour,
    pub clock: SimClock,
    /// Time every API call takes at least.
    pub latency: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            firmware: "83.10.0.30".to_owned(),
            serial_number: "3600X0000001".to_owned(),
            capacity: 500,
            credentials: Credentials::default(),
            extensions: People::Count(5),
            number_range: (1_000, 9_999),
            company: "Contoso".to_owned(),
            mail_domain: "contoso.example".to_owned(),
            organizations_enabled: true,
            behaviour: Behaviour::default(),
            clock: SimClock::real(),
            latency: None,
        }
    }
}

impl Config {
    /// A PBX fit for `users` people who are yet to come: licensed for them and a tenth more, numbers
    /// enough, a few extensions of its own, the system clock.
    pub fn sized(seed: u64, users: usize) -> Self {
        let own = (users / 20).clamp(3, 50);
        let capacity = users + users / 10 + own + 20;
        let last = if users < 4_000 { 9_999 } else { 9_999_999 };
        let mut config = Self {
            seed,
            capacity,
            extensions: People::Count(own),
            number_range: (1_000, last),
            serial_number: format!("3600X{:07}", seed % 10_000_000),
            ..Self::default()
        };
        if users > 1_000 {
            config.behaviour.max_contacts = 500_000;
            config.behaviour.max_phonebooks = 500;
        }
        config
    }
}

/// What may change while the PBX runs, as a portal admin would change it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub firmware: String,
    pub serial_number: String,
    pub capacity: usize,
    pub number_range: (u64, u64),
    pub organizations_enabled: bool,
    /// Integrations > API is on.
    pub api_enabled: bool,
    /// Addresses the API application may call from; `None` is everywhere.
    pub allow_list: Option<BTreeSet<IpAddr>>,
    /// The Linkus SDK application's own list.
    pub sdk_allow_list: Option<BTreeSet<IpAddr>>,
    /// A mail server is configured.
    pub mail_server: bool,
    pub latency_ms: u64,
    pub behaviour: Behaviour,
}

impl Settings {
    pub(super) fn from_config(config: &Config) -> Self {
        let latency_ms = config.latency.map_or(0, |latency| latency.as_millis());
        Self {
            firmware: config.firmware.clone(),
            serial_number: config.serial_number.clone(),
            capacity: config.capacity,
            number_range: config.number_range,
            organizations_enabled: config.organizations_enabled,
            api_enabled: true,
            allow_list: None,
            sdk_allow_list: None,
            mail_server: true,
            latency_ms: u64::try_from(latency_ms).unwrap_or(u64::MAX),
            behaviour: config.behaviour.clone(),
        }
    }

    /// Whether the firmware is `first` or later. The leading group names the edition and does not count.
    pub fn firmware_since(&self, first: &str) -> bool {
        groups(&self.firmware) >= groups(first)
    }
}

fn groups(firmware: &str) -> Vec<u32> {
    firmware
        .split('.')
        .skip(1)
        .map(|group| group.parse().unwrap_or(0))
        .collect()
}
