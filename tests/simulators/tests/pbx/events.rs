//! Events over WebSocket and webhook.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use simulators::pbx::{Fault, FaultKind, Monitor, WebhookMethod, webhook_signature};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::*;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(world: &World, token: &str) -> Result<Socket, Error> {
    let url = format!(
        "ws://{}/openapi/v1.0/subscribe?access_token={token}",
        world.running.address()
    );
    let mut request = url.into_client_request()?;
    request
        .headers_mut()
        .insert("user-agent", "OpenAPI".parse().unwrap());
    tokio_tungstenite::connect_async(request)
        .await
        .map(|(socket, _)| socket)
}

async fn say(socket: &mut Socket, text: &str) -> String {
    socket.send(Message::text(text)).await.unwrap();
    hear(socket).await
}

async fn hear(socket: &mut Socket) -> String {
    socket
        .next()
        .await
        .unwrap()
        .unwrap()
        .into_text()
        .unwrap()
        .as_str()
        .to_owned()
}

/// Reads until the other side closes.
async fn ends(mut socket: Socket) {
    while let Some(Ok(message)) = socket.next().await {
        assert!(message.is_close(), "{message}");
    }
}

async fn subscribed(world: &World) -> Socket {
    let mut socket = connect(world, &world.token).await.unwrap();
    let ack: Value =
        serde_json::from_str(&say(&mut socket, r#"{"topic_list":[30006,30009,30022]}"#).await).unwrap();
    assert_eq!(ack, json!({ "errcode": 0, "errmsg": "SUCCESS" }));
    socket
}

async fn event(socket: &mut Socket) -> (i64, Value, bool) {
    let frame: Value = serde_json::from_str(&hear(socket).await).unwrap();
    let message = serde_json::from_str(frame["msg"].as_str().unwrap()).unwrap();
    (
        frame["type"].as_i64().unwrap(),
        message,
        frame.get("sn").is_some(),
    )
}

#[tokio::test]
async fn a_subscriber_hears_presence_and_extension_changes() {
    let world = world(config()).await;
    let mut socket = subscribed(&world).await;
    let away = json!({ "id": 1, "presence_status": "away" });
    world.post("extension/update", &away).await;
    let changed =
        |option: &str, number: &str| (30_022, json!({ "ext_number": number, "option": option }), false);
    assert_eq!(event(&mut socket).await, changed("UPDATE", "1000"));
    assert_eq!(
        event(&mut socket).await,
        (30_009, json!({ "extension": "1000", "status": "away" }), true)
    );
    // The same value again is no change of presence.
    world.post("extension/update", &away).await;
    assert_eq!(event(&mut socket).await, changed("UPDATE", "1000"));
    let made = id(&world.post("extension/create", &new_extension("2101", "")).await);
    assert_eq!(event(&mut socket).await, changed("CREATE", "2101"));
    assert_eq!(event(&mut socket).await.0, 30_006);
    world.get("extension/delete", &[("id", &made)]).await;
    assert_eq!(event(&mut socket).await, changed("DELETE", "2101"));
}

#[tokio::test]
async fn a_call_is_carried_out_even_when_its_caller_has_gone() {
    let world = world(config()).await;
    let mut socket = subscribed(&world).await;
    world
        .pbx()
        .fault(Fault::once("extension/delete", FaultKind::Delay { ms: 20 }));
    let caller = TcpStream::connect(world.running.address()).await.unwrap();
    let path = format!("/openapi/v1.0/extension/delete?id=1&access_token={}", world.token);
    let request = format!("GET {path} HTTP/1.1\r\nHost: pbx\r\nUser-Agent: OpenAPI\r\n\r\n");
    caller.writable().await.unwrap();
    assert_eq!(caller.try_write(request.as_bytes()).unwrap(), request.len());
    drop(caller);
    assert_eq!(
        event(&mut socket).await.1,
        json!({ "ext_number": "1000", "option": "DELETE" })
    );
    assert!(world.pbx().extension("1000").is_none());
}

#[tokio::test]
async fn a_stopped_server_ends_its_sockets() {
    let world = world(config()).await;
    let socket = subscribed(&world).await;
    world.running.shutdown().await;
    ends(socket).await;
}

#[tokio::test]
async fn events_of_api_changes_can_be_off() {
    let world = world(config()).await;
    let mut socket = subscribed(&world).await;
    world
        .pbx()
        .change_settings(|settings| settings.behaviour.api_changes_raise_events = false);
    world
        .post("extension/update", &json!({ "id": 1, "title": "Lead" }))
        .await;
    world.pbx().delete_extension("1001").unwrap();
    assert_eq!(
        event(&mut socket).await.1,
        json!({ "ext_number": "1001", "option": "DELETE" })
    );
}

#[tokio::test]
async fn without_monitoring_presence_is_silent() {
    let world = world(config()).await;
    world.pbx().set_monitor("1000", Monitor::all(false)).unwrap();
    let mut socket = subscribed(&world).await;
    world
        .post(
            "extension/update",
            &json!({ "id": 1, "presence_status": "lunch" }),
        )
        .await;
    world
        .post(
            "extension/update",
            &json!({ "id": 2, "presence_status": "lunch" }),
        )
        .await;
    let mut topics = Vec::new();
    for _ in 0..3 {
        topics.push(event(&mut socket).await.0);
    }
    assert_eq!(topics, [30_022, 30_022, 30_009]);
}

#[tokio::test]
async fn heartbeats_keep_a_socket_and_silence_ends_it() {
    let world = world(config()).await;
    let mut socket = connect(&world, &world.token).await.unwrap();
    world.pbx().clock().advance(Duration::from_secs(59));
    assert_eq!(say(&mut socket, "heartbeat").await, "heartbeat response");
    world.pbx().clock().advance(Duration::from_secs(59));
    assert_eq!(say(&mut socket, "heartbeat").await, "heartbeat response");
    world.pbx().clock().advance(Duration::from_mins(1));
    ends(socket).await;
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let world = world(config()).await;
    let socket = connect(&world, &world.token).await.unwrap();
    world.get("del_token", &[]).await;
    ends(socket).await;
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_upgrade() {
    let world = world(config()).await;
    let Err(Error::Http(answer)) = connect(&world, "nonsense").await else {
        panic!("no upgrade was due")
    };
    assert_eq!(answer.status().as_u16(), 200);
    let plain = world
        .http
        .get(world.url("subscribe"))
        .query(&[("access_token", &world.token)]);
    assert_eq!(plain.send().await.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn a_bad_subscription_is_told_so() {
    let world = world(config()).await;
    let mut socket = connect(&world, &world.token).await.unwrap();
    assert!(say(&mut socket, "hello").await.contains("-2"));
    assert!(say(&mut socket, r#"{"topic_list":[1]}"#).await.contains("40002"));
    assert!(say(&mut socket, "{}").await.contains("40002"));
}

/// A receiver of webhooks that hands on what it gets.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (sender, messages) = mpsc::unbounded_channel();
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let take = post(async move |headers: HeaderMap, body: Bytes| {
        sender.send((headers, body)).unwrap();
        StatusCode::NO_CONTENT
    });
    tokio::spawn(axum::serve(listener, Router::new().route("/hook", take)).into_future());
    (url, messages)
}

#[tokio::test]
async fn webhooks_are_signed_over_the_raw_body() {
    let world = world(newest()).await;
    let (url, mut messages) = receiver().await;
    let (_, secret) = world
        .pbx()
        .add_webhook(&url, WebhookMethod::Post, Some(vec![30_009]))
        .unwrap();
    assert_eq!(secret.len(), 32);
    world
        .post(
            "extension/update",
            &json!({ "id": 1, "presence_status": "lunch" }),
        )
        .await;
    let (headers, body) = messages.recv().await.unwrap();
    assert_eq!(
        headers["x-signature"].to_str().unwrap(),
        webhook_signature(&secret, &body)
    );
    let frame: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&frame["type"], &frame["sn"]),
        (&json!(30_009), &json!("3600X0000001"))
    );
    assert!(frame["msg"].as_str().unwrap().contains("lunch"));
}

#[tokio::test]
async fn the_signature_is_the_documented_hmac() {
    // The well-known HMAC-SHA256 example for key "key".
    let text = b"The quick brown fox jumps over the lazy dog";
    assert_eq!(
        webhook_signature("key", text),
        "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="
    );
}

#[tokio::test]
async fn older_firmware_has_no_webhooks() {
    let world = world(config()).await;
    let (url, mut messages) = receiver().await;
    for _ in 0..5 {
        world.pbx().add_webhook(&url, WebhookMethod::Post, None).unwrap();
    }
    assert!(world.pbx().add_webhook(&url, WebhookMethod::Post, None).is_none());
    world
        .post(
            "extension/update",
            &json!({ "id": 1, "presence_status": "lunch" }),
        )
        .await;
    world
        .pbx()
        .change_settings(|settings| settings.firmware = "83.20.0.21".to_owned());
    world
        .post("extension/update", &json!({ "id": 1, "title": "Lead" }))
        .await;
    let (_, body) = messages.recv().await.unwrap();
    assert!(String::from_utf8(body.to_vec()).unwrap().contains("30022"));
}
