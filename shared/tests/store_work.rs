//! The work state: one worker at a time, one waiting run, and nothing due is ever forgotten.

mod store_support;

use shared::domain::ids::SyncRunId;
use shared::domain::sync_run::SyncPart;
use shared::domain::sync_run::{RunMode, RunRequest, RunState};
use shared::store::{Due, DueWork, Finish, GoodRun, ManagedCounts, StoreError};
use store_support::faults::{Cost, Wire};
use store_support::*;

#[tokio::test]
async fn of_two_workers_that_race_one_gets_the_lease() {
    let (table, id) = connected().await;
    let store = &table.store;
    let (one, other) = tokio::join!(
        store.acquire_lease(id, "one", now(), TTL),
        store.acquire_lease(id, "other", now(), TTL),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.is_some() ^ other.is_some(), "{one:?} {other:?}");
}

#[tokio::test]
async fn the_same_owner_gets_the_same_lease_again() {
    let (table, id) = connected().await;
    let first = leased(&table.store, id).await;
    assert_eq!(leased(&table.store, id).await, first);
}

#[tokio::test]
async fn an_expired_lease_goes_to_another_with_a_higher_fence_and_is_lost() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lost = leased(store, id).await;
    assert!(
        store
            .acquire_lease(id, "second", later(59), TTL)
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.renew_lease(&lost, later(30), TTL).await.unwrap());
    assert!(
        store
            .acquire_lease(id, "second", later(61), TTL)
            .await
            .unwrap()
            .is_none()
    );
    let fresh = store
        .acquire_lease(id, "second", later(91), TTL)
        .await
        .unwrap()
        .unwrap();
    assert!(fresh.fence > lost.fence);
    assert!(!store.renew_lease(&lost, later(92), TTL).await.unwrap());
    let ended = store.finish(&lost, finish_of(SyncRunId::generate(now()))).await;
    assert!(matches!(ended, Err(StoreError::Conflict { .. })), "{ended:?}");
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(state.lease.unwrap().owner, "second");
}

#[tokio::test]
async fn one_run_waits_and_a_full_one_makes_it_full() {
    let (table, id) = connected().await;
    let store = &table.store;
    let delta = run_of(id, RunMode::Delta);
    let full = run_of(id, RunMode::Full);
    assert_eq!(store.request_run(&delta, now()).await.unwrap(), delta.id);
    assert_eq!(store.request_run(&delta, now()).await.unwrap(), delta.id);
    assert_eq!(store.request_run(&full, now()).await.unwrap(), delta.id);
    let waiting = store.run(id, delta.id).await.unwrap().unwrap();
    assert_eq!(waiting.request.mode, RunMode::Full);
    assert!(store.run(id, full.id).await.unwrap().is_none());
    let mut dry = run_of(id, RunMode::Full);
    dry.request = RunRequest {
        dry_run: true,
        ..dry.request
    };
    let refused = store.request_run(&dry, now()).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.waiting_run, state.due_at), (Some(delta.id), Some(now())));
}

#[tokio::test]
async fn of_many_requests_at_once_one_run_waits() {
    let (table, id) = connected().await;
    let runs: Vec<_> = (0..6).map(|_| run_of(id, RunMode::Full)).collect();
    let asked = runs.iter().map(|run| table.store.request_run(run, now()));
    let ids = futures::future::try_join_all(asked).await.unwrap();
    assert!(ids.iter().all(|got| *got == ids[0]), "{ids:?}");
    let stored = table.store.runs(id, 10, None).await.unwrap();
    assert_eq!(stored.items.len(), 1);
}

#[tokio::test]
async fn the_waiting_run_is_taken_once_and_a_repeat_gets_it_again() {
    let (table, id) = connected().await;
    let store = &table.store;
    let run = run_of(id, RunMode::Full);
    store.request_run(&run, now()).await.unwrap();
    let lease = leased(store, id).await;
    for _ in 0..2 {
        assert_eq!(store.take_waiting_run(&lease).await.unwrap(), Some(run.clone()));
    }
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.waiting_run, state.running_run), (None, Some(run.id)));
    let (next, again) = (run_of(id, RunMode::Full), run.clone());
    assert_eq!(store.request_run(&next, later(5)).await.unwrap(), next.id);
    assert_eq!(store.request_run(&again, later(6)).await.unwrap(), run.id);
    for _ in 0..2 {
        store.finish(&lease, finish_of(run.id)).await.unwrap();
    }
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(state.lease, None);
    assert_eq!((state.running_run, state.last_run), (None, Some(run.id)));
    // What was asked for while the run went on outlives it.
    assert_eq!((state.waiting_run, state.due_at), (Some(next.id), Some(later(5))));
}

