//! A PBX on a free port with a clock that stands still, and a client that speaks to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header;
use serde_json::{Value, json};
use simulators::clock::SimClock;
use simulators::pbx::{Config, Pbx, People, Person, Running};

pub struct World {
    pub running: Running,
    pub http: reqwest::Client,
    pub token: String,
}

pub fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub fn config() -> Config {
    let clock = SimClock::manual(Timestamp::from_second(1_780_000_000).unwrap());
    Config {
        clock,
        extensions: People::Count(3),
        ..Config::default()
    }
}

pub fn newest() -> Config {
    Config {
        firmware: "83.23.0.123".to_owned(),
        ..config()
    }
}

pub fn person(number: &str, first: &str, mail: &str) -> Person {
    Person {
        number: number.to_owned(),
        first_name: first.to_owned(),
        email_addr: mail.to_owned(),
        ..Person::default()
    }
}

pub fn http_client(agent: Option<&str>) -> reqwest::Client {
    let mut headers = header::HeaderMap::new();
    if let Some(agent) = agent {
        headers.insert(header::USER_AGENT, agent.parse().unwrap());
    }
    reqwest::Client::builder()
        .default_headers(headers)
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// A running PBX and a client that is signed in.
pub async fn world(config: Config) -> World {
    let mut world = bare(config).await;
    world.token = world.sign_in().await;
    world
}

/// A running PBX and a client that is not signed in.
pub async fn bare(config: Config) -> World {
    let running = Pbx::start(config, loopback()).await.unwrap();
    World {
        running,
        http: http_client(Some("OpenAPI")),
        token: String::new(),
    }
}

impl World {
    pub fn pbx(&self) -> Arc<Pbx> {
        self.running.pbx()
    }

    pub fn url(&self, endpoint: &str) -> String {
        format!("{}/openapi/v1.0/{endpoint}", self.running.base_url())
    }

    pub async fn sign_in(&self) -> String {
        let answer = self
            .get_token("simulated-client-id", "simulated-client-secret")
            .await;
        assert_eq!(errcode(&answer), 0, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get_token(&self, id: &str, secret: &str) -> Value {
        self.post_bare("get_token", &json!({ "username": id, "password": secret }))
            .await
    }

    /// A POST without a token.
    pub async fn post_bare(&self, endpoint: &str, body: &Value) -> Value {
        read(
            self.http
                .post(self.url(endpoint))
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn get(&self, endpoint: &str, query: &[(&str, &str)]) -> Value {
        let request = self
            .http
            .get(self.url(endpoint))
            .query(&[("access_token", &self.token)])
            .query(query);
        read(request.send().await.unwrap()).await
    }

    pub async fn post(&self, endpoint: &str, body: &Value) -> Value {
        read(self.send(endpoint, body).await.unwrap()).await
    }

    pub async fn send(&self, endpoint: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.http
            .post(self.url(endpoint))
            .query(&[("access_token", &self.token)])
            .json(body)
            .send()
            .await
    }

    /// The portal admin's side door.
    pub async fn sim(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/_sim{path}", self.running.base_url());
        let answer = self.http.request(method, url).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
        )
    }
}

/// Every API answer has status 200 and is one JSON object.
async fn read(answer: reqwest::Response) -> Value {
    assert_eq!(answer.status().as_u16(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert!(
        answer["errcode"].is_i64() && answer["errmsg"].is_string(),
        "{answer}"
    );
    answer
}

pub fn errcode(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap()
}

pub fn id(answer: &Value) -> String {
    assert_eq!(errcode(answer), 0, "{answer}");
    answer["id"].as_u64().unwrap().to_string()
}

/// The keys that an answer blames.
pub fn blamed(answer: &Value) -> Vec<&str> {
    answer["invalid_param_list"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["key"].as_str())
        .collect()
}

/// A complete `extension/create` body.
pub fn new_extension(number: &str, mail: &str) -> Value {
    json!({
        "type": "SIP", "number": number, "first_name": "Ana", "last_name": "Costa", "email_addr": mail,
        "mobile_number": "+351910000000", "title": "Engineer", "user_password": "Zx7kQm92Lp",
        "reg_name": format!("r{number}"), "reg_password": "Wq8nT5vB2c", "concurrent_registrations": 1,
        "presence_status": "available", "organization_list": [{ "value": "1" }],
    })
}

/// A body with some keys changed; `null` takes a key away.
pub fn with(mut body: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}
