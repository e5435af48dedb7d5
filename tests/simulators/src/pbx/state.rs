//! Everything the PBX remembers. One lock guards it, so every call sees and leaves a whole state.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::Value;

use super::call::Application;
use super::config::{Config, Credentials, Settings};
use super::contacts::Contact;
use super::extension::Extensions;
use super::faults::Faults;
use super::groups::Group;
use super::hub::Hub;
use super::linkus::Signature;
use super::organizations::Organization;
use super::phonebooks::Phonebook;
use super::tokens::Tokens;
use crate::clock::SimClock;

/// The state behind the lock.
pub struct State {
    pub settings: Settings,
    pub credentials: Credentials,
    pub clock: SimClock,
    pub started: Timestamp,
    pub random: ChaCha8Rng,
    pub tokens: Tokens,
    /// Failed sign-ins per address and application.
    pub failures: BTreeMap<IpAddr, u32>,
    pub extensions: Extensions,
    pub groups: Table<Group>,
    pub organizations: Table<Organization>,
    pub contacts: Table<Contact>,
    pub phonebooks: Table<Phonebook>,
    pub signatures: BTreeMap<String, Signature>,
    pub outbox: Vec<Mail>,
    pub hub: Hub,
    pub faults: Faults,
    pub counters: Counters,
}

/// Rows by id. An id is never given out twice.
pub struct Table<T> {
    pub rows: BTreeMap<u32, T>,
    next: u32,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            next: 1,
        }
    }
}

impl<T> Table<T> {
    /// The id of the next row; it is used up even if the row never comes.
    pub fn take_id(&mut self) -> u32 {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        id
    }

    /// Puts a row under a fresh id.
    pub fn insert(&mut self, row: T) -> u32 {
        let id = self.take_id();
        self.rows.insert(id, row);
        id
    }
}

/// A mail the PBX sent.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    pub at: Timestamp,
    pub to: String,
    /// `welcome` or `plain`.
    pub kind: &'static str,
    pub subject: String,
    pub content: String,
}

/// A change that an API call made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Write {
    pub at: Timestamp,
    pub endpoint: &'static str,
    /// The object that was made, changed or deleted, where there is one.
    pub id: Option<u32>,
}

/// What was asked of the API since the last reset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    /// Calls per endpoint, refused ones and those broken by a fault too.
    pub requests: BTreeMap<String, u64>,
    /// Changes in the order they were made.
    pub writes: Vec<Write>,
    /// Calls under way.
    pub in_flight: usize,
    /// Most calls that were under way together.
    pub in_flight_peak: usize,
    /// Answers per error number, those made up by a fault too.
    pub answers: BTreeMap<i64, u64>,
}

impl Counters {
    /// Forgets everything but the calls under way.
    pub fn reset(&mut self) {
        *self = Self {
            in_flight: self.in_flight,
            in_flight_peak: self.in_flight,
            ..Self::default()
        };
    }
}

/// Numbers that belong to queues, ring groups and the like: `extension/list` does not show them, and no
/// extension may have them.
pub const OTHER_NUMBERS: [(&str, &str, &str); 7] = [
    ("6200", "IVR", "Main menu"),
    ("6300", "ring_group", "Front desk"),
    ("6400", "queue", "Sales line"),
    ("6401", "queue", "Support line"),
    ("6402", "queue", "Billing line"),
    ("6500", "conference", "Board room"),
    ("6700", "group_vm", "Night mailbox"),
];

/// Roles by id, as the factory makes them.
pub const ROLES: [(u32, &str); 6] = [
    (1, "Administrator"),
    (2, "Supervisor"),
    (3, "Operator"),
    (4, "Employee"),
    (5, "Human Resource"),
    (6, "Accounting"),
];

impl State {
    /// An empty PBX: root organization, factory group and factory phonebook, nobody in it.
    pub fn empty(config: &Config) -> Self {
        let clock = config.clock.clone();
        let mut state = Self {
            settings: Settings::from_config(config),
            credentials: config.credentials.clone(),
            started: clock.now(),
            clock,
            random: ChaCha8Rng::seed_from_u64(config.seed),
            tokens: Tokens::default(),
            failures: BTreeMap::new(),
            extensions: Extensions::default(),
            groups: Table::default(),
            organizations: Table::default(),
            contacts: Table::default(),
            phonebooks: Table::default(),
            signatures: BTreeMap::new(),
            outbox: Vec::new(),
            hub: Hub::default(),
            faults: Faults::default(),
            counters: Counters::default(),
        };
        state.organizations.insert(Organization {
            name: config.company.clone(),
            parent: None,
        });
        state.groups.insert(Group::everyone());
        state.phonebooks.insert(Phonebook::everyone());
        state
    }

    /// An opaque text of letters and digits, different every time and the same for the same seed.
    pub fn random_text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .filter_map(|_| {
                LETTERS
                    .get(self.random.random_range(0..LETTERS.len()))
                    .copied()
                    .map(char::from)
            })
            .collect()
    }

    /// Addresses an application may call from.
    pub fn allow_list(&self, application: Application) -> Option<&BTreeSet<IpAddr>> {
        match application {
            Application::Api => self.settings.allow_list.as_ref(),
            Application::Sdk => self.settings.sdk_allow_list.as_ref(),
        }
    }

    /// Remembers a change for the writes log.
    pub fn record_write(&mut self, endpoint: &'static str, id: Option<u32>) {
        let at = self.clock.now();
        self.counters.writes.push(Write { at, endpoint, id });
    }

    /// Tells everyone who listens for this event.
    pub fn emit(&mut self, topic: u32, message: &Value, with_serial: bool) {
        let serial = with_serial.then(|| self.settings.serial_number.clone());
        let webhooks = self
            .settings
            .firmware_since(&self.settings.behaviour.webhooks_since);
        self.hub.emit(topic, message, serial, webhooks);
    }
}