#[tokio::test]
async fn a_run_that_was_asked_for_before_another_goes_on_stays_due_after_it() {
    let (table, id) = connected().await;
    let store = &table.store;
    let first = run_of(id, RunMode::Full);
    store.request_run(&first, now()).await.unwrap();
    let lease = leased(store, id).await;
    store.take_waiting_run(&lease).await.unwrap();
    let continues = Finish {
        continues: true,
        due_at: Some(now()),
        ..finish_of(first.id)
    };
    store.finish(&lease, continues).await.unwrap();
    let second = run_of(id, RunMode::Full);
    store.request_run(&second, now()).await.unwrap();
    let lease = leased(store, id).await;
    store.finish(&lease, finish_of(first.id)).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.waiting_run, state.due_at), (Some(second.id), Some(now())));
}

/// The end of work that was not over everything: what wants that is not answered by it.
fn aside_of(run: SyncRunId) -> Finish {
    Finish {
        answered_until: None,
        ..finish_of(run)
    }
}

// spec: 163, 164
#[tokio::test]
async fn another_try_outlives_a_run_that_is_not_over_everything() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.set_due(id, later(900)).await.unwrap();
    let aside = run_of(id, RunMode::Full);
    store.request_run(&aside, now()).await.unwrap();
    assert_eq!(store.work_state(id).await.unwrap().unwrap().due_at, Some(now()));
    let lease = leased(store, id).await;
    store.take_waiting_run(&lease).await.unwrap();
    store.finish(&lease, aside_of(aside.id)).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(
        (state.wanted_at, state.due_at),
        (Some(later(900)), Some(later(900)))
    );

    let lease = leased(store, id).await;
    store
        .finish(&lease, finish_of(SyncRunId::generate(now())))
        .await
        .unwrap();
    assert_eq!(store.work_state(id).await.unwrap().unwrap().due_at, None);
}

// spec: 143, 145, 146
#[tokio::test]
async fn a_scheduled_run_stays_due_until_one_over_everything_has_begun_after_its_time() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.set_next_scheduled(id, Some(later(100))).await.unwrap();
    let ends = [
        (None, later(100)),
        (Some(later(99)), later(100)),
        (Some(later(100)), later(500)),
    ];
    for (answered_until, expected) in ends {
        let lease = leased(store, id).await;
        let finish = Finish {
            answered_until,
            next_scheduled_at: Some(later(500)),
            ..finish_of(SyncRunId::generate(now()))
        };
        store.finish(&lease, finish).await.unwrap();
        let state = store.work_state(id).await.unwrap().unwrap();
        assert_eq!(state.next_scheduled_at, Some(expected), "{answered_until:?}");
    }
}

#[tokio::test]
async fn a_run_that_nobody_queued_is_to_go_on_if_its_worker_dies() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let run = run_of(id, RunMode::Delta);
    store.start_run(&lease, &run).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.due_at, state.wanted_at), (Some(now()), None));
    store.finish(&lease, aside_of(run.id)).await.unwrap();
    assert_eq!(store.work_state(id).await.unwrap().unwrap().due_at, None);
}

#[tokio::test]
async fn a_stale_worker_takes_no_run() {
    let (table, id) = connected().await;
    let (stale, _) = stale_and_fresh(&table.store, id).await;
    table
        .store
        .request_run(&run_of(id, RunMode::Full), now())
        .await
        .unwrap();
    let taken = table.store.take_waiting_run(&stale).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
}

#[tokio::test]
async fn work_of_a_dead_holder_is_still_due() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.set_due(id, now()).await.unwrap();
    let (_, fresh) = stale_and_fresh(store, id).await;
    assert_eq!(store.work_state(id).await.unwrap().unwrap().due_at, Some(now()));
    store
        .finish(&fresh, finish_of(SyncRunId::generate(now())))
        .await
        .unwrap();
    assert_eq!(store.work_state(id).await.unwrap().unwrap().due_at, None);
}

#[tokio::test]
async fn a_lease_given_back_unused_leaves_the_work_due() {
    let (table, id) = connected().await;
    let store = &table.store;
    store.set_due(id, later(3)).await.unwrap();
    let lease = leased(store, id).await;
    store.release_lease(&lease).await.unwrap();
    store.release_lease(&lease).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.lease, state.due_at), (None, Some(later(3))));
}

#[tokio::test]
async fn the_earliest_wish_decides_when_a_connection_is_due() {
    let (table, id) = connected().await;
    let store = &table.store;
    let due = async || store.work_state(id).await.unwrap().unwrap().due_at;
    assert_eq!(due().await, None);
    store.set_next_scheduled(id, Some(later(100))).await.unwrap();
    assert_eq!(due().await, Some(later(100)));
    store.set_due(id, later(50)).await.unwrap();
    store.set_due(id, later(70)).await.unwrap();
    assert_eq!(due().await, Some(later(50)));
    store.set_next_scheduled(id, Some(later(20))).await.unwrap();
    assert_eq!(due().await, Some(later(20)));
    store.set_next_scheduled(id, None).await.unwrap();
    assert_eq!(due().await, Some(later(50)));
}

