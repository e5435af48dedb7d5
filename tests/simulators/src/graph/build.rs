//! From what a tenant starts with to the tenant that lives. Nothing of it appears in a change log: a first
//! delta round reads the objects themselves.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::config::{AppConfig, TenantConfig};
use super::directory::{Directory, seconds};
use super::grants::People;
use super::keys::KeyRing;
use super::presence::Presences;
use super::tenant::{App, Secret, Tenant};
use super::world::random_id;

impl TenantConfig {
    pub(super) fn build(self, number: usize, now: Timestamp, rng: &mut ChaCha8Rng) -> Tenant {
        let mut directory = Directory::default();
        for mut user in self.users {
            user.props
                .entry("createdDateTime".into())
                .or_insert_with(|| json!(seconds(now)));
            directory.plant_user(user.id, user.props);
            if let Some(manager) = user.manager {
                directory.managers.insert(user.id, manager);
            }
        }
        for mut group in self.groups {
            group
                .props
                .entry("createdDateTime".into())
                .or_insert_with(|| json!(seconds(now)));
            directory.groups.live.insert(group.id, group.props);
            directory.members.insert(group.id, group.members);
        }
        directory.others.extend(self.others);
        let apps = self
            .apps
            .into_iter()
            .map(|app| (app.client_id.clone(), app.build(now, rng)));
        Tenant {
            apps: apps.collect(),
            id: self.tenant_id,
            name: self.name,
            domain: self.domain,
            directory,
            keys: KeyRing::new(number),
            delta_epoch: 0,
            transitive: RefCell::default(),
            people: People::default(),
            presences: Presences::default(),
            mailboxes: BTreeMap::new(),
        }
    }
}

impl AppConfig {
    pub(super) fn build(self, now: Timestamp, rng: &mut ChaCha8Rng) -> App {
        let starts_at = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now);
        let secrets = self.secrets.into_iter().map(|secret| Secret {
            key_id: random_id(rng),
            value: secret.value,
            starts_at: starts_at.min(secret.ends_at),
            ends_at: secret.ends_at,
        });
        let secrets = secrets.collect();
        App {
            object_id: random_id(rng),
            principal_id: random_id(rng),
            display_name: self.display_name,
            secrets,
            certificates: self.certificates,
            spent_assertions: RefCell::default(),
            roles: self.roles,
            registered: BTreeSet::new(),
            consent: self.consent,
            enabled: true,
            redirect_uris: self.redirect_uris,
            delegated: BTreeSet::new(),
            assigned: BTreeMap::new(),
            emits_groups: false,
        }
    }
}
