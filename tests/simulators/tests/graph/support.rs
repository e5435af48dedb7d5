//! A small cloud, a client for it, and the shortest ways to ask.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulators::clock::SimClock;
use simulators::graph::{AppConfig, Behaviour, Config, Graph, Running, TenantConfig};
use uuid::Uuid;

pub const TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const OTHER_TENANT: &str = "aaaaaaaa-0000-4000-8000-000000000002";
pub const APP: &str = "bbbbbbbb-0000-4000-8000-000000000001";
pub const SECRET: &str = "s3cret~with+odd/chars";

pub struct Cloud {
    pub running: Running,
    pub http: reqwest::Client,
    token: String,
}

#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    pub body: Value,
}

pub fn start_time() -> Timestamp {
    "2026-03-01T10:15:00Z".parse().unwrap()
}

pub fn tenant(id: &str, domain: &str) -> TenantConfig {
    let mut tenant = TenantConfig::empty(id, domain);
    let ends_at = start_time() + SignedDuration::from_hours(24 * 365);
    tenant.apps.push(AppConfig::connector(APP, SECRET, ends_at));
    tenant
}

impl Cloud {
    /// Two tenants with the same app and nobody in them.
    pub async fn start() -> Self {
        let mut config = Config::empty(7, SimClock::manual(start_time()));
        config.tenants.push(tenant(TENANT, "one.example"));
        config.tenants.push(tenant(OTHER_TENANT, "two.example"));
        Self::with(config).await
    }

    pub async fn with(config: Config) -> Self {
        let running = Graph::start(config, SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let mut cloud = Self {
            running,
            http,
            token: String::new(),
        };
        if cloud.graph().tenant_ids().contains(&TENANT.to_owned()) {
            cloud.sign_in().await;
        }
        cloud
    }

    pub fn graph(&self) -> std::sync::Arc<Graph> {
        self.running.graph()
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut behaviour = self.graph().behaviour();
        change(&mut behaviour);
        self.graph().set_behaviour(behaviour);
    }

    pub async fn sign_in(&mut self) {
        self.sign_in_as(TENANT, APP, SECRET).await;
    }

    pub async fn sign_in_as(&mut self, tenant: &str, app: &str, secret: &str) {
        let got = self.token(tenant, &credentials(app, secret)).await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> Got {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.running.login_base_url());
        read(self.http.post(url).form(form)).await
    }

    /// A path below the version, or a whole link.
    pub fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.running.graph_base_url())
        };
        self.http
            .request(method, url)
            .header("authorization", self.bearer())
    }

    pub async fn get(&self, path: &str) -> Got {
        read(self.request(http::Method::GET, path)).await
    }

    /// With `ConsistencyLevel: eventual`.
    pub async fn get_eventual(&self, path: &str) -> Got {
        read(
            self.request(http::Method::GET, path)
                .header("ConsistencyLevel", "eventual"),
        )
        .await
    }

    pub async fn get_minimal(&self, path: &str) -> Got {
        read(
            self.request(http::Method::GET, path)
                .header("Prefer", "return=minimal"),
        )
        .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Got {
        read(self.request(http::Method::POST, path).json(body)).await
    }

    pub fn user(&self, name: &str) -> Uuid {
        let upn = format!("{}@one.example", name.to_lowercase().replace(' ', "."));
        let props = json!({ "displayName": name, "userPrincipalName": upn, "mail": upn, "accountEnabled": true,
            "userType": "Member" });
        self.graph().create_user(TENANT, &props).unwrap()
    }

    pub fn users(&self, count: usize) -> Vec<Uuid> {
        (0..count)
            .map(|number| self.user(&format!("Person {number:03}")))
            .collect()
    }

    pub fn group(&self, name: &str, members: &[Uuid]) -> Uuid {
        let props =
            json!({ "displayName": name, "groupTypes": [], "securityEnabled": true, "mailEnabled": false });
        let id = self.graph().create_group(TENANT, &props).unwrap();
        for member in members {
            self.graph().add_member(TENANT, id, *member).unwrap();
        }
        id
    }

    /// All pages of a list or a delta round: the objects, and the delta link if there is one.
    pub async fn follow(&self, path: &str) -> (Vec<Value>, Option<String>) {
        let mut all = Vec::new();
        let mut next = path.to_owned();
        for _ in 0..2000 {
            let got = self.get_eventual(&next).await;
            assert_eq!(got.status, 200, "{}", got.text);
            let delta = got.body["@odata.deltaLink"].as_str().map(str::to_owned);
            let link = got.body["@odata.nextLink"].as_str().map(str::to_owned);
            assert!(delta.is_none() || link.is_none(), "a page with both links");
            all.extend(got.body["value"].as_array().unwrap().clone());
            match link {
                Some(link) => next = link,
                None => return (all, delta),
            }
        }
        panic!("the pages do not end");
    }
}

impl Got {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn ids(&self) -> Vec<String> {
        ids(self.body["value"].as_array().unwrap())
    }

    pub fn next(&self) -> &str {
        self.body["@odata.nextLink"].as_str().expect("a next link")
    }

    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
    }
}

pub fn ids(objects: &[Value]) -> Vec<String> {
    objects
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect()
}

pub fn credentials<'a>(app: &'a str, secret: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", app),
        ("client_secret", secret),
        ("scope", "https://graph.microsoft.com/.default"),
    ]
}

pub async fn read(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Got {
        status,
        headers,
        text,
        body,
    }
}

/// The decoded claims of a JWT, unchecked.
pub fn claims(token: &str) -> Value {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