#[tokio::test]
async fn a_good_end_is_remembered_and_a_bad_one_counted() {
    let (table, id) = connected().await;
    let store = &table.store;
    let run = SyncRunId::generate(now());
    for _ in 0..2 {
        let lease = leased(store, id).await;
        let mut bad = finish_of(run);
        bad.outcome = shared::store::RunOutcome::Failed;
        bad.due_at = Some(later(900));
        store.finish(&lease, bad).await.unwrap();
    }
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.failures_in_row, state.due_at), (2, Some(later(900))));
    let lease = leased(store, id).await;
    let mut good = finish_of(run);
    let managed = ManagedCounts {
        extensions: 12,
        groups: 3,
        contacts: 40,
    };
    good.good = Some(GoodRun {
        at: later(9),
        managed,
    });
    good.held_run = Some(Some(run));
    good.next_scheduled_at = Some(later(500));
    good.counts = managed;
    let why = "it needs a newer firmware".to_owned();
    good.problems = Some([(SyncPart::Groups, why)].into());
    store.finish(&lease, good).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(
        (state.failures_in_row, state.last_good_managed),
        (0, Some(managed))
    );
    assert!(state.problems.contains_key(&SyncPart::Groups));
    assert_eq!(
        (state.last_good_run_at, state.held_run),
        (Some(later(9)), Some(run))
    );
    assert_eq!((state.due_at, state.counts.extensions), (Some(later(500)), 12));
}

#[tokio::test]
async fn due_connections_come_earliest_first_from_all_shards() {
    let table = shared::testing::table::TestTable::start().await;
    let store = &table.store;
    let mut expected = Vec::new();
    for place in 0..20 {
        let id = add_connection(store).await;
        store.set_due(id, later(100 - place)).await.unwrap();
        expected.push(Due {
            at: later(100 - place),
            connection: id,
            work: DueWork::Sync,
        });
    }
    add_connection(store).await;
    expected.reverse();
    assert_eq!(store.due(later(100), 50).await.unwrap(), expected);
    assert_eq!(store.due(later(100), 7).await.unwrap(), expected[..7]);
    assert_eq!(store.due(later(81), 50).await.unwrap(), expected[..1]);
    assert_eq!(store.due(later(80), 50).await.unwrap(), []);
}

/// At most so many requests and units. Engines count what an index costs in different ways; none counts more than this.
fn at_most(what: &str, cost: &Cost, requests: usize, units: f64) {
    assert!(
        cost.requests <= requests && cost.units <= units,
        "{what}: {cost:?}"
    );
}

#[tokio::test]
async fn a_run_without_changes_costs_little_and_touches_two_items() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let mut run = run_of(id, RunMode::Full);
    store.request_run(&run, now()).await.unwrap();
    at_most("request", &wire.take_cost(), 2, 13.0);
    let lease = leased(&store, id).await;
    at_most("lease", &wire.take_cost(), 2, 2.0);
    store.take_waiting_run(&lease).await.unwrap();
    at_most("take", &wire.take_cost(), 3, 3.0);
    for state in [RunState::Reading, RunState::Succeeded] {
        run.state = state;
        store.put_run(&run, &lease).await.unwrap();
        at_most("store", &wire.take_cost(), 1, 4.0);
    }
    assert!(store.renew_lease(&lease, later(15), TTL).await.unwrap());
    at_most("heartbeat", &wire.take_cost(), 1, 1.0);
    store.finish(&lease, finish_of(run.id)).await.unwrap();
    at_most("finish", &wire.take_cost(), 2, 3.0);
    assert_eq!(wire.items_written(), 2);
}

#[tokio::test]
async fn asking_for_what_is_so_already_writes_nothing() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let run = run_of(id, RunMode::Full);
    table.store.request_run(&run, now()).await.unwrap();
    store.request_run(&run, now()).await.unwrap();
    store
        .request_run(&run_of(id, RunMode::Full), now())
        .await
        .unwrap();
    table.store.set_due(id, later(3)).await.unwrap();
    store.set_due(id, later(5)).await.unwrap();
    store.set_next_scheduled(id, None).await.unwrap();
    assert_eq!(wire.items_written(), 0);
    at_most("asking again", &wire.take_cost(), 6, 6.0);
    // Half a unit for each part of the index, however many connections are not due.
    assert_eq!(store.due(later(60), 100).await.unwrap().len(), 1);
    at_most("what is due", &wire.take_cost(), 8, 4.0);
}
