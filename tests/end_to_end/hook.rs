//! A receiver of alerts on a socket: keeps what came, and answers as it is told to.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::Value;
use shared::alerts::SIGNATURE_HEADER;
use tokio::net::TcpListener;

/// One message as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    signature: String,
    bytes: Bytes,
}

#[derive(Debug)]
struct Inner {
    heard: Mutex<Vec<Heard>>,
    answers: Mutex<StatusCode>,
}

/// A receiver.
pub struct Hook {
    pub url: String,
    inner: Arc<Inner>,
}

impl Hook {
    /// One that takes everything.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            heard: Mutex::default(),
            answers: Mutex::new(StatusCode::NO_CONTENT),
        });
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?for=alerts", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    pub fn answers(&self, status: StatusCode) {
        *self.inner.answers.lock().unwrap() = status;
    }

    /// What came since the last time somebody asked.
    pub fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.inner.heard.lock().unwrap())
    }
}

async fn take(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let signature = headers.get(SIGNATURE_HEADER).map(|value| value.to_str().unwrap());
    inner.heard.lock().unwrap().push(Heard {
        path: uri.to_string(),
        signature: signature.unwrap_or_default().to_owned(),
        bytes,
    });
    let status = *inner.answers.lock().unwrap();
    (status, [(header::LOCATION, "/elsewhere")]).into_response()
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// Kind and change of each alert in it.
    pub fn alerts(&self) -> Vec<(String, String)> {
        let json = self.json();
        let alerts = json["alerts"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        alerts
            .iter()
            .map(|alert| (text(&alert["kind"]), text(&alert["change"])))
            .collect()
    }

    /// When it was signed, in seconds since 1970.
    pub fn signed_at(&self) -> i64 {
        let time = self.signature.split(',').find_map(|part| part.strip_prefix("t="));
        time.unwrap().parse().unwrap()
    }

    /// Whether one of its signatures was made with this secret, reckoned by another library than the one that made it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = [format!("{}.", self.signed_at()).as_bytes(), &self.bytes].concat();
        let mut proofs = self
            .signature
            .split(',')
            .filter_map(|part| part.strip_prefix("v1="));
        proofs.any(|proof| hmac::verify(&key, &signed, &hex::decode(proof).unwrap()).is_ok())
    }
}
