use super::*;
use crate::domain::connection::{Capabilities, Connection, ConnectionStatus, PbxSide};

/// A connection that works.
pub(in crate::changes) fn connection() -> Connection {
    let id = uuid::Uuid::from_u128(1);
    Connection {
        id: id.into(),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: id.into(),
        client: id.into(),
        pbx: PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: "83.18.0.102".to_owned(),
            serial_number: "1".to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        teardown: None,
        authorised_account: None,
        secret_expires_at: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn a_watch_that_follows_nothing_and_has_nothing_to_end_is_never_due() {
    let mut watch = Watch::idle(connection().tenant, Timestamp::UNIX_EPOCH);
    let settings = crate::domain::settings::ConnectionSettings::default();
    let terms = Terms::of(&connection(), &settings, Duration::from_mins(1));
    assert_eq!(next(&watch, &terms, Timestamp::UNIX_EPOCH), None);
    watch.follows = true;
    assert!(next(&watch, &terms, Timestamp::UNIX_EPOCH).is_some());
}
