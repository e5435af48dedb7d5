//! A server that answers what it is told, for answers that no healthy cloud gives.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use shared::graph::GraphClient;
use simulators::clock::SimClock;
use tokio::net::TcpListener;

use crate::support::{TestClock, config, start_time};

#[derive(Clone, Default)]
pub struct Stub {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub expires_in: Arc<Mutex<Value>>,
    origin: Arc<Mutex<String>>,
}

pub struct Seen {
    pub uri: String,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Stub {
    /// Tokens always come; everything else answers `answers` in turn, `{origin}` filled in, then 404.
    pub async fn start(answers: &[(u16, &str)]) -> Self {
        let stub = Self::default();
        *stub.expires_in.lock().unwrap() = json!(3599);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        for (status, body) in answers {
            stub.answers
                .lock()
                .unwrap()
                .push_back((*status, body.replace("{origin}", &origin)));
        }
        *stub.origin.lock().unwrap() = origin;
        let router = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        stub
    }

    pub fn client(&self) -> (GraphClient, SimClock) {
        let clock = SimClock::manual(start_time());
        let origin = self.origin.lock().unwrap().clone();
        let config = config(format!("{origin}/v1.0"), origin);
        (
            GraphClient::new(config, Arc::new(TestClock(clock.clone()))).unwrap(),
            clock,
        )
    }

    pub fn uris(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.uri.clone())
            .collect()
    }

    pub fn tokens(&self) -> usize {
        self.uris().iter().filter(|uri| uri.ends_with("/token")).count()
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let uri = parts.uri.to_string();
    let is_token = uri.ends_with("/token");
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    stub.seen.lock().unwrap().push(Seen {
        uri,
        headers: parts.headers,
        body,
    });
    if is_token {
        let expires_in = stub.expires_in.lock().unwrap().clone();
        return axum::Json(json!({ "access_token": "canary-token", "expires_in": expires_in }))
            .into_response();
    }
    let next = stub.answers.lock().unwrap().pop_front();
    let (status, body) = next.unwrap_or((404, String::new()));
    http::Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap()
}
