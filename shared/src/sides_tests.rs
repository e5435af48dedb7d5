//! Clients are kept while nothing they are made of changes, and judged before anybody is called.

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::*;
use crate::clock::SystemClock;
use crate::domain::connection::{AppCredential, Capabilities, ConnectionStatus, PbxCredentials, PbxSide};
use crate::domain::ids::{ClientId, TenantId};
use crate::secrets::FileKeySealer;
use crate::store::local_client;

fn real_sides(policy: AddressPolicy) -> RealSides {
    let address = |text: &str| Url::parse(text).unwrap();
    let microsoft = GraphAddresses {
        graph: address("http://127.0.0.1:9/v1.0"),
        login: address("http://127.0.0.1:9"),
    };
    let sealer = Arc::new(FileKeySealer::from_bytes([7; 32]));
    let client = local_client("http://127.0.0.1:9", &SecretString::from("none"));
    let store = Store::new(client, "connector", sealer);
    RealSides::new(microsoft, policy, store, Arc::new(SystemClock))
}

fn connection() -> Connection {
    Connection {
        id: ConnectionId::generate(Timestamp::UNIX_EPOCH),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TenantId::parse("7c0f6a52-3d1e-4b7a-9f0c-2a51d8e6b301").unwrap(),
        client: ClientId::parse("1e8a4c70-95b2-4f3d-8c61-0d7be24f9a15").unwrap(),
        pbx: PbxSide {
            base_url: "http://127.0.0.1:9".to_owned(),
            firmware_version: String::new(),
            serial_number: String::new(),
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

fn secrets(pbx_secret: &str) -> ConnectionSecrets {
    ConnectionSecrets {
        app: AppCredential::secret("canary-entra"),
        pbx: PbxCredentials {
            client_id: "id".to_owned(),
            client_secret: pbx_secret.to_owned().into(),
        },
        linkus_sdk: None,
    }
}

fn same(one: &Sides, other: &Sides) -> bool {
    Arc::ptr_eq(&one.directory, &other.directory) && Arc::ptr_eq(&one.phone_system, &other.phone_system)
}

#[tokio::test]
async fn clients_are_kept_until_a_secret_or_an_address_changes() {
    let factory = real_sides(AddressPolicy::Loopback);
    let mut connection = connection();
    let first = factory.sides(&connection, &secrets("a")).unwrap();
    assert!(same(&first, &factory.sides(&connection, &secrets("a")).unwrap()));
    let second = factory.sides(&connection, &secrets("b")).unwrap();
    assert!(!same(&first, &second));
    connection.pbx.base_url = "http://127.0.0.1:10".to_owned();
    assert!(!same(
        &second,
        &factory.sides(&connection, &secrets("b")).unwrap()
    ));
}

/// A client that the PBX shut out keeps away from it; after a good test nobody may be left with such a one.
#[tokio::test]
async fn a_good_test_of_the_pbx_makes_other_clients_of_the_same_credentials() {
    let factory = real_sides(AddressPolicy::Loopback);
    let mut connection = connection();
    let mut secrets = secrets("a");
    secrets.linkus_sdk = Some(LinkusSdkCredentials {
        access_id: "sdk".to_owned(),
        access_key: "key".to_owned().into(),
    });
    let linkus = |connection: &Connection| factory.linkus(connection, &secrets).unwrap().unwrap();
    let first = (factory.sides(&connection, &secrets).unwrap(), linkus(&connection));
    connection.pbx.tested_at = Some(Timestamp::UNIX_EPOCH);
    let second = (factory.sides(&connection, &secrets).unwrap(), linkus(&connection));
    assert!(!same(&first.0, &second.0));
    assert!(!Arc::ptr_eq(&first.1, &second.1));
    assert!(Arc::ptr_eq(&second.1, &linkus(&connection)));
}

#[tokio::test]
async fn clients_under_test_are_nobody_elses() {
    let factory = real_sides(AddressPolicy::Loopback);
    let connection = connection();
    let tested = factory.sides_under_test(&connection, &secrets("a")).unwrap();
    assert!(!same(
        &tested,
        &factory.sides_under_test(&connection, &secrets("a")).unwrap()
    ));
    assert!(!same(
        &tested,
        &factory.sides(&connection, &secrets("a")).unwrap()
    ));
}

/// case: 55
#[tokio::test]
async fn an_address_that_the_policy_forbids_makes_no_client() {
    for policy in [AddressPolicy::Public, AddressPolicy::Private] {
        let factory = real_sides(policy);
        let refused = factory
            .sides(&connection(), &secrets("canary-pbx"))
            .err()
            .unwrap();
        assert_eq!(refused.field, "/pbx/base_url");
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }
}
