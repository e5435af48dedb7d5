//! Bindings of groups: as they were written, bound to the lease, gone with the connection.

mod store_support;

use shared::domain::group_binding::{BoundGroup, GroupBinding, GroupStage};
use shared::domain::ids::{EntraGroupId, PbxGroupId};
use shared::domain::operation_record::{ObjectKind, OperationKind, OperationRecord};
use shared::domain::pbx_group::{GroupDigest, GroupValues};
use shared::domain::settings::GroupTarget;
use shared::domain::sync_run::RunMode;
use shared::store::StoreError;
use store_support::*;

fn group(n: u128) -> EntraGroupId {
    uuid::Uuid::from_u128(n).into()
}

fn intended(n: u128) -> GroupBinding {
    GroupBinding {
        group: group(n),
        target: GroupTarget::ExtensionGroup,
        name: format!("Group {n}"),
        stage: GroupStage::Intended { at: now() },
    }
}

fn bound(n: u128) -> GroupBinding {
    let values = GroupValues {
        name: format!("Group {n}"),
        members: [].into(),
    };
    GroupBinding {
        stage: GroupStage::Bound(BoundGroup {
            id: PbxGroupId(7),
            written: GroupDigest::of(&values),
            bound_at: now(),
            written_at: later(1),
        }),
        ..intended(n)
    }
}

fn line(run: shared::domain::ids::SyncRunId, n: u128) -> OperationRecord {
    OperationRecord {
        object: ObjectKind::Group,
        entra_id: group(n).to_string(),
        number: None,
        ..record(run, n, OperationKind::Create)
    }
}

#[tokio::test]
async fn a_binding_is_read_as_it_was_written_and_its_record_with_it() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let run = run_of(id, RunMode::Full);
    store.put_group_binding(&lease, &intended(1), None).await.unwrap();
    assert_eq!(store.group_bindings(id).await.unwrap(), [intended(1)]);
    for _ in 0..2 {
        store
            .put_group_binding(&lease, &bound(1), Some(&line(run.id, 1)))
            .await
            .unwrap();
    }
    let department = GroupBinding {
        target: GroupTarget::Organization,
        ..bound(1)
    };
    store.put_group_binding(&lease, &department, None).await.unwrap();
    assert_eq!(
        store.group_bindings(id).await.unwrap(),
        [bound(1), department.clone()]
    );
    let history = store
        .history(id, &group(1).to_string(), now(), later(9), 10, None)
        .await
        .unwrap();
    assert_eq!(history.items, [line(run.id, 1)]);
    let page = store.group_bindings_page(id, 1, None).await.unwrap();
    assert_eq!(page.items, [bound(1)]);
    let next = store
        .group_bindings_page(id, 1, page.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!(next.items, [department]);
    for _ in 0..2 {
        store.forget_group(&lease, &bound(1), None).await.unwrap();
    }
    assert_eq!(store.group_bindings(id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_older_run_writes_nothing_over_a_newer_one() {
    let (table, id) = connected().await;
    let store = &table.store;
    let (stale, fresh) = stale_and_fresh(store, id).await;
    store.put_group_binding(&fresh, &bound(1), None).await.unwrap();
    let conflict = |answer: Result<(), StoreError>| matches!(answer, Err(StoreError::Conflict { .. }));
    assert!(conflict(
        store.put_group_binding(&stale, &intended(1), None).await
    ));
    assert!(conflict(
        store.put_group_binding(&stale, &intended(2), None).await
    ));
    assert!(conflict(store.forget_group(&stale, &bound(1), None).await));
    assert!(conflict(store.set_groups_mark(&stale, Some("x")).await));
    assert_eq!(store.group_bindings(id).await.unwrap(), [bound(1)]);
    assert_eq!(store.groups_mark(id).await.unwrap(), None);
}

#[tokio::test]
async fn the_mark_is_set_replaced_and_removed() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    for mark in [Some("one"), Some("two"), None, None] {
        store.set_groups_mark(&lease, mark).await.unwrap();
        assert_eq!(store.groups_mark(id).await.unwrap().as_deref(), mark);
    }
}

#[tokio::test]
async fn group_bindings_go_with_their_connection() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    store.put_group_binding(&lease, &bound(1), None).await.unwrap();
    store.set_groups_mark(&lease, Some("one")).await.unwrap();
    store.delete_connection(id).await.unwrap();
    assert_eq!(store.group_bindings(id).await.unwrap(), []);
    assert_eq!(store.groups_mark(id).await.unwrap(), None);
}
