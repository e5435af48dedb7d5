//! A believable tenant out of a seed: people as untidy as real ones, and groups that nest. Equal seeds and
//! sizes give equal tenants.

mod groups;
mod names;
mod people;

use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::config::{AppConfig, TenantConfig};
use super::directory::OtherObject;
use super::world::random_id;

/// The tenant of a seeded cloud.
pub const DEMO_TENANT_ID: &str = "7c0f6a52-3d1e-4b7a-9f0c-2a51d8e6b301";
/// The app registration in it.
pub const DEMO_CLIENT_ID: &str = "1e8a4c70-95b2-4f3d-8c61-0d7be24f9a15";
/// The secret of that app: worth nothing outside the simulation.
pub const DEMO_CLIENT_SECRET: &str = "Sim8Q~demo+secret/for.the_simulated-tenant";

/// Where `connector serve` answers unless it is told otherwise.
const SERVE_ORIGIN: &str = "http://127.0.0.1:8080";
const DOMAIN: &str = "contoso.onmicrosoft.com";
/// How long the seeded secret lasts.
const SECRET_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

pub fn tenant(rng: &mut ChaCha8Rng, users: usize, now: Timestamp) -> TenantConfig {
    let mut tenant = TenantConfig::empty(DEMO_TENANT_ID, DOMAIN);
    "Contoso".clone_into(&mut tenant.name);
    let ends_at = now.saturating_add(SECRET_LIFE).unwrap_or(Timestamp::MAX);
    let app = AppConfig::connector(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, ends_at);
    tenant.apps = vec![app.answering_at(SERVE_ORIGIN)];
    tenant.others = others(rng);
    let people = people::people(rng, users, now);
    let extra: Vec<Uuid> = tenant.others.iter().map(|(id, _)| *id).collect();
    tenant.groups = groups::groups(rng, &people, &extra);
    tenant.users = people.into_iter().map(|person| person.user).collect();
    tenant
}

fn others(rng: &mut ChaCha8Rng) -> Vec<(Uuid, OtherObject)> {
    [
        ("device", "RECEPTION-PC"),
        ("orgContact", "Alarm company"),
        ("servicePrincipal", "Door control"),
    ]
    .map(|(kind, name)| {
        (
            random_id(rng),
            OtherObject {
                kind,
                display_name: name.to_owned(),
            },
        )
    })
    .into()
}
