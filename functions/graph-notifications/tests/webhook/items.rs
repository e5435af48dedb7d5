//! Valid items; a test bends one thing. The recorded events hold the same ids and words.

use serde_json::{Value, json};
use shared::domain::client_state::{ClientStateKey, WatchedBy};
use shared::domain::ids::{ConnectionId, SubscriptionId, TenantId};
use shared::domain::subscription::{Nonce, SubscriptionKind};
use uuid::Uuid;

pub fn key() -> ClientStateKey {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(0..) {
        *place = byte;
    }
    ClientStateKey::from_bytes(bytes)
}

pub fn connection() -> ConnectionId {
    ConnectionId::parse("0190d2a0-0000-7000-8000-000000000001").unwrap()
}

pub fn tenant() -> TenantId {
    TenantId::parse("33333333-3333-4333-8333-333333333333").unwrap()
}

pub fn subscription(kind: SubscriptionKind) -> SubscriptionId {
    SubscriptionId::parse(match kind {
        SubscriptionKind::Users => "c0ffee00-0000-4000-8000-000000000001",
        SubscriptionKind::Groups => "c0ffee00-0000-4000-8000-000000000002",
    })
    .unwrap()
}

pub fn nonce(kind: SubscriptionKind) -> Nonce {
    Nonce::from_bytes(match kind {
        SubscriptionKind::Users => [7; 16],
        SubscriptionKind::Groups => [8; 16],
    })
}

pub fn word(kind: SubscriptionKind) -> String {
    key().derive(&WatchedBy {
        connection: connection(),
        kind,
        nonce: nonce(kind),
    })
}

pub fn user_id(n: u64) -> Uuid {
    Uuid::from_u64_pair(0x5f7a_0000_0000_4000, 0x8000_0000_0000_0000 | n)
}

pub fn group_id(n: u64) -> Uuid {
    Uuid::from_u64_pair(0x9a6e_0000_0000_4000, 0x8000_0000_0000_0000 | n)
}

/// Person `n` changed.
pub fn user(n: u64) -> Value {
    let id = user_id(n);
    json!({
        "changeType": "updated",
        "clientState": word(SubscriptionKind::Users),
        "resource": format!("Users/{id}"),
        "resourceData": { "@odata.type": "#Microsoft.Graph.User", "id": id },
        "subscriptionId": subscription(SubscriptionKind::Users),
        "tenantId": tenant(),
    })
}

/// An event of the subscription for people.
pub fn lifecycle(event: &str) -> Value {
    json!({
        "lifecycleEvent": event,
        "clientState": word(SubscriptionKind::Users),
        "subscriptionId": subscription(SubscriptionKind::Users),
        "tenantId": tenant(),
    })
}

/// An item with one member changed.
pub fn bent(mut item: Value, name: &str, value: impl Into<Value>) -> Value {
    item[name] = value.into();
    item
}

pub fn without(mut item: Value, name: &str) -> Value {
    item.as_object_mut().unwrap().remove(name).unwrap();
    item
}

pub fn batch(items: &[Value]) -> String {
    json!({ "value": items, "validationTokens": null }).to_string()
}
