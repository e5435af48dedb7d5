//! Notices over a table with faults: whatever was acknowledged is stored, it is stored once, and storing it costs little.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

mod store_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use shared::changes::{Inbox, News, Notice, NoticeSink as _, Taken};
use shared::domain::change::ChangedObject;
use shared::domain::client_state::WatchedBy;
use shared::domain::ids::{ConnectionId, EntraGroupId, SubscriptionId, TenantId};
use shared::domain::subscription::{Nonce, SubscriptionKind};
use shared::ports::{QueueError, SyncHint, SyncQueue};
use shared::store::{Settled, Store, Subscription, Watch};
use shared::testing::table::TestTable;
use store_support::faults::{Cost, FOR_EVER, Fault, THROTTLED, Wire};
use store_support::{add_connection, intended, leased, now, user};
use uuid::Uuid;

/// So many people have extensions: those of the smallest numbers.
const BOUND: u128 = 30;

struct Deaf;

#[async_trait]
impl SyncQueue for Deaf {
    async fn send(&self, _: &SyncHint) -> Result<(), QueueError> {
        Ok(())
    }
}

fn subscription(kind: SubscriptionKind) -> SubscriptionId {
    Uuid::from_u128(0xc0ff_ee00 + kind as u128).into()
}

fn group(n: u128) -> EntraGroupId {
    Uuid::from_u128(n).into()
}

fn tenant() -> TenantId {
    Uuid::from_u128(1).into()
}

fn nonce() -> Nonce {
    Nonce::from_bytes([7; 16])
}

fn notice(connection: ConnectionId, kind: SubscriptionKind, news: News) -> Notice {
    Notice {
        by: WatchedBy {
            connection,
            kind,
            nonce: nonce(),
        },
        subscription: subscription(kind),
        tenant: tenant(),
        news,
    }
}

fn changed(connection: ConnectionId, kind: SubscriptionKind, n: u128) -> Notice {
    let news = News::Changed {
        object: Uuid::from_u128(n),
        deleted: false,
    };
    notice(connection, kind, news)
}

fn person(connection: ConnectionId, n: u128) -> Notice {
    changed(connection, SubscriptionKind::Users, n)
}

/// A connection that follows its tenant: some people have extensions, group 1 matters, ten changes make a run due at once.
async fn following(store: &Store) -> ConnectionId {
    let id = add_connection(store).await;
    let lease = leased(store, id).await;
    for n in 1..=BOUND {
        let number = (2_000 + n).to_string();
        store.reserve(&lease, &intended(n, &number)).await.unwrap();
    }
    store.release_lease(&lease).await.unwrap();
    let subscribed = |kind| Subscription {
        id: subscription(kind),
        nonce: nonce(),
        reports_to: "https://connector.example.com".to_owned(),
        ends_at: now() + Duration::from_hours(24 * 28),
        confirmed_at: now() - Duration::from_hours(1),
        asked_at: None,
    };
    let watch = Watch {
        follows: true,
        threshold: 10,
        wait_seconds: 60,
        groups: [group(1)].into(),
        subscriptions: SubscriptionKind::ALL.map(|kind| (kind, subscribed(kind))).into(),
        due_at: None,
        ..Watch::idle(tenant(), now())
    };
    assert!(store.save_watch(id, &watch, None).await.unwrap());
    id
}

fn inbox(table: &TestTable, store: Store) -> Inbox {
    Inbox {
        store,
        queue: Arc::new(Deaf),
        clock: Arc::clone(&table.clock) as _,
    }
}

/// What must be in the table after a batch was acknowledged.
#[derive(Default)]
struct Owed {
    named: BTreeSet<ChangedObject>,
    look: bool,
}

impl Owed {
    fn add(&mut self, notice: &Notice) {
        let News::Changed { object, .. } = notice.news else {
            return;
        };
        match notice.by.kind {
            SubscriptionKind::Users if object.as_u128() <= BOUND => {
                self.named.insert(ChangedObject::User(object.into()));
            }
            SubscriptionKind::Groups if object.as_u128() == 1 => {
                self.named.insert(ChangedObject::Group(object.into()));
            }
            _ => self.look = true,
        }
    }

    async fn check(&self, store: &Store, id: ConnectionId) {
        let pending = store.pending(id).await.unwrap();
        let waiting = pending.waiting.named;
        assert!(
            waiting.is_superset(&self.named),
            "{:?}",
            self.named.difference(&waiting)
        );
        assert!(self.named.is_empty() || pending.due_at.is_some());
        let watch = store.watch(id).await.unwrap().unwrap().value;
        assert!(!self.look || watch.due_at.is_some());
    }
}

/// All of it is served: a run takes up what waits, and an attendant looks.
async fn serve(store: &Store, id: ConnectionId) -> Owed {
    let lease = leased(store, id).await;
    store.take_pending(&lease).await.unwrap();
    store.settle_pending(&lease, Settled::Done).await.unwrap();
    store.release_lease(&lease).await.unwrap();
    store.change_watch(id, |watch| watch.due_at = None).await.unwrap();
    Owed::default()
}

