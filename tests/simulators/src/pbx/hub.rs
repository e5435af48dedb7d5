//! Who listens: WebSocket subscribers and webhooks. Listening never slows a call down.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Webhooks one PBX may have.
pub const MAX_WEBHOOKS: usize = 5;

/// The listeners of a PBX.
#[derive(Default)]
pub struct Hub {
    subscribers: BTreeMap<u64, Subscriber>,
    next: u64,
    pub webhooks: BTreeMap<u32, Webhook>,
    /// Where webhook messages go; absent until somebody delivers them.
    pub queue: Option<mpsc::UnboundedSender<Delivery>>,
    /// Nothing that happens now is told to anyone.
    pub muted: bool,
    /// What became of them.
    pub delivered: Vec<Delivered>,
}

struct Subscriber {
    topics: BTreeSet<u32>,
    frames: mpsc::UnboundedSender<String>,
}

/// Integrations > API > Webhook Event Push.
#[derive(Clone, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// `POST` or `GET`.
    pub method: WebhookMethod,
    /// `None` is every event.
    pub events: Option<BTreeSet<u32>>,
    /// 32 characters, made by the PBX.
    pub secret: String,
}

/// How a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WebhookMethod {
    Get,
    Post,
}

/// One message on its way.
#[derive(Clone)]
pub struct Delivery {
    pub webhook: u32,
    pub url: String,
    pub method: WebhookMethod,
    pub secret: String,
    pub body: String,
}

/// One message that went out.
#[derive(Clone, Debug, Serialize)]
pub struct Delivered {
    pub webhook: u32,
    /// The receiver's HTTP status; `None` when it did not answer.
    pub status: Option<u16>,
}

impl Hub {
    /// A subscriber of no topics yet, and the frames meant for it.
    pub fn join(&mut self) -> (u64, mpsc::UnboundedReceiver<String>) {
        let (frames, receiver) = mpsc::unbounded_channel();
        self.next += 1;
        self.subscribers.insert(
            self.next,
            Subscriber {
                topics: BTreeSet::new(),
                frames,
            },
        );
        (self.next, receiver)
    }

    /// Sets what a subscriber wants to hear.
    pub fn subscribe(&mut self, id: u64, topics: BTreeSet<u32>) {
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            subscriber.topics = topics;
        }
    }

    pub fn leave(&mut self, id: u64) {
        self.subscribers.remove(&id);
    }

    pub fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    /// Hands an event to everyone who wants it.
    pub fn emit(&mut self, topic: u32, message: &Value, serial: Option<String>, webhooks: bool) {
        let wanted = self
            .subscribers
            .values()
            .any(|subscriber| subscriber.topics.contains(&topic));
        if self.muted || !wanted && (!webhooks || self.webhooks.is_empty()) {
            return;
        }
        let frame = frame(topic, message, serial);
        for subscriber in self
            .subscribers
            .values()
            .filter(|subscriber| subscriber.topics.contains(&topic))
        {
            // A subscriber that has just gone is removed by its own task.
            let _ = subscriber.frames.send(frame.clone());
        }
        if webhooks {
            self.push(&frame, |webhook| {
                webhook
                    .events
                    .as_ref()
                    .is_none_or(|events| events.contains(&topic))
            });
        }
    }

    /// Queues a frame for the webhooks that want it.
    pub fn push(&self, frame: &str, wants: impl Fn(&Webhook) -> bool) {
        let Some(queue) = &self.queue else { return };
        for (id, webhook) in self.webhooks.iter().filter(|(_, webhook)| wants(webhook)) {
            let delivery = Delivery {
                webhook: *id,
                url: webhook.url.clone(),
                method: webhook.method,
                secret: webhook.secret.clone(),
                body: frame.to_owned(),
            };
            // Nobody delivers any more once the server has stopped.
            let _ = queue.send(delivery);
        }
    }
}

/// `msg` is JSON inside a string; events without a serial number leave `sn` out.
fn frame(topic: u32, message: &Value, serial: Option<String>) -> String {
    let mut frame = json!({ "type": topic, "msg": message.to_string() });
    if let (Some(serial), Some(frame)) = (serial, frame.as_object_mut()) {
        frame.insert("sn".to_owned(), serial.into());
    }
    frame.to_string()
}
