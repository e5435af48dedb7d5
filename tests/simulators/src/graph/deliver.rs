//! Makes the calls: handshakes before a subscription is granted, deliveries when they are due. None of them holds up the
//! world: it is locked only to be asked and told.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::Graph;
use super::admin::AdminError;
use super::answer::{Answer, ApiError};
use super::call::Call;
use super::notify::Delivery;
use super::receivers::Pace;
use super::subscription::{Watched, invalid};
use super::subscription_routes::Handshake;

/// Between two looks at what is due, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SIDE_BY_SIDE: usize = 16;
const HANDSHAKE: Duration = Duration::from_secs(10);
const FIRST_ATTEMPT: Duration = Duration::from_secs(3);
const LATER_ATTEMPT: Duration = Duration::from_secs(10);

impl Graph {
    /// Delivers what is due by the simulated clock and returns when all of it is answered; says how many POSTs that were.
    pub async fn deliver_due(&self) -> usize {
        let due = {
            let now = self.clock().now();
            let mut world = self.lock();
            world.fill_outbox(now);
            world.take_due(now)
        };
        let count = due.len();
        stream::iter(due)
            .for_each_concurrent(SIDE_BY_SIDE, |delivery| self.deliver(delivery))
            .await;
        count
    }

    /// How many POSTs wait, due or not.
    pub fn deliveries_waiting(&self) -> usize {
        self.lock().outbox.waiting.len()
    }

    async fn deliver(&self, mut delivery: Delivery) {
        let limit = if delivery.attempts == 0 {
            FIRST_ATTEMPT
        } else {
            LATER_ATTEMPT
        };
        let began = Instant::now();
        let request = self
            .http()
            .post(&delivery.url)
            .json(&delivery.body)
            .timeout(LATER_ATTEMPT);
        let answered = request
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success());
        let took = began.elapsed();
        let pace = match took {
            took if took >= LATER_ATTEMPT => Pace::Lost,
            took if took >= FIRST_ATTEMPT => Pace::Slow,
            _ => Pace::Quick,
        };
        let now = self.clock().now();
        let mut world = self.lock();
        world.outbox.receivers.note(&delivery.url, pace, now);
        if answered && took < limit {
            return;
        }
        delivery.first_at.get_or_insert(now);
        let wait = 10_i64.saturating_mul(1 << delivery.attempts.min(10));
        delivery.attempts += 1;
        delivery.due_at = now
            .saturating_add(SignedDuration::from_secs(wait))
            .unwrap_or(Timestamp::MAX);
        world.outbox.put_back(delivery, now);
    }

    /// Asks the addresses of a subscription whether they want it.
    async fn shake_hands(&self, handshake: &Handshake, granted: Answer) -> Result<Answer, ApiError> {
        let mut failure = None;
        for url in &handshake.urls {
            if let Err(why) = self.validate(url).await {
                failure = Some(why);
                break;
            }
        }
        self.lock().subscriptions.conclude(handshake, failure.is_none());
        match failure {
            None => Ok(granted),
            Some(why) => Err(invalid(format!("Subscription validation request failed. {why}"))),
        }
    }

    /// The answer to a request that had to wait for a handshake.
    pub(super) async fn after_handshake(
        &self,
        handshake: &Handshake,
        granted: Answer,
        call: &Call,
    ) -> Answer {
        match self.shake_hands(handshake, granted).await {
            Ok(answer) => answer,
            Err(error) => {
                let moment = self.moment();
                self.lock().refuse(error, call, &moment)
            }
        }
    }

    async fn validate(&self, url: &str) -> Result<(), String> {
        let id = self.lock().new_id();
        let token =
            format!("Validation: Testing client application reachability for subscription Request-Id: {id}");
        // Spaces come as `+` and colons in lower-case hexadecimal.
        let encoded = token.replace(':', "%3a").replace(' ', "+");
        let mark = if url.contains('?') { '&' } else { '?' };
        let request = self
            .http()
            .post(format!("{url}{mark}validationToken={encoded}"))
            .header("content-type", "text/plain; charset=utf-8")
            .header("accept", "text/plain")
            .header("content-length", "0")
            .timeout(HANDSHAKE);
        let answer = request
            .send()
            .await
            .map_err(|_| "Notification endpoint did not answer.".to_owned())?;
        let status = answer.status().as_u16();
        let plain = answer
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/plain"));
        let text = answer
            .text()
            .await
            .map_err(|_| "The answer broke off.".to_owned())?;
        match (status, plain, text == token) {
            (200, true, true) => Ok(()),
            (200, true, false) => Err("Validation: the response body is not the token.".to_owned()),
            (200, false, _) => Err("Validation: the response is not text/plain.".to_owned()),
            _ => Err(format!("Notification endpoint answered {status}; expected 200.")),
        }
    }

    /// Sends a lifecycle event of a subscription. Only mailboxes have `missed` and `subscriptionRemoved`.
    pub fn send_lifecycle(&self, subscription: Uuid, event: &str) -> Result<(), AdminError> {
        let now = self.clock().now();
        let mut world = self.lock();
        let policy = world.behaviour.notifications.clone();
        let world = &mut *world;
        let Some(known) = world.subscriptions.all.get_mut(&subscription) else {
            return Err(AdminError::NoObject(subscription));
        };
        match (event, &known.watched) {
            ("reauthorizationRequired", _) => known.ask(&policy, now),
            ("missed" | "subscriptionRemoved", Watched::Contacts) => {}
            _ => return Err(AdminError::Malformed("an event of this kind of subscription")),
        }
        world.outbox.lifecycle(known, event, now);
        if event == "subscriptionRemoved" {
            world.subscriptions.all.remove(&subscription);
        }
        Ok(())
    }

    /// Every subscription as its owner would see it.
    pub fn subscriptions(&self) -> Vec<Value> {
        let now = self.clock().now();
        let mut world = self.lock();
        world.subscriptions.settle(now);
        let granted = world.subscriptions.all.values().filter(|known| known.granted);
        granted.map(|known| known.show(true)).collect()
    }

    /// Ends a subscription without a word, as the service loses one.
    pub fn lose_subscription(&self, subscription: Uuid) -> Result<(), AdminError> {
        let lost = self.lock().subscriptions.all.remove(&subscription);
        lost.map(|_| ()).ok_or(AdminError::NoObject(subscription))
    }
}

/// Delivers as long as the simulator runs. A clock that is moved by hand waits for whoever moves it.
pub async fn deliver_always(graph: Arc<Graph>) {
    if !graph.clock().is_real() {
        return;
    }
    let mut busy = tokio::task::JoinSet::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        while busy.try_join_next().is_some() {}
        // A receiver that does not answer must not hold up the others.
        if busy.len() < SIDE_BY_SIDE {
            let graph = Arc::clone(&graph);
            busy.spawn(async move { graph.deliver_due().await });
        }
    }
}
