//! Delivers webhook messages, one after the other, once each. The signature covers the raw body.

use std::sync::Weak;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::mpsc;

use super::Pbx;
use super::hub::{Delivered, Delivery, WebhookMethod};

/// A receiver that takes longer counts as silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// `X-Signature`: Base64 of HMAC-SHA256 over the body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

/// Delivers for as long as the PBX exists.
pub async fn deliver(pbx: Weak<Pbx>, mut queue: mpsc::UnboundedReceiver<Delivery>) {
    let client = match reqwest::Client::builder().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the simulated PBX cannot deliver webhooks");
            return;
        }
    };
    while let Some(delivery) = queue.recv().await {
        let Some(pbx) = pbx.upgrade() else { return };
        let sign = pbx.lock().settings.behaviour.sign_webhooks;
        let status = send(&client, &delivery, sign).await;
        pbx.lock().hub.delivered.push(Delivered {
            webhook: delivery.webhook,
            status,
        });
    }
}

async fn send(client: &reqwest::Client, delivery: &Delivery, sign: bool) -> Option<u16> {
    let mut request = match delivery.method {
        WebhookMethod::Post => client
            .post(&delivery.url)
            .header("content-type", "application/json")
            .body(delivery.body.clone()),
        WebhookMethod::Get => client.get(&delivery.url).query(&[("event", &delivery.body)]),
    };
    if sign {
        request = request.header(
            "x-signature",
            signature(&delivery.secret, delivery.body.as_bytes()),
        );
    }
    let answer = request.send().await.ok()?;
    Some(answer.status().as_u16())
}
