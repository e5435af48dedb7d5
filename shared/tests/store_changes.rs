//! Pending changes and watches: a change that was noted is in step or still waits, whatever happens in between; and what a
//! webhook may cost.

mod store_support;

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::change::{ChangedObject, Changes};
use shared::domain::ids::SubscriptionId;
use shared::domain::subscription::{Nonce, SubscriptionKind};
use shared::store::{DueWork, Haste, Settled, StoreError, Subscription, Watch};
use store_support::faults::{Fault, Wire};
use store_support::*;

fn changes(people: impl IntoIterator<Item = u128>) -> Changes {
    Changes {
        named: people.into_iter().map(|n| ChangedObject::User(user(n))).collect(),
        others: false,
    }
}

fn haste(threshold: u32) -> Haste {
    Haste {
        now: now(),
        due_at: later(540),
        threshold,
    }
}

// spec: 151
#[tokio::test]
async fn a_change_counts_once_and_the_tenth_makes_a_run_due_now() {
    let (table, id) = connected().await;
    let store = &table.store;
    for n in 1..=9 {
        for _ in 0..3 {
            let noted = store.note_changes(id, &changes([n]), haste(10)).await.unwrap();
            assert_eq!(noted.due_at, later(540), "{n}");
        }
    }
    let pending = store.pending(id).await.unwrap();
    assert_eq!((pending.count(), pending.first_at), (9, Some(now())));
    assert_eq!(store.due(later(539), 10).await.unwrap(), []);
    let tenth = store.note_changes(id, &changes([10]), haste(10)).await.unwrap();
    assert_eq!((tenth.added, tenth.due_at), (1, now()));
    let due = store.due(now(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].connection, due[0].work), (id, DueWork::Sync));
}

#[tokio::test]
async fn two_at_once_that_reach_the_threshold_together_do_not_both_miss_it() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.note_changes(id, &changes(1..=8), haste(10)).await.unwrap();
    let (nine, ten) = (changes([9]), changes([10]));
    let (one, other) = tokio::join!(
        store.note_changes(id, &nine, haste(10)),
        store.note_changes(id, &ten, haste(10)),
    );
    let due: BTreeSet<_> = [one.unwrap().due_at, other.unwrap().due_at].into();
    assert!(due.contains(&now()));
    assert_eq!(store.pending(id).await.unwrap().due_at, Some(now()));
}

#[tokio::test]
async fn what_changes_during_a_run_waits_for_the_next_one() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.note_changes(id, &changes([1, 2]), haste(10)).await.unwrap();
    let lease = leased(store, id).await;
    assert_eq!(store.take_pending(&lease).await.unwrap(), changes([1, 2]));
    assert_eq!(store.pending(id).await.unwrap().due_at, None);
    store.note_changes(id, &changes([2, 3]), haste(10)).await.unwrap();
    store.settle_pending(&lease, Settled::Done).await.unwrap();
    store.settle_pending(&lease, Settled::Done).await.unwrap();
    let left = store.pending(id).await.unwrap();
    assert_eq!((left.waiting, left.taken.is_empty()), (changes([2, 3]), true));
    assert_eq!(left.due_at, Some(later(540)));
}

#[tokio::test]
async fn what_a_dead_run_took_up_belongs_to_the_next_and_a_failed_one_gives_it_back() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.note_changes(id, &changes([1]), haste(10)).await.unwrap();
    let (dead, lease) = stale_and_fresh(store, id).await;
    assert!(matches!(
        store.take_pending(&dead).await,
        Err(StoreError::Conflict { .. })
    ));
    assert_eq!(store.take_pending(&lease).await.unwrap(), changes([1]));
    assert_eq!(
        store.take_pending(&lease).await.unwrap(),
        changes([1]),
        "the same again"
    );
    store
        .settle_pending(&lease, Settled::Again(later(900)))
        .await
        .unwrap();
    let again = store.pending(id).await.unwrap();
    assert_eq!((again.waiting, again.due_at), (changes([1]), Some(later(900))));
}

#[tokio::test]
async fn more_changes_than_can_be_named_are_known_to_be_there() {
    let (table, id) = connected().await;
    let store = &table.store;
    for chunk in 0..12_u128 {
        let people = (chunk * 100 + 1)..=(chunk * 100 + 100);
        store
            .note_changes(id, &changes(people), haste(1_000))
            .await
            .unwrap();
    }
    let pending = store.pending(id).await.unwrap();
    assert!(pending.waiting.others);
    assert_eq!((pending.count(), pending.due_at), (1_000, Some(now())));
    let lease = leased(store, id).await;
    assert!(store.take_pending(&lease).await.unwrap().others);
}

#[tokio::test]
async fn an_answer_that_is_lost_loses_no_change_and_counts_none_twice() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    wire.inject("UpdateItem", Fault::AnswerLost, 1);
    store.note_changes(id, &changes([1]), haste(10)).await.unwrap();
    let lease = leased(&store, id).await;
    wire.inject("TransactWriteItems", Fault::AnswerLost, 1);
    assert_eq!(store.take_pending(&lease).await.unwrap(), changes([1]));
    assert_eq!(store.pending(id).await.unwrap().count(), 1);
}

fn watch() -> Watch {
    let subscription = Subscription {
        id: SubscriptionId::from(uuid::Uuid::from_u128(9)),
        nonce: Nonce::from_bytes([7; 16]),
        reports_to: "https://connector.example.com".to_owned(),
        ends_at: later(1_000),
        confirmed_at: now(),
        asked_at: None,
    };
    Watch {
        follows: true,
        threshold: 10,
        subscriptions: BTreeMap::from([(SubscriptionKind::Users, subscription)]),
        ..Watch::idle(connection_of("X").tenant, later(100))
    }
}

#[tokio::test]
async fn a_watch_is_written_only_as_it_was_read_and_is_due_when_it_says() {
    let (table, id) = connected().await;
    let store = &table.store;
    assert!(store.save_watch(id, &watch(), None).await.unwrap());
    let again = store.save_watch(id, &watch(), None).await;
    assert!(!again.unwrap(), "somebody was faster");
    let read = store.watch(id).await.unwrap().unwrap();
    assert_eq!(read.value, watch());
    store.watch_soon(id, watch().tenant, later(5)).await.unwrap();
    store.watch_soon(id, watch().tenant, later(50)).await.unwrap();
    assert!(!store.save_watch(id, &watch(), Some(read.version)).await.unwrap());
    let due = store.due(later(5), 10).await.unwrap();
    assert_eq!(
        due.iter().map(|due| due.work).collect::<Vec<_>>(),
        [DueWork::Watch]
    );
    assert_eq!(store.due(later(4), 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_notification_costs_two_units() {
    let (table, id) = connected().await;
    table.store.save_watch(id, &watch(), None).await.unwrap();
    let (wire, store) = Wire::before(&table).await;
    store.watch_of_late(id).await.unwrap().unwrap();
    // The first one also makes a run due, which is an entry of an index.
    for (n, most) in [(1, 3.0), (2, 2.0), (3, 2.0)] {
        wire.take_cost();
        store.watch_of_late(id).await.unwrap().unwrap();
        let people = BTreeSet::from([user(n)]);
        assert!(store.bound_among(id, &people).await.unwrap().is_empty());
        store.note_changes(id, &changes([n]), haste(10)).await.unwrap();
        let cost = wire.take_cost();
        assert_eq!(cost.requests, 3);
        assert!(cost.units <= most, "{cost:?}");
    }
}
