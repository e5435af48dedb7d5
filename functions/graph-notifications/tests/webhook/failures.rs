//! Table, queue and time: nothing is acknowledged that is not stored, and what comes again counts once.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use futures::stream::{self, StreamExt as _};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::Value;
use shared::ports::Clock as _;
use shared::store::Settled;

use crate::harness::{Mood, Watched, World};
use crate::items::{batch, connection, lifecycle, user, user_id};

#[tokio::test]
async fn graph_is_asked_to_come_again_when_a_sink_fails_panics_or_is_late() {
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics] {
        let watched = Watched::new(mood);
        let began = watched.clock.now();
        let answer = watched.post(batch(&[user(1)])).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
        assert_eq!(answer.headers[RETRY_AFTER], "10");
        assert_eq!((watched.calls(), watched.tally().accepted), (1, 0));
        let waited = watched.clock.now().duration_since(began);
        assert!(waited < jiff::SignedDuration::from_secs(3), "{mood:?}: {waited}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_body_that_does_not_come_to_its_end() {
    let watched = Watched::new(Mood::Works);
    let begun = stream::iter([Ok::<_, io::Error>(r#"{"value":["#)]);
    let answer = watched
        .post(Body::from_stream(begun.chain(stream::pending())))
        .await;
    assert_eq!((answer.status, watched.calls()), (StatusCode::REQUEST_TIMEOUT, 0));
}

#[tokio::test]
async fn a_batch_in_which_nothing_is_proven_needs_no_sink() {
    let watched = Watched::new(Mood::Fails);
    let forged: Vec<Value> = vec![Value::Null; 1_000];
    assert_eq!(watched.post(batch(&forged)).await.status, StatusCode::ACCEPTED);
    assert_eq!((watched.calls(), watched.tally().forged), (0, 1_000));
}

// case: 10
#[tokio::test]
async fn a_replay_makes_one_person_wait_once_and_nothing_more() {
    let world = World::new().await;
    for _ in 0..50 {
        assert_eq!(world.post(batch(&[user(1)])).await, StatusCode::ACCEPTED);
    }
    let first = world.pending().await;
    assert_eq!(
        (first.count(), first.waiting.others, world.hints()),
        (1, false, 0)
    );
    assert_eq!(world.watch().await.due_at, None);

    let store = &world.table.store;
    let now = world.table.clock.now();
    let lease = store
        .acquire_lease(connection(), "worker", now, Duration::from_mins(1))
        .await;
    let lease = lease.unwrap().unwrap();
    let taken = store.take_pending(&lease).await.unwrap();
    assert_eq!(taken.people().collect::<Vec<_>>(), [user_id(1).into()]);
    store.settle_pending(&lease, Settled::Done).await.unwrap();
    world.table.clock.advance(Duration::from_hours(24));
    assert_eq!(world.post(batch(&[user(1)])).await, StatusCode::ACCEPTED);
    assert_eq!(world.pending().await.count(), 1);
}

// case: 14
#[tokio::test]
async fn with_the_queue_down_nothing_is_acknowledged_and_the_retry_counts_once() {
    let world = World::new().await;
    // As many as make a run due at once, so that the queue is needed.
    let now = world.table.clock.now();
    let mut watch = world.table.store.watch(connection()).await.unwrap().unwrap();
    watch.value.threshold = 3;
    let saved = world
        .table
        .store
        .save_watch(connection(), &watch.value, Some(watch.version));
    assert!(saved.await.unwrap());
    let body = || batch(&[user(1), user(2), user(3), user(1)]);

    world.queue.is_down.store(true, Ordering::Relaxed);
    // The first try stores the names and makes the run due; from then on the hint is the scheduler's, and the queue is not
    // needed.
    for expected in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::ACCEPTED] {
        assert_eq!(world.post(body()).await, expected);
        let pending = world.pending().await;
        assert_eq!((pending.count(), pending.due_at), (3, Some(now)));
    }
    world.queue.is_down.store(false, Ordering::Relaxed);
    assert_eq!(world.post(body()).await, StatusCode::ACCEPTED);
    let pending = world.pending().await;
    assert_eq!((pending.count(), pending.due_at), (3, Some(now)));
    assert_eq!(world.hints(), 0);
}

// case: 15
#[tokio::test]
async fn a_thousand_demands_for_authorisation_ask_for_one_renewal() {
    let world = World::new().await;
    let version = async || {
        world
            .table
            .store
            .watch(connection())
            .await
            .unwrap()
            .unwrap()
            .version
    };
    world.post(batch(&[lifecycle("reauthorizationRequired")])).await;
    let first = version().await;
    for _ in 0..10 {
        let flood = vec![lifecycle("reauthorizationRequired"); 100];
        assert_eq!(world.post(batch(&flood)).await, StatusCode::ACCEPTED);
    }
    // Written by the first alone, so that the scheduler finds one demand.
    assert_eq!(version().await, first);
    let asked = world.watch().await;
    let asked: Vec<_> = asked
        .subscriptions
        .values()
        .filter_map(|known| known.asked_at)
        .collect();
    assert_eq!(asked, [world.table.clock.now()]);

    // Renewed, and demanded again too soon.
    let mut watch = world.table.store.watch(connection()).await.unwrap().unwrap();
    watch.value.due_at = None;
    for known in watch.value.subscriptions.values_mut() {
        (known.confirmed_at, known.asked_at) = (world.table.clock.now(), None);
    }
    let saved = world
        .table
        .store
        .save_watch(connection(), &watch.value, Some(watch.version));
    assert!(saved.await.unwrap());
    world.table.clock.advance(Duration::from_secs(599));
    world.post(batch(&[lifecycle("reauthorizationRequired")])).await;
    assert_eq!(world.watch().await.due_at, None);
    world.table.clock.advance(Duration::from_secs(1));
    world.post(batch(&[lifecycle("reauthorizationRequired")])).await;
    assert_eq!(world.watch().await.due_at, Some(world.table.clock.now()));
}
