//! The webhook under an even load: how long an answer takes beside the one write it stands for, and what a flood of forged
//! words costs the table.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use graph_notifications::{NotificationsState, router};
use serde_json::{Value, json};
use shared::changes::Inbox;
use shared::domain::change::{ChangedObject, Changes};
use shared::domain::client_state::{ClientStateKey, WatchedBy};
use shared::domain::ids::{EntraUserId, SubscriptionId};
use shared::domain::subscription::{Nonce, SubscriptionKind};
use shared::secrets::FileKeySealer;
use shared::store::{Haste, Store, Subscription, Watch, local_client};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connector::TABLE;
use crate::row::{Goal, float, remark, row};
use crate::stage::{Stage, TENANT};

const PER_SECOND: u32 = 500;
/// As many as change within the time that a run takes: more would have been taken up by a run.
const PEOPLE: usize = 50;

struct Webhook {
    stage: Stage,
    url: String,
    word: String,
    subscription: SubscriptionId,
    people: Vec<EntraUserId>,
    client: reqwest::Client,
}

/// Measures for so long.
pub async fn measure(for_how_long: Duration) -> anyhow::Result<()> {
    let webhook = Webhook::open().await?;
    let total = PER_SECOND.saturating_mul(u32::try_from(for_how_long.as_secs())?);
    let table = load(total, |n| webhook.write(n)).await?;
    let answers = load(total, |n| webhook.post(n, &webhook.word)).await?;
    webhook.stage.table.take();
    let forged = "A".repeat(webhook.word.len());
    load(total.min(5_000), |n| webhook.post(n, &forged)).await?;
    let touched = webhook.stage.table.take();
    row(
        "webhook, 500 a second: p99 over that of the table, ms",
        answers.p99 - table.p99,
        Goal::AtMost(25.0),
    );
    remark(&format!(
        "answers p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms; one write alone p50 {:.1} ms, p99 {:.1} ms",
        answers.p50, answers.p99, answers.most, table.p50, table.p99
    ));
    row(
        "webhook, forged words: requests to the table",
        float(touched.reads + touched.writes),
        Goal::AtMost(0.0),
    );
    Ok(())
}

impl Webhook {
    async fn open() -> anyhow::Result<Self> {
        let stage = Stage::in_step(PEOPLE).await?;
        let key = ClientStateKey::generate();
        let nonce = Nonce::generate();
        let by = WatchedBy {
            connection: stage.connection,
            kind: SubscriptionKind::Users,
            nonce,
        };
        let subscription = SubscriptionId::from(Uuid::from_u128(1));
        let now = stage.engine.clock.now();
        let known = Subscription {
            id: subscription,
            nonce,
            reports_to: String::new(),
            ends_at: now,
            confirmed_at: now,
            asked_at: None,
        };
        let watch = Watch {
            follows: true,
            threshold: u32::MAX,
            wait_seconds: 3_600,
            subscriptions: BTreeMap::from([(SubscriptionKind::Users, known)]),
            ..Watch::idle(TENANT.parse()?, now)
        };
        stage
            .engine
            .store
            .save_watch(stage.connection, &watch, None)
            .await?;
        let bindings = stage.engine.store.bindings(stage.connection).await?;
        Ok(Self {
            url: serve(&stage, key.clone()).await?,
            word: key.derive(&by),
            subscription,
            people: bindings.into_keys().collect(),
            client: reqwest::Client::builder().no_proxy().build()?,
            stage,
        })
    }

    fn person(&self, n: u32) -> anyhow::Result<EntraUserId> {
        let place = usize::try_from(n)? % self.people.len().max(1);
        self.people.get(place).copied().context("nobody is bound")
    }

    fn body(&self, n: u32, word: &str) -> anyhow::Result<Value> {
        let person = self.person(n)?;
        Ok(json!({ "value": [{
            "subscriptionId": self.subscription.to_string(), "clientState": word, "changeType": "updated",
            "resource": format!("Users/{person}"), "tenantId": TENANT,
            "resourceData": { "id": person.to_string() },
        }] }))
    }

    fn post(&self, n: u32, word: &str) -> impl Future<Output = anyhow::Result<()>> + Send + use<> {
        let request = self
            .body(n, word)
            .map(|body| self.client.post(&self.url).json(&body));
        async move {
            let status = request?.send().await?.status();
            anyhow::ensure!(status == 202, "the webhook answered {status}");
            Ok(())
        }
    }

    fn write(&self, n: u32) -> impl Future<Output = anyhow::Result<()>> + Send + use<> {
        let (store, connection) = (self.stage.engine.store.clone(), self.stage.connection);
        let now = self.stage.engine.clock.now();
        let person = self.person(n);
        async move {
            let changes = Changes {
                named: BTreeSet::from([ChangedObject::User(person?)]),
                others: false,
            };
            let haste = Haste {
                now,
                due_at: now + Duration::from_hours(1),
                threshold: u32::MAX,
            };
            store.note_changes(connection, &changes, haste).await?;
            Ok(())
        }
    }
}

async fn serve(stage: &Stage, key: ClientStateKey) -> anyhow::Result<String> {
    let clock = Arc::clone(&stage.engine.clock);
    let sealer = Arc::new(FileKeySealer::from_bytes([9; 32]));
    let client = local_client(&stage.table.endpoint(), &stage.addresses.table_key);
    let inbox = Inbox {
        store: Store::with_clock(client, TABLE, sealer, Arc::clone(&clock)),
        queue: Arc::clone(&stage.engine.queue),
        clock: Arc::clone(&clock),
    };
    let routes = router(NotificationsState::new(key, Arc::new(inbox), clock));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/graph/notifications", listener.local_addr()?);
    // Serves for as long as the runtime lives.
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

struct Times {
    p50: f64,
    p99: f64,
    most: f64,
}

/// Begins a call every two milliseconds, whatever became of those before.
async fn load<F>(total: u32, call: impl Fn(u32) -> F) -> anyhow::Result<Times>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let step = Duration::from_secs(1) / PER_SECOND;
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..total {
        let due = began + step * n;
        tokio::time::sleep_until(due).await;
        let call = call(n);
        // From when it was due: a late beginning is a wait as well.
        calls.spawn(async move { call.await.map(|()| due.elapsed()) });
    }
    let mut times = Vec::new();
    while let Some(ended) = calls.join_next().await {
        times.push(ended??.as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| {
        times
            .get(times.len().saturating_sub(1) * share / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Times {
        p50: at(50),
        p99: at(99),
        most: at(100),
    })
}
