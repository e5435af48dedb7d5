//! `subscribe`: events over a WebSocket. A bad token is refused before the upgrade, and a silent client is
//! cut off.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::Pbx;
use super::call::as_id;
use super::envelope::{self, Refusal, Reply, code, done};
use super::gate::{self, Arrival};
use super::server::{self, Stop};

/// How often the clock is looked at: it may be moved by hand.
const TICK: Duration = Duration::from_millis(25);

/// Judges the request and, if all is well, becomes a WebSocket.
pub async fn upgrade(pbx: &Arc<Pbx>, arrival: &Arrival, parts: &mut Parts) -> Response {
    let admitted = {
        let mut state = pbx.lock();
        gate::admit(&state, arrival).and_then(|()| gate::authorize(&mut state, arrival))
    };
    if let Err(refusal) = admitted {
        return server::json(&Err(refusal));
    }
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(parts, &()).await else {
        return server::html(StatusCode::BAD_REQUEST);
    };
    let token = arrival.query.get("access_token").cloned().unwrap_or_default();
    let pbx = Arc::clone(pbx);
    // Another host does not tell when it stops: its sockets live as long as their clients.
    let (host, forever) = watch::channel(false);
    let stop = parts
        .extensions
        .get::<Stop>()
        .map_or(forever, |Stop(stop)| stop.clone());
    upgrade.on_upgrade(async move |socket| {
        run(socket, pbx, token, stop).await;
        drop(host);
    })
}

async fn run(mut socket: WebSocket, pbx: Arc<Pbx>, token: String, mut stop: watch::Receiver<bool>) {
    let (id, mut frames) = pbx.lock().hub.join();
    let mut tick = tokio::time::interval(TICK);
    let mut heard = pbx.clock().now();
    loop {
        let answer = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    heard = pbx.clock().now();
                    Some(reply_to(&pbx, id, text.as_str()))
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => None,
            },
            frame = frames.recv() => frame,
            _ = tick.tick() => if is_over(&pbx, heard, &token) { break } else { None },
            _ = stop.changed() => break,
        };
        let Some(text) = answer else { continue };
        if socket.send(Message::Text(text.into())).await.is_err() {
            break;
        }
    }
    pbx.lock().hub.leave(id);
    // The other side may be gone already.
    let _ = socket.send(Message::Close(None)).await;
}

fn is_over(pbx: &Pbx, heard: Timestamp, token: &str) -> bool {
    let state = pbx.lock();
    let now = state.clock.now();
    let silent = now.as_second() - heard.as_second();
    let behaviour = &state.settings.behaviour;
    let expired = state.tokens.application(token, now).is_none();
    silent >= behaviour.socket_idle_seconds || (behaviour.token_expiry_closes_socket && expired)
}

fn reply_to(pbx: &Pbx, id: u64, text: &str) -> String {
    if text == "heartbeat" {
        return "heartbeat response".to_owned();
    }
    envelope::envelope(&subscribe(pbx, id, text)).to_string()
}

fn subscribe(pbx: &Pbx, id: u64, text: &str) -> Reply {
    let request: Value = serde_json::from_str(text)
        .map_err(|_| Refusal::undecodable("invalid character looking for beginning of value"))?;
    let wrong = || Refusal::naming(code::PARAMETER, ["topic_list"]);
    let topics = request
        .get("topic_list")
        .and_then(Value::as_array)
        .ok_or_else(wrong)?;
    let known = |topic: &Value| as_id(topic).filter(|topic| (30_005..=30_036).contains(topic));
    let topics = topics
        .iter()
        .map(known)
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    pbx.lock().hub.subscribe(id, topics);
    done()
}