fn batch(rng: &mut StdRng, connections: &[ConnectionId]) -> Vec<Notice> {
    (0..rng.random_range(1..=8))
        .map(|_| {
            let id = connections[rng.random_range(0..connections.len())];
            if rng.random_ratio(1, 5) {
                changed(id, SubscriptionKind::Groups, rng.random_range(1..=2))
            } else {
                person(id, rng.random_range(1..=BOUND * 2))
            }
        })
        .collect()
}

fn trouble(rng: &mut StdRng, wire: &Wire) {
    for call in ["GetItem", "BatchGetItem", "UpdateItem", "PutItem"] {
        let fault = match rng.random_range(0..6) {
            0 => THROTTLED,
            1 => Fault::Refused("InternalServerError"),
            2 => Fault::AnswerLost,
            _ => continue,
        };
        let times = if rng.random_bool(0.5) { FOR_EVER } else { 2 };
        wire.inject(call, fault, times);
    }
}

// case: 14
#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_stored_whatever_the_table_does() {
    let table = TestTable::start().await;
    let connections = [following(&table.store).await, following(&table.store).await];
    let (wire, store) = Wire::before(&table).await;
    let inbox = inbox(&table, store);
    let mut rng = StdRng::seed_from_u64(14);
    let mut owed = [Owed::default(), Owed::default()];
    let (mut refused, mut acknowledged) = (0, 0);
    for _ in 0..100 {
        let notices = batch(&mut rng, &connections);
        loop {
            wire.heal();
            trouble(&mut rng, &wire);
            match inbox.take(notices.clone()).await {
                Ok(_) => break,
                Err(_) => refused += 1,
            }
        }
        acknowledged += 1;
        for (owed, id) in owed.iter_mut().zip(connections) {
            notices
                .iter()
                .filter(|notice| notice.by.connection == id)
                .for_each(|notice| owed.add(notice));
            owed.check(&table.store, id).await;
            if rng.random_ratio(1, 2) {
                *owed = serve(&table.store, id).await;
            }
        }
    }
    assert!(
        refused > 50,
        "the faults did not bite: {refused} of {acknowledged}"
    );
}

#[tokio::test]
async fn a_connection_whose_watch_cannot_be_read_keeps_nobody_elses_notices_out() {
    let table = TestTable::start().await;
    let mut connections = [following(&table.store).await, following(&table.store).await];
    // The one that is ill comes first.
    connections.sort_unstable();
    let [ill, well] = connections;
    let key = [("pk", format!("C#{ill}")), ("sk", "WATCH".to_owned())];
    let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let broken = AttributeValue::S("{".to_owned());
    let update = table
        .client
        .update_item()
        .table_name(&table.name)
        .set_key(Some(key.into()));
    let update = update
        .update_expression("SET doc = :doc")
        .expression_attribute_values(":doc", broken);
    update.send().await.unwrap();
    let inbox = inbox(&table, table.store.clone());
    assert!(inbox.take(vec![person(ill, 1), person(well, 1)]).await.is_err());
    assert_eq!(table.store.pending(well).await.unwrap().count(), 1);
}

#[tokio::test]
async fn a_hundred_thousand_notices_are_named_once_each() {
    let table = TestTable::start().await;
    let id = following(&table.store).await;
    let inbox = inbox(&table, table.store.clone());
    let mut sum = Taken::default();
    for batch in 0..100_u128 {
        let notices = (0..1_000)
            .map(|n| person(id, 1 + (batch * 1_000 + n) % 400))
            .collect();
        let taken = inbox.take(notices).await.unwrap();
        sum.noted += taken.noted;
        sum.foreign += taken.foreign;
    }
    assert_eq!((sum.noted, sum.foreign), (30, 0));
    let pending = table.store.pending(id).await.unwrap();
    let named: BTreeSet<_> = (1..=BOUND).map(|n| ChangedObject::User(user(n))).collect();
    assert_eq!((pending.waiting.named, pending.waiting.others), (named, false));
    assert!(
        table
            .store
            .watch(id)
            .await
            .unwrap()
            .unwrap()
            .value
            .due_at
            .is_some()
    );
}

/// The budget is one write for a batch and connection, and two units; what makes something due is written into the index too.
#[tokio::test]
async fn a_batch_costs_the_table_little() {
    let table = TestTable::start().await;
    let id = following(&table.store).await;
    let (wire, store) = Wire::before(&table).await;
    let inbox = inbox(&table, store);
    let authorise = || notice(id, SubscriptionKind::Users, News::Reauthorise);
    let three = vec![
        person(id, 2),
        person(id, 3),
        changed(id, SubscriptionKind::Groups, 1),
    ];
    for (what, notices, requests, units) in [
        ("nothing", Vec::new(), 0, 0.0),
        ("the first that waits", vec![person(id, 1)], 3, 3.0),
        ("the same again", vec![person(id, 1)], 3, 2.0),
        ("three others", three, 3, 2.5),
        ("the first to be looked for", vec![person(id, 40)], 4, 4.0),
        ("another one", vec![person(id, 41)], 3, 2.0),
        ("a demand for authorisation", vec![authorise()], 3, 2.5),
        ("the same demand", vec![authorise()], 2, 1.5),
    ] {
        inbox.take(notices).await.unwrap();
        assert_eq!(wire.take_cost(), Cost { requests, units }, "{what}");
    }
}
