//! What a simulated cloud starts with.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::behaviour::Behaviour;
use super::directory::{OtherObject, Props};
use super::seed;
use super::tenant::Certificate;
use crate::clock::SimClock;

/// The application roles that the connector asks for.
pub const CONNECTOR_ROLES: [&str; 6] = [
    "User.Read.All",
    "Group.Read.All",
    "Presence.Read.All",
    "Contacts.Read",
    "MailboxSettings.Read",
    "Application.Read.All",
];

pub struct Config {
    pub seed: u64,
    pub clock: SimClock,
    pub tenants: Vec<TenantConfig>,
    pub behaviour: Behaviour,
}

pub struct TenantConfig {
    pub tenant_id: String,
    pub name: String,
    pub domain: String,
    pub apps: Vec<AppConfig>,
    pub users: Vec<UserConfig>,
    pub groups: Vec<GroupConfig>,
    pub others: Vec<(Uuid, OtherObject)>,
}

pub struct AppConfig {
    pub client_id: String,
    pub display_name: String,
    pub secrets: Vec<SecretConfig>,
    pub certificates: Vec<Certificate>,
    pub roles: BTreeSet<String>,
    pub consent: bool,
    /// Where browsers may be sent back to.
    pub redirect_uris: BTreeSet<String>,
}

pub struct SecretConfig {
    pub value: String,
    pub ends_at: Timestamp,
}

pub struct UserConfig {
    pub id: Uuid,
    pub props: Props,
    pub manager: Option<Uuid>,
}

pub struct GroupConfig {
    pub id: Uuid,
    pub props: Props,
    pub members: BTreeSet<Uuid>,
}

impl AppConfig {
    /// An app with one secret and the connector's roles, consented.
    pub fn connector(client_id: &str, secret: &str, ends_at: Timestamp) -> Self {
        Self {
            client_id: client_id.to_owned(),
            display_name: "PBX connector".to_owned(),
            secrets: vec![SecretConfig {
                value: secret.to_owned(),
                ends_at,
            }],
            certificates: Vec::new(),
            roles: CONNECTOR_ROLES.iter().map(|role| (*role).to_owned()).collect(),
            consent: true,
            redirect_uris: BTreeSet::new(),
        }
    }

    /// With the addresses of a connector that answers at this origin.
    #[must_use]
    pub fn answering_at(mut self, origin: &str) -> Self {
        let paths = ["/connect/callback", "/sso/callback", "/console/callback"];
        self.redirect_uris = paths.iter().map(|path| format!("{origin}{path}")).collect();
        self
    }
}

impl TenantConfig {
    /// A tenant without anybody in it.
    pub fn empty(tenant_id: &str, domain: &str) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            name: domain.split('.').next().unwrap_or(domain).to_owned(),
            domain: domain.to_owned(),
            apps: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
            others: Vec::new(),
        }
    }
}

impl Config {
    /// No tenant yet.
    pub fn empty(seed: u64, clock: SimClock) -> Self {
        Self {
            seed,
            clock,
            tenants: Vec::new(),
            behaviour: Behaviour::default(),
        }
    }

    /// One tenant with this many believable people in believable groups; equal seeds give equal tenants.
    pub fn sized(seed: u64, users: usize, clock: SimClock) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tenant = seed::tenant(&mut rng, users, clock.now());
        Self {
            seed,
            clock,
            tenants: vec![tenant],
            behaviour: Behaviour::default(),
        }
    }
}
