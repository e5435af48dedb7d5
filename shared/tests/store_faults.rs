//! The table on a bad day: what it puts off is tried again a bounded number of times, what it leaves undone is handed in
//! again, and a write whose answer was lost is neither done twice nor taken for somebody else's.

mod store_support;

use std::collections::BTreeSet;

use shared::domain::operation_record::{OperationKind, OperationRecord};
use shared::domain::sync_run::RunMode;
use shared::ports::Clock as _;
use shared::store::StoreError;
use store_support::faults::{CONFLICT, FOR_EVER, Fault, THROTTLED, Wire};
use store_support::*;

/// Ten tries of ours; the SDK makes four of each where it sees by itself that another may help.
const MOST_TRIES: usize = 10 * 4;

#[expect(
    clippy::needless_pass_by_value,
    reason = "an answer is judged where it is asked for"
)]
fn gave_up<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Unavailable { .. })),
        "{answer:?}"
    );
}

/// Records of one run about so many people.
fn records(id: shared::domain::ids::ConnectionId, count: u128) -> Vec<OperationRecord> {
    let run = run_of(id, RunMode::Full);
    let of = |n| record(run.id, n, OperationKind::Create);
    (1..=count).map(of).collect()
}

#[tokio::test]
async fn what_the_table_puts_off_is_done_a_little_later() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let run = run_of(id, RunMode::Full);
    wire.inject("PutItem", Fault::Refused("TransactionConflictException"), 3);
    wire.inject("GetItem", THROTTLED, 6);
    let lease = leased(&store, id).await;
    wire.inject("TransactWriteItems", CONFLICT, 4);
    wire.inject(
        "TransactWriteItems",
        Fault::Refused("TransactionInProgressException"),
        1,
    );
    store.put_run(&run, &lease).await.unwrap();
    assert_eq!(wire.calls("TransactWriteItems"), 6);
    wire.inject("UpdateItem", Fault::Refused("TransactionConflictException"), 3);
    assert!(store.renew_lease(&lease, later(30), TTL).await.unwrap());
    wire.inject("Query", THROTTLED, 5);
    assert_eq!(
        store.runs(id, 5, None).await.unwrap().items,
        std::slice::from_ref(&run)
    );
    wire.inject("TransactWriteItems", CONFLICT, 2);
    store.reserve(&lease, &intended(1, "2000")).await.unwrap();
    wire.inject("PutItem", THROTTLED, 5);
    store.finish(&lease, finish_of(run.id)).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!((state.lease, state.last_run), (None, Some(run.id)));
}

#[tokio::test]
async fn a_failed_condition_decides_whatever_else_went_wrong() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let lease = leased(&store, id).await;
    let reasons = &["ConditionalCheckFailed", "TransactionConflict"];
    wire.inject("TransactWriteItems", Fault::Cancelled(reasons), FOR_EVER);
    let refused = store.put_run(&run_of(id, RunMode::Full), &lease).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(wire.calls("TransactWriteItems"), 1);
}

#[tokio::test]
async fn a_table_that_never_comes_round_is_given_up_on_in_bounded_time() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let lease = leased(&store, id).await;
    for (call, fault) in [
        ("GetItem", THROTTLED),
        ("Query", THROTTLED),
        ("PutItem", Fault::Refused("TransactionConflictException")),
        ("UpdateItem", THROTTLED),
        ("TransactWriteItems", CONFLICT),
        ("BatchWriteItem", Fault::Undone { served: 0 }),
        ("BatchGetItem", Fault::Undone { served: 0 }),
    ] {
        wire.heal();
        wire.inject(call, fault, FOR_EVER);
        let began = table.clock.now();
        match call {
            "GetItem" => gave_up(store.work_state(id).await),
            "Query" => gave_up(store.runs(id, 5, None).await),
            "PutItem" => gave_up(store.set_due(id, now()).await),
            "UpdateItem" => gave_up(store.renew_lease(&lease, later(1), TTL).await),
            "TransactWriteItems" => gave_up(store.put_run(&run_of(id, RunMode::Full), &lease).await),
            "BatchWriteItem" => gave_up(store.append_records(id, &records(id, 3)).await),
            _ => gave_up(store.connections(5, None).await),
        }
        let tries = wire.calls(call);
        assert!((10..=MOST_TRIES).contains(&tries), "{call}: {tries}");
        let waited = table.clock.now().duration_since(began);
        assert!(waited.as_secs() < 10, "{call}: {waited}");
    }
}

#[tokio::test]
async fn what_the_table_leaves_undone_is_handed_in_again() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let written = records(id, 30);
    wire.inject("BatchWriteItem", Fault::Undone { served: 7 }, 1);
    wire.inject("BatchWriteItem", Fault::Undone { served: 0 }, 2);
    wire.inject("BatchWriteItem", Fault::Undone { served: 1 }, 3);
    store.append_records(id, &written).await.unwrap();
    // Six times something was left; then the rest of the first 25, and the last five.
    assert_eq!(wire.calls("BatchWriteItem"), 8);
    let read = store.records_of_run(id, written[0].run, 50, None).await.unwrap();
    assert_eq!(read.items, written);

    let mut made = BTreeSet::from([id]);
    for _ in 0..4 {
        made.insert(add_connection(&table.store).await);
    }
    wire.inject("BatchGetItem", Fault::Undone { served: 2 }, 1);
    wire.inject("BatchGetItem", Fault::Undone { served: 0 }, 1);
    wire.inject("BatchGetItem", Fault::Undone { served: 1 }, 1);
    let listed = store.connections(10, None).await.unwrap();
    assert_eq!(wire.calls("BatchGetItem"), 4);
    assert_eq!(
        listed.items.iter().map(|found| found.id).collect::<BTreeSet<_>>(),
        made
    );
    assert_eq!(listed.items.len(), made.len());
}

