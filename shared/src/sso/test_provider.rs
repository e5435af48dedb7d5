//! A provider for tests: keys of its own, tokens as wrong as a test wants them, and a count of what was fetched.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::provider::Providers;
use crate::ports::Clock;

pub(super) const TENANT: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0aa";
pub(super) const CLIENT: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0bb";
pub(super) const USER: &str = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0cc";
pub(super) const NONCE: &str = "the-nonce";

/// A clock that stands still until it is moved.
pub(super) struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-03-01T12:00:00Z".parse().unwrap())))
    }

    pub(super) fn advance(&self, minutes: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_mins(minutes);
    }
}

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    async fn sleep(&self, _for_how_long: Duration) {}
}

/// Making a key takes long, so all tests share a few.
pub(super) fn key(number: usize) -> &'static KeyPair {
    static KEYS: [OnceLock<KeyPair>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

/// A token with this header and these claims, signed with RS256 whatever the header says.
pub(super) fn token(header: &Value, claims: &Value, number: usize) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let pair = key(number);
    let mut signed = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed)
        .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))
}

pub(super) fn header(kid: &str) -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": kid})
}

/// The claims of a good token of this issuer, at noon.
pub(super) fn claims(issuer: &str) -> Value {
    let now = "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap().as_second();
    json!({
        "iss": issuer, "aud": CLIENT, "tid": TENANT, "oid": USER, "sub": "pairwise", "nonce": NONCE, "ver": "2.0",
        "iat": now, "nbf": now, "exp": now + 3600, "name": "Ann Example", "preferred_username": "ann@contoso.example",
    })
}

/// The entry of a key set.
pub(super) fn entry(kid: &str, number: usize) -> Value {
    let public: PublicKeyComponents<Vec<u8>> = key(number).public_key().into();
    json!({
        "kty": "RSA", "use": "sig", "kid": kid, "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e),
    })
}

/// A provider behind HTTP.
pub(super) struct TestProvider {
    pub(super) origin: String,
    pub(super) inside: Arc<Inside>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) providers: Providers,
}

#[derive(Default)]
pub(super) struct Inside {
    pub(super) keys: Mutex<Vec<Value>>,
    pub(super) fetched: AtomicUsize,
    pub(super) described: AtomicUsize,
    pub(super) down: AtomicBool,
    pub(super) issuer: Mutex<String>,
    /// Status and body of the token endpoint, and the forms it was sent.
    pub(super) answer: Mutex<(u16, Value)>,
    pub(super) forms: Mutex<Vec<Vec<(String, String)>>>,
}

impl TestProvider {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Inside::default());
        inside.keys.lock().unwrap().push(entry("one", 0));
        *inside.issuer.lock().unwrap() = format!("{origin}/{TENANT}/v2.0");
        let routes = Router::new()
            .route(
                &format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
                get(describe),
            )
            .route("/keys", get(publish))
            .route("/token", post(exchange))
            .with_state((origin.clone(), Arc::clone(&inside)));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let clock = FixedClock::new();
        let providers = Providers::new(&Url::parse(&origin).unwrap(), clock.clone()).unwrap();
        Self {
            origin,
            inside,
            clock,
            providers,
        }
    }

    pub(super) fn issuer(&self) -> String {
        format!("{}/{TENANT}/v2.0", self.origin)
    }

    pub(super) fn fetched(&self) -> usize {
        self.inside.fetched.load(Ordering::SeqCst)
    }

    pub(super) fn provider(&self) -> Arc<super::Provider> {
        self.providers.of(TENANT.parse().unwrap())
    }
}

type Shared = State<(String, Arc<Inside>)>;

async fn describe(State((origin, inside)): Shared) -> Result<Json<Value>, StatusCode> {
    inside.described.fetch_add(1, Ordering::SeqCst);
    if inside.down.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let issuer = inside.issuer.lock().unwrap().clone();
    Ok(Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"), "jwks_uri": format!("{origin}/keys"),
        "end_session_endpoint": format!("{origin}/logout"),
    })))
}

async fn publish(State((_, inside)): Shared) -> Result<Json<Value>, StatusCode> {
    inside.fetched.fetch_add(1, Ordering::SeqCst);
    if inside.down.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let keys = inside.keys.lock().unwrap().clone();
    Ok(Json(json!({ "keys": keys })))
}

async fn exchange(
    State((_, inside)): Shared,
    Form(form): Form<Vec<(String, String)>>,
) -> (StatusCode, Json<Value>) {
    inside.forms.lock().unwrap().push(form);
    let (status, body) = inside.answer.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), Json(body))
}
