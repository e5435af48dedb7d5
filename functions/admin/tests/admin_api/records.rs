//! What runs did: operations, history, bindings, explanations.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::binding::{Binding, BoundExtension, Stage};
use shared::domain::extension::{FieldsDigest, OwnedFields};
use shared::domain::ids::{EntraUserId, ExtensionId, SyncRunId};
use shared::domain::number::ExtensionNumber;
use shared::domain::operation_record::OperationRecord;
use shared::domain::sync_run::{Held, RunMode, RunRequest, RunState, SyncRun, Trigger};

use crate::harness::{Call, NOBODY, World, connection, path};

fn user(n: u32) -> String {
    format!("3b1f6c0e-6f0b-4a55-9a3e-0000000000{n:02}")
}

fn record(run: SyncRunId, n: u32, name: &str, kind: &str, outcome: &str) -> OperationRecord {
    serde_json::from_value(json!({
        "at": format!("2026-03-01T10:00:{n:02}Z"), "run": run, "kind": kind, "object": "user",
        "entra_id": user(n), "name": name, "target_id": n.to_string(), "number": format!("20{n:02}"),
        "reason": "new_in_scope", "reason_text": "the rules choose this person", "outcome": outcome
    }))
    .unwrap()
}

/// Three records, one skip, one held removal.
async fn held_run(world: &World) -> SyncRun {
    let id = connection().id;
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let request = RunRequest {
        trigger: Trigger::Manual,
        mode: RunMode::Full,
        dry_run: false,
        user: None,
    };
    let run = SyncRun {
        state: RunState::Held,
        skips: Some("digest-of-skips".to_owned()),
        held: Some(Held {
            because: "too many".to_owned(),
            removals: "digest".to_owned(),

            by_part: std::collections::BTreeMap::new(),
            count: 1,
            since: at,
            verdict: None,
        }),
        ..SyncRun::queued(id, request, at)
    };
    let store = &world.store;
    store.put_new_run(&run).await.unwrap();
    let names = [(1, "Ann"), (2, "=cmd|' /C calc'!A0"), (3, "Cy, \"the\" third")];
    let records: Vec<_> = names
        .iter()
        .map(|(n, name)| record(run.id, *n, name, "create", "applied"))
        .collect();
    store.append_records(id, &records).await.unwrap();
    let skips = [record(run.id, 4, "Dee", "skip", "not_attempted")];
    store.put_skips(id, "digest-of-skips", &skips).await.unwrap();
    let held = [record(run.id, 5, "Eve", "delete", "held")];
    store.put_held(id, run.id, &held).await.unwrap();
    run
}

