//! A wire before the table that counts what goes over it. Requests and answers pass unchanged, but that reads ask what they
//! take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::http::HttpOptions;
use tokio::net::TcpListener;

pub use crate::table_count::TableCounts;
use crate::table_count::asking_for_units;

/// A table whose traffic is counted.
#[derive(Clone)]
pub struct CountedTable {
    wire: Wire,
    endpoint: String,
}

#[derive(Clone)]
struct Wire {
    target: String,
    client: reqwest::Client,
    counts: Arc<Mutex<TableCounts>>,
}

impl CountedTable {
    /// Stands before this endpoint.
    pub async fn before(target: String) -> anyhow::Result<Self> {
        let options = HttpOptions {
            plain_http: true,
            gzip: false,
            ..HttpOptions::default()
        };
        let wire = Wire {
            target,
            client: shared::http::client(&options)?,
            counts: Arc::default(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(carry).with_state(wire.clone());
        // Serves for as long as the runtime lives.
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { wire, endpoint })
    }

    /// The counted way to the table.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// What was counted since the last call.
    pub fn take(&self) -> TableCounts {
        std::mem::take(&mut *self.wire.counts())
    }
}

impl Wire {
    fn counts(&self) -> MutexGuard<'_, TableCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, request: Request) -> anyhow::Result<Response> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, usize::MAX).await?;
        let target = parts.headers.get("x-amz-target");
        let target = target.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = target.to_owned();
        self.counts().add(&target, &bytes);
        let mut headers = parts.headers.clone();
        headers.remove("host");
        headers.remove("content-length");
        let sent = self
            .client
            .request(parts.method, &self.target)
            .headers(headers)
            .body(asking_for_units(&target, &bytes));
        let answer = sent.send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove("transfer-encoding");
        let bytes = answer.bytes().await?;
        self.counts().add_answer(&target, &bytes);
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

async fn carry(State(wire): State<Wire>, request: Request) -> Response {
    wire.pass(request).await.unwrap_or_else(|_| {
        let mut lost = Response::new(Body::empty());
        *lost.status_mut() = StatusCode::BAD_GATEWAY;
        lost
    })
}
