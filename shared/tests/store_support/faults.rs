//! A wire before the table that gives the answers no engine on this machine ever gives by itself, and counts what each
//! call costs. A fault answers a number of calls of its kind, one after the other; then everything passes again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::response::Response;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use shared::store::{Store, local_client};
use shared::testing::table::TestTable;
use tokio::net::TcpListener;

use super::shapes;

/// What befalls one call.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Refused with this error before it reaches the table.
    Refused(&'static str),
    /// A transaction is cancelled with these reasons.
    Cancelled(&'static [&'static str]),
    /// Of many items so many are served; the rest is handed back.
    Undone { served: usize },
    /// It is done and its answer is lost.
    AnswerLost,
}

/// The most a transaction and a throttled call are put off.
pub const CONFLICT: Fault = Fault::Cancelled(&["None", "TransactionConflict"]);
pub const THROTTLED: Fault = Fault::Refused("ProvisionedThroughputExceededException");
/// More often than anything is tried.
pub const FOR_EVER: usize = 1_000;

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<&'static str, VecDeque<Fault>>,
    calls: BTreeMap<String, usize>,
    written: BTreeSet<String>,
    units: f64,
}

/// What was asked of the table in a while.
#[derive(Debug, PartialEq)]
pub struct Cost {
    pub requests: usize,
    /// Read and write units together, as the table counts them.
    pub units: f64,
}

/// The wire.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Inner>>);

impl Wire {
    /// A wire before this table, and a store that reaches it through the wire and hardly waits between tries.
    pub async fn before(table: &TestTable) -> (Self, Store) {
        let wire = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(accept(listener, table.endpoint().to_owned(), wire.clone()));
        let client = local_client(&origin, table.access_key());
        (wire, table.store_with(eager(&client)))
    }

    /// The next so many calls of this name meet this fault.
    pub fn inject(&self, call: &'static str, fault: Fault, times: usize) {
        let mut inner = self.inner();
        let waiting = inner.waiting.entry(call).or_default();
        waiting.extend(std::iter::repeat_n(fault, times));
    }

    /// No more faults, and counts from 0.
    pub fn heal(&self) {
        *self.inner() = Inner::default();
    }

    /// How many requests of this name came.
    pub fn calls(&self, call: &str) -> usize {
        self.inner().calls.get(call).copied().unwrap_or(0)
    }

    /// The cost since the last time this was asked.
    pub fn take_cost(&self) -> Cost {
        let mut inner = self.inner();
        Cost {
            requests: std::mem::take(&mut inner.calls).values().sum(),
            units: std::mem::take(&mut inner.units),
        }
    }

    /// How many different items were written one by one or in transactions, changed or not.
    pub fn items_written(&self) -> usize {
        self.inner().written.len()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn meet(&self, call: &str) -> Option<Fault> {
        let mut inner = self.inner();
        *inner.calls.entry(call.to_owned()).or_default() += 1;
        inner.waiting.get_mut(call)?.pop_front()
    }
}

/// The same client with as many tries but next to no time between them, and a retry budget of its own: the SDK's is one
/// for the whole process.
fn eager(client: &Client) -> Client {
    let retries = RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(std::time::Duration::from_millis(1));
    let config = client
        .config()
        .to_builder()
        .retry_config(retries)
        .retry_partition(RetryPartition::new(uuid::Uuid::new_v4().to_string()));
    Client::from_conf(config.build())
}

#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Severed;

async fn accept(listener: TcpListener, target: String, wire: Wire) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let (client, target, wire) = (client.clone(), target.clone(), wire.clone());
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (client, target, wire) = (client.clone(), target.clone(), wire.clone());
            async move { answer(request, &client, &target, &wire).await }
        });
        tokio::spawn(async move {
            // A cut connection ends with an error here; that is what it is for.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await,
            );
        });
    }
}

async fn answer(
    request: hyper::Request<hyper::body::Incoming>,
    client: &reqwest::Client,
    target: &str,
    wire: &Wire,
) -> Result<Response, Severed> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(Body::new(body), usize::MAX).await.map_err(|_| Severed)?;
    let mut asked: Value = serde_json::from_slice(&bytes).map_err(|_| Severed)?;
    let name = parts.headers["x-amz-target"].to_str().unwrap();
    let call = name.rsplit('.').next().unwrap().to_owned();
    let fault = wire.meet(&call);
    let mut left = Value::Null;
    match fault {
        Some(Fault::Refused(code)) => return Ok(shapes::refused(code)),
        Some(Fault::Cancelled(reasons)) => return Ok(shapes::cancelled(reasons)),
        Some(Fault::Undone { served: 0 }) => return Ok(shapes::undone(&call, asked["RequestItems"].take())),
        Some(Fault::Undone { served }) => left = shapes::split_off(&mut asked["RequestItems"], served),
        Some(Fault::AnswerLost) | None => {}
    }
    let (status, mut told) = carry(parts.headers, asked, client, target, wire).await?;
    if matches!(fault, Some(Fault::AnswerLost)) {
        return Err(Severed);
    }
    if !left.is_null() {
        told[shapes::hand_back(&call)] = left;
    }
    Ok(shapes::response(status, &told))
}

/// To the table and back, noting what was written and what it cost.
async fn carry(
    mut headers: HeaderMap,
    mut asked: Value,
    client: &reqwest::Client,
    target: &str,
    wire: &Wire,
) -> Result<(u16, Value), Severed> {
    wire.inner().written.extend(shapes::places_written(&asked));
    asked["ReturnConsumedCapacity"] = "TOTAL".into();
    headers.remove("host");
    headers.remove("content-length");
    let sent = client.post(target).headers(headers).body(asked.to_string());
    let reply = sent.send().await.map_err(|_| Severed)?;
    let status = reply.status().as_u16();
    let bytes = reply.bytes().await.map_err(|_| Severed)?;
    let told: Value = serde_json::from_slice(&bytes).map_err(|_| Severed)?;
    wire.inner().units += shapes::units(&told["ConsumedCapacity"]);
    Ok((status, told))
}
