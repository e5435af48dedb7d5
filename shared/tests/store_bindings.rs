//! Bindings and numbers: no number has two holders, and a run that lost its lease writes nothing.

mod store_support;

use shared::domain::binding::{Binding, LeavingCause, Stage};
use shared::domain::ids::SyncRunId;
use shared::domain::operation_record::OperationKind;
use shared::domain::sync_run::RunMode;
use shared::ports::Cursor;
use shared::store::{Reserve, StoreError};
use store_support::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "an answer is judged where it is asked for"
)]
fn lost<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Conflict { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_stale_run_loses_every_kind_of_write() {
    let (table, id) = connected().await;
    let store = &table.store;
    let (stale, fresh) = stale_and_fresh(store, id).await;
    let run = run_of(id, RunMode::Full);
    let line = record(run.id, 1, OperationKind::Create);
    store.confirm(&fresh, &bound(1, "2000"), &line).await.unwrap();
    // Creating, changing and removing, of what is there and of what is not.
    lost(store.reserve(&stale, &intended(2, "2001")).await);
    lost(store.reserve(&stale, &intended(1, "2001")).await);
    lost(store.confirm(&stale, &bound(1, "2000"), &line).await);
    lost(store.confirm(&stale, &bound(3, "2003"), &line).await);
    lost(
        store
            .confirm(
                &stale,
                &bound(1, "2000"),
                &record(run.id, 1, OperationKind::Update),
            )
            .await,
    );
    lost(store.forget(&stale, &bound(1, "2000"), &line).await);
    lost(store.cancel_intent(&stale, &intended(4, "2004")).await);
    lost(store.put_run(&run, &stale).await);
    lost(store.start_run(&stale, &run).await);
    lost(
        store
            .put_cursor(&stale, "users", &Cursor("x".to_owned()), "f")
            .await,
    );
    lost(store.finish(&stale, finish_of(run.id)).await);
    assert!(!store.renew_lease(&stale, later(62), TTL).await.unwrap());
    let bindings = store.bindings(id).await.unwrap();
    assert_eq!(bindings.into_values().collect::<Vec<_>>(), [bound(1, "2000")]);
    assert_eq!(store.run(id, run.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_worker_that_ended_writes_no_more() {
    let (table, id) = connected().await;
    let lease = leased(&table.store, id).await;
    table
        .store
        .finish(&lease, finish_of(SyncRunId::generate(now())))
        .await
        .unwrap();
    lost(table.store.reserve(&lease, &intended(1, "2000")).await);
}

#[tokio::test]
async fn a_number_has_one_holder_and_the_same_person_may_ask_again() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    for _ in 0..2 {
        assert_eq!(
            store.reserve(&lease, &intended(1, "2000")).await.unwrap(),
            Reserve::Reserved
        );
    }
    let taken = store.reserve(&lease, &intended(2, "2000")).await.unwrap();
    assert_eq!(taken, Reserve::NumberTaken(user(1)));
    assert_eq!(store.binding(id, user(2)).await.unwrap(), None);
    let run = SyncRunId::generate(now());
    let answer = store
        .confirm(&lease, &bound(2, "2000"), &record(run, 2, OperationKind::Bind))
        .await;
    assert!(
        matches!(answer, Err(StoreError::NumberTaken { holder }) if holder == user(1)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn another_number_frees_the_old_one() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    store.reserve(&lease, &intended(1, "2000")).await.unwrap();
    store.reserve(&lease, &intended(1, "2001")).await.unwrap();
    assert_eq!(
        store.reserve(&lease, &intended(2, "2000")).await.unwrap(),
        Reserve::Reserved
    );
    assert_eq!(
        store.reserve(&lease, &intended(3, "2001")).await.unwrap(),
        Reserve::NumberTaken(user(1))
    );
}

#[tokio::test]
async fn numbers_that_the_pbx_shows_exchanged_are_exchanged() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let run = SyncRunId::generate(now());
    let update = |n| record(run, n, OperationKind::Update);
    for (n, number) in [(1, "2000"), (2, "2001")] {
        store
            .confirm(&lease, &bound(n, number), &record(run, n, OperationKind::Create))
            .await
            .unwrap();
    }
    // Halfway, as a run that is cut leaves it, and once more.
    for _ in 0..2 {
        store
            .confirm(&lease, &bound(1, "2001"), &update(1))
            .await
            .unwrap();
    }
    assert_eq!(
        store.reserve(&lease, &intended(3, "2001")).await.unwrap(),
        Reserve::NumberTaken(user(1))
    );
    store
        .confirm(&lease, &bound(2, "2000"), &update(2))
        .await
        .unwrap();
    for (number, holder) in [("2000", 2), ("2001", 1)] {
        assert_eq!(
            store.binding(id, user(holder)).await.unwrap(),
            Some(bound(holder, number))
        );
        let found = store.bindings_numbered(id, number, 2).await.unwrap().bindings;
        assert_eq!(found, [bound(holder, number)]);
        assert_eq!(
            store.reserve(&lease, &intended(3, number)).await.unwrap(),
            Reserve::NumberTaken(user(holder))
        );
    }
}

#[tokio::test]
async fn of_people_who_race_for_a_number_one_gets_it() {
    let (table, id) = connected().await;
    let lease = leased(&table.store, id).await;
    let wishes: Vec<_> = (1..=8).map(|n| intended(n, "2000")).collect();
    let answers =
        futures::future::join_all(wishes.iter().map(|wish| table.store.reserve(&lease, wish))).await;
    let got = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Reserve::Reserved)))
        .count();
    assert_eq!(got, 1, "{answers:?}");
    assert_eq!(table.store.bindings(id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_binding_keeps_every_stage_through_the_table() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let run = SyncRunId::generate(now());
    store.reserve(&lease, &intended(1, "0099")).await.unwrap();
    assert_eq!(
        store.binding(id, user(1)).await.unwrap(),
        Some(intended(1, "0099"))
    );
    let mut leaving = bound(1, "0099");
    for _ in 0..2 {
        store
            .confirm(&lease, &bound(1, "0099"), &record(run, 1, OperationKind::Create))
            .await
            .unwrap();
    }
    assert_eq!(store.binding(id, user(1)).await.unwrap(), Some(bound(1, "0099")));
    leaving.stage = Stage::Leaving {
        bound: bound_extension(),
        since: later(7),
        cause: LeavingCause::AccountDisabled,
    };
    store
        .confirm(&lease, &leaving, &record(run, 1, OperationKind::Update))
        .await
        .unwrap();
    assert_eq!(store.binding(id, user(1)).await.unwrap(), Some(leaving.clone()));
    for _ in 0..2 {
        store
            .forget(&lease, &leaving, &record(run, 1, OperationKind::Delete))
            .await
            .unwrap();
    }
    assert_eq!(store.binding(id, user(1)).await.unwrap(), None);
    assert_eq!(
        store.reserve(&lease, &intended(2, "0099")).await.unwrap(),
        Reserve::Reserved
    );
    // Once more, when the number has another holder.
    store
        .forget(&lease, &leaving, &record(run, 1, OperationKind::Delete))
        .await
        .unwrap();
    let holder = store.reserve(&lease, &intended(3, "0099")).await.unwrap();
    assert_eq!(holder, Reserve::NumberTaken(user(2)));
    let lines = store.records_of_run(id, run, 10, None).await.unwrap();
    assert_eq!(lines.items.len(), 3);
}

#[tokio::test]
async fn an_update_of_a_binding_that_is_not_there_still_holds_its_number() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let line = record(SyncRunId::generate(now()), 1, OperationKind::Update);
    store.confirm(&lease, &bound(1, "2000"), &line).await.unwrap();
    assert_eq!(
        store.reserve(&lease, &intended(2, "2000")).await.unwrap(),
        Reserve::NumberTaken(user(1))
    );
}

#[tokio::test]
async fn an_intention_may_be_dropped_but_not_once_it_is_bound() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    store.reserve(&lease, &intended(1, "2000")).await.unwrap();
    for _ in 0..2 {
        store.cancel_intent(&lease, &intended(1, "2000")).await.unwrap();
    }
    assert_eq!(
        store.reserve(&lease, &intended(2, "2000")).await.unwrap(),
        Reserve::Reserved
    );
    let line = record(SyncRunId::generate(now()), 2, OperationKind::Create);
    store.confirm(&lease, &bound(2, "2000"), &line).await.unwrap();
    lost(store.cancel_intent(&lease, &intended(2, "2000")).await);
    assert_eq!(store.binding(id, user(2)).await.unwrap(), Some(bound(2, "2000")));
}

#[tokio::test]
async fn pages_end_exactly_where_the_list_ends() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    for n in 1..=6_u128 {
        store
            .reserve(&lease, &intended(n, &format!("200{n}")))
            .await
            .unwrap();
    }
    let first = store.bindings_page(id, 3, None).await.unwrap();
    let second = store
        .bindings_page(id, 3, first.next_cursor.as_deref())
        .await
        .unwrap();
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|b| b.user).collect();
    assert_eq!(seen, (1..=6).map(user).collect::<Vec<_>>());
    assert_eq!(second.next_cursor, None);
    let bad = store.bindings_page(id, 3, Some("no cursor")).await;
    assert!(matches!(bad, Err(StoreError::BadCursor)), "{bad:?}");
    let of_people = first.next_cursor.as_deref();
    let groups = store.group_bindings_page(id, 3, of_people).await.map(drop);
    assert!(matches!(groups, Err(StoreError::BadCursor)), "{groups:?}");
    let runs = store.runs(id, 3, of_people).await.map(drop);
    assert!(matches!(runs, Err(StoreError::BadCursor)), "{runs:?}");
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_name_or_number_however_few_fit() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    for n in 1..=150_u128 {
        let name = if n % 50 == 0 {
            "Zoë ÉCLAIR"
        } else {
            "Ann Example"
        };
        let binding = Binding {
            name: name.to_owned(),
            ..intended(n, &format!("{}", 2000 + n))
        };
        store.reserve(&lease, &binding).await.unwrap();
    }
    let found = async |part: &str, limit| {
        let page = store.bindings_with(id, part, limit).await.unwrap();
        let numbers: Vec<String> = page.bindings.iter().map(|b| b.number.to_string()).collect();
        (numbers, page.more)
    };
    let rare = ["2050", "2100", "2150"].map(str::to_owned).to_vec();
    assert_eq!(found("éclair", 3).await, (rare.clone(), false));
    assert_eq!(found("ZOË", 2).await, (rare[..2].to_vec(), true));
    assert_eq!(found("150", 5).await, (vec!["2150".to_owned()], false));
    assert_eq!(found("2050 zoë", 5).await, (vec![], false));
    assert_eq!(found("nobody", 5).await, (vec![], false));
    assert_eq!(found("ann", 10).await.0.len(), 10);
    let numbered = async |digits: &str, limit| {
        let page = store.bindings_numbered(id, digits, limit).await.unwrap();
        let numbers: Vec<String> = page.bindings.iter().map(|b| b.number.to_string()).collect();
        (numbers, page.more)
    };
    let tens = (2100..=2109).map(|number| number.to_string()).collect();
    assert_eq!(numbered("210", 10).await, (tens, false));
    assert_eq!(numbered("21", 1).await, (vec!["2100".to_owned()], true));
    assert_eq!(numbered("100", 10).await, (vec![], false));
}

#[tokio::test]
async fn a_person_is_found_by_the_name_they_have_now() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let line = record(SyncRunId::generate(now()), 1, OperationKind::Update);
    for name in ["Ann Example", "Ann Example", "Zoë Éclair", "Ann Éclair"] {
        let binding = Binding {
            name: name.to_owned(),
            ..bound(1, "2000")
        };
        store.confirm(&lease, &binding, &line).await.unwrap();
        for part in ["ann", "example", "zoë", "éclair"] {
            let found = store.bindings_with(id, part, 10).await.unwrap().bindings;
            let fits = name.to_lowercase().contains(part);
            assert_eq!(found, Vec::from_iter(fits.then(|| binding.clone())), "{part}");
        }
    }
}

#[tokio::test]
async fn a_refused_number_is_forgotten_in_time() {
    let (table, id) = connected().await;
    let store = &table.store;
    store
        .add_refused_number(id, &number("2000"), later(60))
        .await
        .unwrap();
    assert!(store.refused_numbers(id).await.unwrap().contains(&number("2000")));
    table.clock.advance(TTL);
    assert!(store.refused_numbers(id).await.unwrap().is_empty());
}
