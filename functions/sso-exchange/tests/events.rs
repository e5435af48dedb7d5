//! Recorded events of API Gateway and of function URLs, through the conversion that runs on Lambda, over a real table and a
//! simulated tenant.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use embedded_table::EmbeddedTable;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::Value;
use shared::clock::SystemClock;
use shared::domain::connection::{
    AppCredential, Capabilities, Connection, ConnectionSecrets, ConnectionStatus, PbxCredentials, PbxSide,
};
use shared::ports::Clock;
use shared::queue::NoQueue;
use shared::secrets::FileKeySealer;
use shared::settings::{AddressPolicy, GraphAddresses, LocalMode, LocalSettings, Vars};
use shared::sides::RealSides;
use shared::store::{Store, create_table, local_client};
use shared::sync_run::Engine;
use simulators::clock::SimClock;
use simulators::graph::{Config, Graph, Running, TenantConfig};
use sso_exchange::{SsoState, router};
use tower::ServiceExt as _;
use web::Door;

const CONNECTION: &str = "0190d2a0-0000-7000-8000-000000000001";
const TENANT: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0aa";
const APP: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0bb";

/// Status, and what the body, or the address it sends on to, holds.
fn expectations() -> BTreeMap<&'static str, (u16, &'static str)> {
    let to_microsoft = "/oauth2/v2.0/authorize?client_id=3b1f6c0e";
    BTreeMap::from([
        ("login-by-application", (302, to_microsoft)),
        ("login-by-function-url", (302, to_microsoft)),
        ("login-for-own-page", (302, to_microsoft)),
        ("login-without-connection", (400, "not valid")),
        (
            "login-through-unknown-connection",
            (403, "cannot use this sign-in"),
        ),
        ("login-with-foreign-address", (400, "not valid")),
        ("login-with-plain-challenge", (400, "not valid")),
        ("login-with-parameter-twice", (400, "not valid")),
        ("login-by-post", (405, "")),
        ("callback-without-cookie", (400, "start again")),
        ("callback-with-forged-cookie", (400, "start again")),
        ("callback-of-a-refusal", (400, "start again")),
        ("token-for-unknown-code", (400, "invalid_grant")),
        ("token-in-base64", (400, "invalid_grant")),
        ("token-by-function-url", (400, "invalid_grant")),
        ("token-as-json", (400, "invalid_request")),
        ("token-without-verifier", (400, "code_verifier is missing")),
        ("token-by-password", (400, "unsupported_grant_type")),
        ("token-by-get", (405, "")),
        ("own-page-without-session", (302, "/login?connection=0190d2a0")),
        ("own-page-with-forged-cookie", (302, "/login?connection=0190d2a0")),
        ("sign-out-without-session", (403, "cannot use this sign-in")),
        ("unknown-path-probed", (404, "")),
    ])
}

fn events() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/sso-exchange");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// A tenant, a table with one connection through which people may sign in, and the routes.
struct World {
    router: Router,
    _tenant: Running,
    _table: EmbeddedTable,
}

impl World {
    async fn start() -> Self {
        let mut config = Config::empty(1, SimClock::real());
        config
            .tenants
            .push(TenantConfig::empty(TENANT, "contoso.example"));
        let tenant = Graph::start(config, "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let table = EmbeddedTable::memory().await.unwrap();
        let engine = engine(&table, &tenant).await;
        connect(&engine.store).await;
        let vars = Vars::from_iter([("PUBLIC_BASE_URL", "https://connector.example.com")]);
        let settings = LocalSettings::read(&vars, LocalMode::Serve).unwrap();
        let login = tenant.login_base_url().parse().unwrap();
        let door = Door::of(&engine, &login, settings.public_base_url.unwrap()).unwrap();
        let sides = engine.sides;
        Self {
            router: router(SsoState { door, sides }),
            _tenant: tenant,
            _table: table,
        }
    }
}

async fn engine(table: &EmbeddedTable, tenant: &Running) -> Engine {
    let client = local_client(&table.endpoint(), table.access_key());
    create_table(&client, "connector").await.unwrap();
    let store = Store::new(client, "connector", Arc::new(FileKeySealer::from_bytes([1; 32])));
    let microsoft = GraphAddresses {
        graph: tenant.graph_base_url().parse().unwrap(),
        login: tenant.login_base_url().parse().unwrap(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sides = RealSides::new(
        microsoft,
        AddressPolicy::Public,
        store.clone(),
        Arc::clone(&clock),
    );
    Engine {
        store,
        sides: Arc::new(sides),
        clock,
        queue: Arc::new(NoQueue),
    }
}

async fn connect(store: &Store) {
    let connection = Connection {
        teardown: None,
        id: CONNECTION.parse().unwrap(),
        name: "Office".to_owned(),
        status: ConnectionStatus::Connected,
        tenant: TENANT.parse().unwrap(),
        client: APP.parse().unwrap(),
        pbx: PbxSide {
            base_url: "https://pbx.example.com".to_owned(),
            firmware_version: "83.10.0.30".to_owned(),
            serial_number: "SERIAL-1".to_owned(),
            capabilities: Capabilities::default(),
            ca_pem: None,
            tested_at: None,
        },
        authorised_account: None,
        secret_expires_at: None,
        created_at: "2026-02-01T00:00:00Z".parse().unwrap(),
    };
    let secrets = ConnectionSecrets {
        app: AppCredential::secret("stored-client-secret"),
        pbx: PbxCredentials {
            client_id: "pbx-client".to_owned(),
            client_secret: "stored-pbx-secret".into(),
        },
        linkus_sdk: None,
    };
    store.create_connection(&connection, &secrets).await.unwrap();
    let stored = store.settings(connection.id).await.unwrap().unwrap();
    let mut settings = stored.value;
    settings.sso.enabled = true;
    settings.sso.redirect_uris = vec!["https://linkus.example.com/signed-in".to_owned()];
    let saved = store.put_settings(connection.id, &settings, stored.version).await;
    saved.unwrap().unwrap();
}

// case: 53
#[tokio::test]
async fn every_recorded_event_is_answered_as_expected() {
    let expected = expectations();
    let events = events();
    let names: Vec<&str> = events.keys().map(String::as_str).collect();
    assert_eq!(names, expected.keys().copied().collect::<Vec<_>>());
    let world = World::start().await;
    for (name, text) in &events {
        let (status, part) = expected[name.as_str()];
        let payload: LambdaRequest = serde_json::from_str(text).unwrap();
        let event = LambdaEvent::new(payload, Context::default());
        let answer = Adapter::from(world.router.clone()).oneshot(event).await.unwrap();
        let answer: Value = serde_json::to_value(answer).unwrap();
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
        let headers = &answer["headers"];
        let told = format!("{} {}", answer["body"], headers["location"]);
        assert!(told.contains(part), "{name}: {answer}");
        assert!(
            !told.contains("evil.example") && !told.contains("alert("),
            "{name}"
        );
        assert_eq!(headers["cache-control"], "no-store", "{name}");
        // A page tells its own origin where its forms come from, and nobody else anything.
        let is_page = headers["content-type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("text/html"));
        let referrer = if is_page { "same-origin" } else { "no-referrer" };
        assert_eq!(headers["referrer-policy"], referrer, "{name}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{name}");
        let policy = headers["content-security-policy"].as_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{name}: {policy}");
    }
}
