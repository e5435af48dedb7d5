//! A wire that can be cut. It stands before the PBX and before the table and counts effects: requests that change
//! something on the other side. At the chosen one it cuts before, after, or loses the answer alone.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper_util::rt::TokioIo;
use shared::http::HttpOptions;
use tokio::net::TcpListener;

/// Where to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The effect does not happen and nothing gets through any more: the process died before it.
    Before,
    /// The effect happens and nothing gets through any more: the process died after it.
    After,
    /// The effect happens, its answer is lost, and life goes on.
    AnswerLost,
}

#[derive(Debug, Default)]
struct Plan {
    seen: usize,
    names: Vec<String>,
    at: Option<(usize, Cut)>,
    dead: bool,
}

/// Shared by every wire of a stage, so that effects are counted in the order they happen.
#[derive(Debug, Clone, Default)]
pub struct Scissors(Arc<Mutex<Plan>>);

impl Scissors {
    /// Counts from the beginning and cuts at the effect of this number, counted from 0.
    pub fn cut_at(&self, at: usize, cut: Cut) {
        *self.0.lock().unwrap() = Plan {
            at: Some((at, cut)),
            ..Plan::default()
        };
    }

    /// Lets everything through and counts from the beginning.
    pub fn heal(&self) {
        *self.0.lock().unwrap() = Plan::default();
    }

    /// The effects since, by name.
    pub fn effects(&self) -> Vec<String> {
        self.0.lock().unwrap().names.clone()
    }

    fn judge(&self, effect: Option<String>) -> Verdict {
        let mut plan = self.0.lock().unwrap();
        if plan.dead {
            return Verdict::Drop;
        }
        let Some(name) = effect else { return Verdict::Pass };
        let number = plan.seen;
        plan.seen += 1;
        plan.names.push(name);
        match plan.at {
            Some((at, cut)) if at == number => {
                plan.dead = cut != Cut::AnswerLost;
                if cut == Cut::Before {
                    Verdict::Drop
                } else {
                    Verdict::DropAnswer
                }
            }
            _ => Verdict::Pass,
        }
    }
}

enum Verdict {
    Pass,
    Drop,
    DropAnswer,
}

#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Severed;

/// A wire to `target`; answers its own origin.
pub async fn wire(target: String, scissors: Scissors) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(accept(listener, target, scissors));
    format!("http://{address}")
}

async fn accept(listener: TcpListener, target: String, scissors: Scissors) {
    let options = HttpOptions {
        plain_http: true,
        gzip: false,
        pool_max_idle_per_host: 0,
        ..HttpOptions::default()
    };
    let client = shared::http::client(&options).unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let (client, target, scissors) = (client.clone(), target.clone(), scissors.clone());
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (client, target, scissors) = (client.clone(), target.clone(), scissors.clone());
            async move { carry(request.map(Body::new), &client, &target, &scissors).await }
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

async fn carry(
    request: Request,
    client: &reqwest::Client,
    target: &str,
    scissors: &Scissors,
) -> Result<Response, Severed> {
    let verdict = scissors.judge(effect_of(&request));
    if matches!(verdict, Verdict::Drop) {
        return Err(Severed);
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Severed)?;
    let mut headers = parts.headers;
    headers.remove("host");
    headers.remove("content-length");
    let sent = client
        .request(parts.method, format!("{target}{path}"))
        .headers(headers)
        .body(bytes)
        .send();
    let answer = sent.await.map_err(|_| Severed)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.map_err(|_| Severed)?;
    if matches!(verdict, Verdict::DropAnswer) {
        return Err(Severed);
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().remove("transfer-encoding");
    Ok(response)
}

/// The name of a request that changes something; reads and sign-ins are none.
fn effect_of(request: &Request) -> Option<String> {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    if let Some(call) = target.and_then(|target| target.split('.').next_back()) {
        let writes = [
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "TransactWriteItems",
            "BatchWriteItem",
        ];
        return writes.contains(&call).then(|| call.to_owned());
    }
    let path = request.uri().path().trim_start_matches("/openapi/v1.0/");
    let writes = [
        "extension/create",
        "extension/update",
        "extension/delete",
        "extension/send_welcome_email",
        "company_contact/create",
        "company_contact/update",
        "company_contact/delete",
        "phonebook/create",
        "phonebook/update",
        "phonebook/delete",
        "extensiongroup/create",
        "extensiongroup/update",
        "extensiongroup/delete",
        "organization/create",
        "organization/update",
        "organization/delete",
    ];
    writes.contains(&path).then(|| path.to_owned())
}