fn names(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["entra_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn operations_page_through_records_skips_and_held_alike() {
    let world = World::connected().await;
    let run = held_run(&world).await;
    let all = path(&format!("/sync-runs/{}/operations", run.id));
    let whole = world.call(Call::get(all.clone())).await.ok(200);
    let mut expected = names(&whole);
    assert_eq!(whole["next_cursor"], Value::Null);
    assert_eq!(expected.len(), 5);
    assert_eq!(expected[3..], [user(4), user(5)]);
    assert_eq!(whole["items"][0]["reason_text"], "the rules choose this person");
    for limit in 1..=5 {
        let mut seen = Vec::new();
        let mut next = format!("{all}?limit={limit}");
        loop {
            let page = world.call(Call::get(next)).await.ok(200);
            assert!(names(&page).len() <= limit);
            seen.extend(names(&page));
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{all}?limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
    expected.sort();
    expected.dedup();
    assert_eq!(expected.len(), 5);
    for cursor in ["x", "rest.x", "records.x", "rest.-1"] {
        let refused = world.call(Call::get(format!("{all}?cursor={cursor}"))).await;
        assert_eq!(refused.refused(422, "validation"), ["/cursor"], "{cursor}");
    }
}

// case: 49
#[tokio::test]
async fn operations_as_csv_are_whole_and_run_nothing() {
    let world = World::connected().await;
    let run = held_run(&world).await;
    let csv = path(&format!("/sync-runs/{}/operations?format=csv", run.id));
    let answer = world.call(Call::get(csv)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/csv"));
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 5);
    let all: Vec<&str> = rows.iter().map(|row| row.get(4).unwrap()).collect();
    assert_eq!(
        all,
        ["Ann", "'=cmd|' /C calc'!A0", "Cy, \"the\" third", "Dee", "Eve"]
    );
    let other = path(&format!("/sync-runs/{}/operations?format=xml", run.id));
    let refused = world.call(Call::get(other)).await;
    assert_eq!(refused.refused(422, "validation"), ["/format"]);
}

#[tokio::test]
async fn history_is_found_by_object_and_time() {
    let world = World::connected().await;
    let _run = held_run(&world).await;
    let history = |query: &str| Call::get(path(&format!("/history?{query}")));
    let found = world.call(history(&format!("object={}", user(2)))).await.ok(200);
    assert_eq!(names(&found), [user(2)]);
    let all = world.call(history("")).await.ok(200);
    assert_eq!(names(&all).len(), 3);
    let span = "from=2026-03-01T10:00:02Z&to=2026-03-01T10:00:02Z";
    let some = world.call(history(span)).await.ok(200);
    assert_eq!(names(&some), [user(2)]);
    for (query, pointer) in [
        ("from=yesterday", "/from"),
        ("to=2026-13-01", "/to"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "/from"),
        ("object=", "/object"),
    ] {
        let refused = world.call(history(query)).await;
        assert_eq!(refused.refused(422, "validation"), [pointer], "{query}");
    }
}

async fn bind(world: &World, n: u32) {
    let store = &world.store;
    let id = connection().id;
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let run = SyncRunId::generate(at);
    let lease = store
        .acquire_lease(id, "test", at, Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    let binding = Binding {
        user: EntraUserId::parse(&user(n)).unwrap(),
        number: ExtensionNumber::parse(&format!("20{n:02}")).unwrap(),
        name: format!("Person {n}"),
        stage: Stage::Bound(BoundExtension {
            extension: ExtensionId(i64::from(n)),
            written: FieldsDigest::of(&OwnedFields::default()),
            bound_at: at,
            written_at: at,
        }),
    };
    let record = record(run, n, "Person", "create", "applied");
    store.confirm(&lease, &binding, &record).await.unwrap();
}

#[tokio::test]
async fn bindings_are_listed_by_kind() {
    let world = World::connected().await;
    bind(&world, 7).await;
    let listed = world.call(Call::get(path("/bindings?kind=user"))).await.ok(200);
    assert_eq!(
        listed["items"],
        json!([{
            "kind": "user", "entra_id": user(7), "target_id": "7", "number": "2007", "name": "Person 7",
            "state": "bound", "bound_at": "2026-03-01T10:00:00Z", "last_synced_at": "2026-03-01T10:00:00Z"
        }])
    );
    let groups = world.call(Call::get(path("/bindings?kind=group"))).await.ok(200);
    assert_eq!(groups, json!({"items": [], "next_cursor": null}));
    let refused = world.call(Call::get(path("/bindings?kind=robot"))).await;
    assert_eq!(refused.refused(422, "validation"), ["/kind"]);
}

#[tokio::test]
async fn a_bound_connection_stays_on_its_pbx() {
    let world = World::connected().await;
    let moved = json!({"pbx": {"base_url": "https://other.example", "client_secret": "fresh"}});
    let patch = || Call::new(axum::http::Method::PATCH, path("")).json(&moved);
    bind(&world, 7).await;
    let refused = world.call(patch()).await;
    assert_eq!(refused.refused(422, "validation"), ["/pbx/base_url"]);
    world.sides.script().serial = "SERIAL-1".to_owned();
    world.call(patch()).await.ok(200);
}

#[tokio::test]
async fn an_explanation_needs_a_person() {
    let world = World::connected().await;
    let refused = world.call(Call::get(path("/explain"))).await;
    assert_eq!(refused.refused(422, "validation"), ["/user"]);
    let nobody = Call::get(path(&format!("/explain?user={NOBODY}")));
    world.call(nobody).await.refused(404, "not-found");
}
