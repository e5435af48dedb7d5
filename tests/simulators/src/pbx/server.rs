//! The HTTP side: turns requests into calls, meets scripted faults, and keeps its own accept loop so that
//! a connection can really be closed without an answer.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use futures::stream;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::endpoints::Method;
use super::envelope::{self, Refusal, Reply, code};
use super::faults::{Effects, FaultKind};
use super::gate::{self, Arrival};
use super::{Pbx, admin, socket};

/// Larger bodies are cut off with 413, as a web server would.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
const LOGIN_PAGE: &str =
    "<!DOCTYPE html><html><head><title>P-Series</title></head><body><form>Login</form></body></html>";

/// Everything the PBX answers: the API, and `/_sim` for whoever plays its admin.
pub fn router(pbx: Arc<Pbx>) -> Router {
    Router::new()
        .nest("/_sim", admin::router())
        .fallback(serve)
        .with_state(pbx)
}

/// Tells a long-lived connection when the server stops.
#[derive(Clone)]
pub struct Stop(pub watch::Receiver<bool>);

/// Marks an answer that must never be sent: the connection ends instead.
#[derive(Clone, Copy)]
struct Hangup;

/// Accepts connections until told to stop, then ends those that are open.
pub async fn accept(listener: TcpListener, pbx: Arc<Pbx>, mut stop: watch::Receiver<bool>) {
    let router = router(pbx);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                connections.spawn(serve_connection(stream, peer, router.clone(), Stop(stop.clone())));
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: Stop) {
    // Small answers must not wait for more; a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let (router, stop) = (router.clone(), stop.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(stop);
            let answer = router
                .oneshot(request)
                .await
                .unwrap_or_else(|never: Infallible| match never {});
            if answer.extensions().get::<Hangup>().is_some() {
                return Err(io::Error::other("scripted hang-up"));
            }
            Ok(answer)
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Broken connections are daily business here.
    let _ = connection.with_upgrades().await;
}

async fn serve(State(pbx): State<Arc<Pbx>>, request: Request) -> Response {
    pbx.ensure_deliveries();
    let (parts, body) = request.into_parts();
    let mut answer = match parts
        .uri
        .path()
        .strip_prefix("/openapi/")
        .and_then(|rest| rest.split_once('/'))
    {
        Some(("v1.0", endpoint)) => {
            let endpoint = endpoint.trim_end_matches('/').to_owned();
            call(Arc::clone(&pbx), endpoint, parts, body).await
        }
        // Version 2.0 has call reports only, and those are no part of this PBX.
        Some(("v2.0", _)) => json(&Err(Refusal::new(code::NO_INTERFACE))),
        Some(_) => json(&Err(Refusal::new(code::VERSION_UNSUPPORTED))),
        None => html(StatusCode::NOT_FOUND),
    };
    if pbx.lock().settings.behaviour.close_connections && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// A call that has arrived is carried out even if its caller does not wait for the answer.
async fn call(pbx: Arc<Pbx>, endpoint: String, parts: Parts, body: Body) -> Response {
    let (in_flight, effects, latency) = pbx.begin(&endpoint);
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return html(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let method = match parts.method {
        http::Method::GET => Method::Get,
        http::Method::POST => Method::Post,
        _ => return json(&Err(Refusal::new(code::NO_INTERFACE))),
    };
    let arrival = read_arrival(endpoint, method, &parts, body.to_vec());
    let work = async move {
        let _in_flight = in_flight;
        wait(latency + effects.delay_ms).await;
        meet(&pbx, &arrival, &effects, parts).await
    };
    tokio::spawn(work).await.unwrap_or_else(|_| hang_up())
}

async fn meet(pbx: &Arc<Pbx>, arrival: &Arrival, effects: &Effects, mut parts: Parts) -> Response {
    if let Some(answer) = before(pbx, effects) {
        return answer;
    }
    if arrival.endpoint == "subscribe" && arrival.method == Method::Get {
        return socket::upgrade(pbx, arrival, &mut parts).await;
    }
    let reply = gate::answer(&mut pbx.lock(), arrival);
    after(effects, &reply).await
}

/// Faults that keep the call from being done.
fn before(pbx: &Pbx, effects: &Effects) -> Option<Response> {
    Some(match effects.kind.as_ref()? {
        FaultKind::Errcode { code } => {
            *pbx.lock().counters.answers.entry(*code).or_default() += 1;
            json(&Err(Refusal::new(*code)))
        }
        FaultKind::Http { status, body } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, "text/plain", Body::from(body.clone()))
        }
        FaultKind::DropBefore => hang_up(),
        FaultKind::Html => html(StatusCode::OK),
        FaultKind::HugeBody { bytes } => huge(*bytes),
        _ => return None,
    })
}

/// Faults that spoil the answer of a call that was done.
async fn after(effects: &Effects, reply: &Reply) -> Response {
    match effects.kind {
        Some(FaultKind::DropAfterCommit) => return hang_up(),
        Some(FaultKind::Garbage) => {
            return respond(
                StatusCode::OK,
                "application/json",
                Body::from("{\"errcode\":0,\"errm\u{1}}<<"),
            );
        }
        Some(FaultKind::DelayAfterCommit { ms }) => wait(ms).await,
        _ => {}
    }
    json(reply)
}

async fn wait(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn read_arrival(endpoint: String, method: Method, parts: &Parts, body: Vec<u8>) -> Arrival {
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let query = parts.uri.query().unwrap_or_default();
    Arrival {
        endpoint,
        method,
        source: source(parts),
        named: parts
            .headers
            .get(header::USER_AGENT)
            .is_some_and(|name| !name.is_empty()),
        says_json: text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json")),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        body,
    }
}

/// The caller's address; loopback when another server hosts the routes and does not tell.
fn source(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| {
        peer.ip().to_canonical()
    })
}

/// An API answer: always status 200.
pub fn json(reply: &Reply) -> Response {
    respond(
        StatusCode::OK,
        "application/json; charset=utf-8",
        Body::from(envelope::envelope(reply).to_string()),
    )
}

/// A page from outside the API.
pub fn html(status: StatusCode) -> Response {
    respond(status, "text/html", Body::from(LOGIN_PAGE))
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// No answer at all. A host other than [`accept`] sees a body that fails before its first byte.
fn hang_up() -> Response {
    let broken = stream::iter([Err::<&'static [u8], _>(io::Error::other("scripted hang-up"))]);
    let mut answer = Response::new(Body::from_stream(broken));
    answer.extensions_mut().insert(Hangup);
    answer
}

fn huge(bytes: usize) -> Response {
    static BLOCK: [u8; 65_536] = [b'a'; 65_536];
    let head: &'static [u8] = b"{\"errcode\":0,\"errmsg\":\"SUCCESS\",\"data\":\"";
    let blocks = std::iter::once(head).chain(std::iter::repeat_n(&BLOCK[..], bytes.div_ceil(BLOCK.len())));
    let body = Body::from_stream(stream::iter(blocks.map(Ok::<_, Infallible>)));
    respond(StatusCode::OK, "application/json", body)
}
