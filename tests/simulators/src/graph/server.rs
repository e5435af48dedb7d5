//! The simulator behind a socket. Connections are served one by one so that a scripted drop closes the
//! connection without an answer, as a broken network does.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::stream;
use http::{HeaderName, HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::{task, time};

use super::Graph;
use super::admin_http;
use super::answer::{Answer, GRAPH_JSON, Payload};
use super::call::Call;
use super::config::Config;
use super::deliver::deliver_always;
use super::mailbox_limits::Visit;
use super::world::{Ending, Reply};

/// Bodies are token requests, batches and id lists.
const MAXIMUM_BODY: usize = 4 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped by a scripted fault")]
struct Dropped;

/// A listening simulator. Dropping it stops it.
pub struct Running {
    graph: Arc<Graph>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
    delivering: JoinHandle<()>,
}

impl Running {
    pub async fn start(config: Config, listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let graph = Arc::new(Graph::new(config));
        graph.set_origin(format!("http://{address}"));
        let accepting = task::spawn(accept(listener, Arc::clone(&graph)));
        let delivering = task::spawn(deliver_always(Arc::clone(&graph)));
        Ok(Self {
            graph,
            address,
            accepting,
            delivering,
        })
    }

    pub fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// The value for `GRAPH_BASE_URL`.
    pub fn graph_base_url(&self) -> String {
        format!("http://{}/v1.0", self.address)
    }

    /// The value for `LOGIN_BASE_URL`.
    pub fn login_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops accepting and closes every connection.
    pub fn shutdown(&self) {
        self.accepting.abort();
        self.delivering.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown();
    }
}

async fn accept(listener: TcpListener, graph: Arc<Graph>) {
    // Connections end with the set that holds them, so none outlives the simulator.
    let mut connections = task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let graph = Arc::clone(&graph);
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let graph = Arc::clone(&graph);
                async move { serve(&graph, request.map(Body::new)).await }
            });
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The simulator as a router for a server of one's own. There a dropped connection shows as an empty 502.
pub fn router(graph: Arc<Graph>) -> axum::Router {
    axum::Router::new().fallback(move |request: Request| {
        let graph = Arc::clone(&graph);
        async move {
            let response = serve(&graph, request).await;
            Ok::<_, Infallible>(response.unwrap_or_else(|Dropped| plain(StatusCode::BAD_GATEWAY)))
        }
    })
}

/// Leaves the mailboxes of a request when it is over, however it ends.
struct Leaving<'a> {
    graph: &'a Graph,
    visits: Vec<Visit>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.visits.is_empty() {
            self.graph.leave(&self.visits);
        }
    }
}

async fn serve(graph: &Graph, request: Request) -> Result<Response, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAXIMUM_BODY).await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let call = Call::new(parts.method, target, parts.headers, body.to_vec());
    if call.segments.first().is_some_and(|first| first == "_sim") {
        return Ok(render(&admin_http::answer(graph, &call), false, graph));
    }
    let mut reply = graph.reply(&call);
    let _leaving = Leaving {
        graph,
        visits: std::mem::take(&mut reply.visits),
    };
    if let Some(handshake) = reply.handshake.take() {
        reply.answer = graph.after_handshake(&handshake, reply.answer, &call).await;
    }
    if reply.delay_ms > 0 {
        time::sleep(Duration::from_millis(reply.delay_ms)).await;
    }
    match reply.ending {
        Ending::Dropped => Err(Dropped),
        Ending::Truncated => Ok(render(&reply, true, graph)),
        Ending::Whole => Ok(render(&reply, false, graph)),
    }
}

fn render(reply: &Reply, truncated: bool, graph: &Graph) -> Response {
    let answer = &reply.answer;
    let (media_type, bytes) = content(answer);
    let body = if truncated { cut(&bytes) } else { Body::from(bytes) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let date = graph
        .clock()
        .now()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let own = media_type
        .map(|value| ("content-type", value.to_owned()))
        .into_iter()
        .chain([("date", date)]);
    let given = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in own.chain(given) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    response
}

/// Media type and bytes. Only answers of the Graph host carry a request id, and have its media type.
fn content(answer: &Answer) -> (Option<&'static str>, Vec<u8>) {
    let of_graph = answer.headers.iter().any(|(name, _)| name == "request-id");
    match &answer.payload {
        Payload::Json(value) if of_graph => (Some(GRAPH_JSON), value.to_string().into_bytes()),
        Payload::Json(value) => (
            Some("application/json; charset=utf-8"),
            value.to_string().into_bytes(),
        ),
        Payload::Text(media_type, text) => (Some(*media_type), text.clone().into_bytes()),
        Payload::Empty => (None, Vec::new()),
    }
}

/// Half the body, sent, and then a broken connection.
fn cut(bytes: &[u8]) -> Body {
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
    let parts = stream::unfold(Some(half), |part| async move {
        match part {
            Some(part) if !part.is_empty() => Some((Ok(part), Some(Vec::new()))),
            Some(_) => {
                // Lets the connection write out what it has before it learns of the end.
                task::yield_now().await;
                Some((Err(io::Error::other("cut by a scripted fault")), None))
            }
            None => None,
        }
    });
    Body::from_stream(parts)
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
