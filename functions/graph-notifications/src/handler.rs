//! One request: handshake or batch; verified without asking anybody, stored before it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::changes::{Notice, NoticeSink, Taken};
use shared::domain::client_state::ClientStateKey;
use shared::ports::Clock;
use shared::telemetry::chain;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::handshake;
use crate::payload::{self, Item};
use crate::refusal::Refusal;
use crate::tally::{Counters, Tally};
use crate::verify::verify;

/// Graph's batches are a hundredth of this.
const LARGEST_BODY: usize = 1024 * 1024;
/// Whoever lets a body drip keeps a connection no longer than this.
const TIME_TO_ARRIVE: Duration = Duration::from_secs(10);
/// Graph counts an answer after 3 s as slow, and stops telling us anything if there are many of those.
const TIME_TO_STORE: Duration = Duration::from_millis(2_500);

/// What the routes work on. A clone is cheap.
#[derive(Clone)]
pub struct NotificationsState {
    key: ClientStateKey,
    sink: Arc<dyn NoticeSink>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

impl NotificationsState {
    /// Verifies by `key` and hands on to `sink`.
    pub fn new(key: ClientStateKey, sink: Arc<dyn NoticeSink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            key,
            sink,
            clock,
            counters: Arc::default(),
        }
    }

    /// What became of items so far.
    pub fn tally(&self) -> Tally {
        self.counters.total()
    }
}

/// Both routes. They take the same: Graph may be given one address for both. No answer is kept or framed, refusals of other
/// methods included.
pub fn router(state: NotificationsState) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/graph/notifications", post(receive))
        .route("/graph/lifecycle", post(receive))
        // A panic is answered, and Graph comes again.
        .layer(CatchPanicLayer::custom(|_| Refusal::not_stored().into_response()))
        .layer(fixed(CACHE_CONTROL, "no-store"))
        .layer(fixed(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .with_state(state)
}

async fn receive(State(state): State<NotificationsState>, request: Request) -> Response {
    match answer(&state, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(state: &NotificationsState, request: Request) -> Result<Response, Refusal> {
    if let Some(token) = handshake::token(request.uri().query())? {
        return Ok(handshake::echo(token));
    }
    check_headers(request.headers())?;
    let body = whole(request.into_body(), state.clock.as_ref()).await?;
    let (notices, mut tally) = sort(&payload::read(&body)?, &state.key);
    let verified = notices.len() as u64;
    let stored = store(state, notices).await;
    match &stored {
        Ok(taken) => tally.accept(taken),
        Err(_) => tally.not_stored = verified,
    }
    state.counters.add(&tally, state.clock.now());
    stored.map(|_| StatusCode::ACCEPTED.into_response())
}

/// The body, from senders who have one of Graph's size and mean to send it.
async fn whole(body: Body, clock: &dyn Clock) -> Result<Bytes, Refusal> {
    tokio::select! {
        biased;
        read = to_bytes(body, LARGEST_BODY) => read.map_err(|_| Refusal::too_large()),
        () = clock.sleep(TIME_TO_ARRIVE) => Err(Refusal::too_slow()),
    }
}

fn sort(items: &[Item<'_>], key: &ClientStateKey) -> (Vec<Notice>, Tally) {
    let mut tally = Tally::default();
    let mut notices = Vec::new();
    for item in items {
        match verify(item, key) {
            Ok(notice) => notices.push(notice),
            Err(why) => tally.refuse(why),
        }
    }
    (notices, tally)
}

/// Stores what was verified. Without anything verified nobody is asked anything.
async fn store(state: &NotificationsState, notices: Vec<Notice>) -> Result<Taken, Refusal> {
    if notices.is_empty() {
        return Ok(Taken::default());
    }
    let stored = tokio::select! {
        biased;
        stored = state.sink.take(notices) => stored,
        () = state.clock.sleep(TIME_TO_STORE) => {
            tracing::warn!("notifications could not be stored in time; Graph is asked to come again");
            return Err(Refusal::not_stored());
        }
    };
    match stored {
        Ok(taken) => {
            tracing::debug!(
                noted = taken.noted,
                known = taken.known,
                foreign = taken.foreign,
                irrelevant = taken.irrelevant,
                "notifications are taken"
            );
            Ok(taken)
        }
        Err(error) => {
            tracing::warn!(error = %chain(&error), "notifications could not be stored; Graph is asked to come again");
            Err(Refusal::not_stored())
        }
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        // Nothing is unpacked here, so nothing small can become large.
        return Err(Refusal::packed());
    }
    let json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if json {
        Ok(())
    } else {
        Err(Refusal::bad("send the body with content-type: application/json"))
    }
}