#[tokio::test]
async fn a_write_of_the_state_whose_answer_was_lost_is_recognised() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let before = table
        .store
        .acquire_lease(id, "earlier", now(), TTL)
        .await
        .unwrap()
        .unwrap();
    table.store.release_lease(&before).await.unwrap();
    wire.inject("PutItem", Fault::AnswerLost, 2);
    let lease = leased(&store, id).await;
    // Taken once: had the repeat been a lease of its own, the fence would have grown by two.
    assert_eq!(lease.fence, before.fence + 1);
    // Recognised by its mark when the SDK repeats it, without reading and deciding again.
    assert_eq!((wire.calls("GetItem"), wire.calls("PutItem")), (1, 3));
    let run = run_of(id, RunMode::Full);
    wire.inject("UpdateItem", Fault::AnswerLost, 1);
    assert!(store.renew_lease(&lease, later(20), TTL).await.unwrap());
    wire.inject("TransactWriteItems", Fault::AnswerLost, 1);
    store.start_run(&lease, &run).await.unwrap();
    let mut failed = finish_of(run.id);
    failed.outcome = shared::store::RunOutcome::Failed;
    wire.heal();
    wire.inject("PutItem", Fault::AnswerLost, 1);
    store.finish(&lease, failed).await.unwrap();
    assert_eq!((wire.calls("GetItem"), wire.calls("PutItem")), (1, 2));
    let state = store.work_state(id).await.unwrap().unwrap();
    // Counted once.
    assert_eq!((state.failures_in_row, state.lease), (1, None));
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_is_not_done_again_after_the_sdk_gave_up() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let lease = leased(&store, id).await;
    let rev = async || {
        let key = [("pk", format!("C#{id}")), ("sk", "STATE".to_owned())];
        let key =
            key.map(|(name, value)| (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(value)));
        let request = table
            .client
            .get_item()
            .table_name(&table.name)
            .set_key(Some(key.into()));
        let item = request.consistent_read(true).send().await.unwrap().item.unwrap();
        item["rev"].as_n().unwrap().parse::<u64>().unwrap()
    };
    let before = rev().await;
    wire.inject("TransactWriteItems", Fault::AnswerLost, 1);
    wire.inject("TransactWriteItems", THROTTLED, 7);
    store.start_run(&lease, &run_of(id, RunMode::Full)).await.unwrap();
    assert_eq!(wire.calls("TransactWriteItems"), 9);
    // The token of the first try goes with the last one, so the table knows it has done this.
    assert_eq!(rev().await, before + 1);
}

#[tokio::test]
async fn a_worker_that_heard_nothing_asks_again_and_has_what_it_asked_for() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    wire.inject("PutItem", Fault::AnswerLost, FOR_EVER);
    gave_up(store.acquire_lease(id, "worker", now(), TTL).await);
    assert_eq!(wire.calls("PutItem"), 4);
    wire.heal();
    let held = table.store.work_state(id).await.unwrap().unwrap().lease.unwrap();
    let lease = leased(&store, id).await;
    assert_eq!((held.owner.as_str(), held.fence), ("worker", lease.fence));

    let run = run_of(id, RunMode::Full);
    wire.inject("TransactWriteItems", Fault::AnswerLost, FOR_EVER);
    gave_up(store.request_run(&run, now()).await);
    wire.heal();
    assert_eq!(store.request_run(&run, later(1)).await.unwrap(), run.id);
    assert_eq!(store.take_waiting_run(&lease).await.unwrap(), Some(run.clone()));

    wire.inject("PutItem", Fault::AnswerLost, FOR_EVER);
    gave_up(store.finish(&lease, finish_of(run.id)).await);
    wire.heal();
    store.finish(&lease, finish_of(run.id)).await.unwrap();
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(
        (state.lease, state.last_run, state.running_run),
        (None, Some(run.id), None)
    );
}

#[tokio::test]
async fn a_heartbeat_between_a_lost_answer_and_its_repeat_harms_neither() {
    let (table, id) = connected().await;
    let (wire, store) = Wire::before(&table).await;
    let lease = leased(&store, id).await;
    // The write is done and its answer lost; the heartbeat comes while the SDK still tries to repeat it.
    wire.inject("PutItem", Fault::AnswerLost, 1);
    wire.inject("PutItem", THROTTLED, 9);
    let (due, renewed) = tokio::join!(
        store.set_due(id, later(5)),
        table.store.renew_lease(&lease, later(30), TTL)
    );
    due.unwrap();
    assert!(renewed.unwrap());
    let state = store.work_state(id).await.unwrap().unwrap();
    assert_eq!(
        (state.due_at, state.lease.unwrap().until),
        (Some(later(5)), later(90))
    );
}
