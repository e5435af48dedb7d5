//! What runs did: operations, history, bindings, explanations.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::domain::binding::{Binding, BoundExtension, Stage};
use shared::domain::contact::{Card, CardDigest, ContactId, ContactKey, PbxContactId};
use shared::domain::contact_binding::{
    BoundContact, ContactBinding, ContactStage, PhonebookBinding, PhonebookStage,
};
use shared::domain::extension::{FieldsDigest, OwnedFields};
use shared::domain::group_binding::{BoundGroup, GroupBinding, GroupStage};
use shared::domain::ids::{EntraUserId, ExtensionId, PbxGroupId, SyncRunId};
use shared::domain::mailbox::{MailboxId, MailboxRole};
use shared::domain::number::ExtensionNumber;
use shared::domain::operation_record::OperationRecord;
use shared::domain::pbx_group::{GroupDigest, GroupValues};
use shared::domain::phonebook::PhonebookId;
use shared::domain::settings::GroupTarget;
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

/// A group of ours, and its object id.
async fn bind_group(world: &World) -> String {
    let store = &world.store;
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let lease = store
        .acquire_lease(connection().id, "test", at, Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    let bound = BoundGroup {
        id: PbxGroupId(3),
        written: GroupDigest::of(&GroupValues {
            name: "Sales".to_owned(),
            members: BTreeSet::new(),
        }),
        bound_at: at,
        written_at: at,
    };
    let group = "00000000-0000-4000-8000-0000000000aa";
    let binding = GroupBinding {
        group: group.parse().unwrap(),
        target: GroupTarget::ExtensionGroup,
        name: "Sales".to_owned(),
        stage: GroupStage::Bound(bound),
    };
    store.put_group_binding(&lease, &binding, None).await.unwrap();
    group.to_owned()
}

// spec: 86, 87
#[tokio::test]
async fn groups_are_searched_and_listed_beyond_two_hundred() {
    let world = World::connected().await;
    let all = world
        .call(Call::get(path("/directory/groups?limit=1000")))
        .await
        .ok(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 250);
    assert_eq!(
        all["items"][7],
        json!({"id": "00000000-0000-0000-0000-000000000007", "name": "Group 007", "type": "security"})
    );
    let found = world
        .call(Call::get(path("/directory/groups?search=group%2013&limit=4")))
        .await
        .ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 4);
    let next = found["next_cursor"].as_str().unwrap();
    let rest = world
        .call(Call::get(path(&format!(
            "/directory/groups?search=group%2013&cursor={next}"
        ))))
        .await
        .ok(200);
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["next_cursor"]),
        (6, &json!(null))
    );
    let refused = world
        .call(Call::get(path("/directory/groups?cursor=made-up")))
        .await;
    assert_eq!(refused.refused(422, "validation"), ["/cursor"]);
    let long = format!("/directory/groups?search={}", "x".repeat(257));
    assert_eq!(
        world
            .call(Call::get(path(&long)))
            .await
            .refused(422, "validation"),
        ["/search"]
    );
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
    let sales = bind_group(&world).await;
    let groups = world.call(Call::get(path("/bindings?kind=group"))).await.ok(200);
    assert_eq!(
        groups["items"],
        json!([{
            "kind": "group", "entra_id": sales, "target_id": "3", "target": "extension_group", "name": "Sales",
            "state": "bound", "bound_at": "2026-03-01T10:00:00Z", "last_synced_at": "2026-03-01T10:00:00Z"
        }])
    );
    // Without a kind all of them, page by page.
    let first = world.call(Call::get(path("/bindings?limit=1"))).await.ok(200);
    assert_eq!(first["items"][0]["kind"], "user");
    let next = first["next_cursor"].as_str().unwrap();
    let second = world
        .call(Call::get(path(&format!("/bindings?limit=1&cursor={next}"))))
        .await
        .ok(200);
    assert_eq!(
        (&second["items"][0]["kind"], &second["next_cursor"]),
        (&json!("group"), &json!(null))
    );
    let both = world.call(Call::get(path("/bindings"))).await.ok(200);
    assert_eq!(
        (both["items"].as_array().unwrap().len(), &both["next_cursor"]),
        (2, &json!(null))
    );
    let refused = world.call(Call::get(path("/bindings?kind=robot"))).await;
    assert_eq!(refused.refused(422, "validation"), ["/kind"]);
}

#[tokio::test]
async fn a_bound_connection_stays_on_its_pbx() {
    let world = World::connected().await;
    let moved = json!({"pbx": {"base_url": "https://other.example", "client_secret": "fresh"}});
    let patch = || Call::new(Method::PATCH, path("")).json(&moved);
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

// spec: 116, 117, 118
#[tokio::test]
async fn contacts_and_phonebooks_are_listed_with_what_is_left_to_do() {
    let world = World::connected().await;
    let id = connection().id;
    let mailbox = MailboxId::parse(&user(7)).unwrap();
    let contact = ContactId("AAkALg1=".to_owned());
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let lease = world
        .store
        .acquire_lease(id, "test", at, Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    let bound = ContactBinding {
        key: ContactKey::of(id, mailbox, &contact),
        mailbox,
        role: MailboxRole::Shared,
        contact,
        name: "Rui Alves".to_owned(),
        stage: ContactStage::Bound(BoundContact {
            id: PbxContactId(42),
            written: CardDigest::of(&Card::default()),
            bound_at: at,
            written_at: at,
        }),
    };
    world
        .store
        .put_contact_binding(&lease, &bound, None)
        .await
        .unwrap();
    let book = PhonebookBinding {
        mailbox,
        role: MailboxRole::Shared,
        name: "Suppliers".to_owned(),
        stage: PhonebookStage::Bound {
            id: PhonebookId(4),
            bound_at: at,
            written_at: at,
        },
    };
    world
        .store
        .put_phonebook_binding(&lease, &book, None)
        .await
        .unwrap();
    let contacts = world
        .call(Call::get(path("/bindings?kind=contact")))
        .await
        .ok(200);
    let item = &contacts["items"][0];
    assert_eq!(
        (&item["target_id"], &item["entra_id"]),
        (&json!("42"), &json!("AAkALg1="))
    );
    assert_eq!(item.get("number"), None);
    let mailboxes = world
        .call(Call::get(path("/bindings?kind=mailbox")))
        .await
        .ok(200);
    assert_eq!(mailboxes["items"][0]["entra_id"], json!(mailbox.to_string()));
    let books = world.call(Call::get(path("/pbx/phonebooks"))).await.ok(200);
    let book = &books["items"][0];
    assert_eq!(
        (&book["synced"], &book["contacts"], &book["needs_visibility"]),
        (&json!(true), &json!(3), &json!(true))
    );
    assert!(book["how"].as_str().unwrap().contains("Contact Visibility"));
    whoever_set_the_visibility_says_so(&world).await;
}

async fn whoever_set_the_visibility_says_so(world: &World) {
    let visibility = |id: &str| path(&format!("/pbx/phonebooks/{id}/visibility"));
    let say = async |visible: bool| {
        let call = Call::new(Method::PUT, visibility("4")).json(&json!({"visible": visible}));
        world.call(call).await.ok(200)
    };
    let said = say(true).await;
    assert_eq!(
        (&said["name"], &said["needs_visibility"], &said["visible_since"]),
        (&json!("Suppliers"), &json!(false), &json!("2026-03-01T12:00:00Z"))
    );
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(
        say(true).await["visible_since"],
        said["visible_since"],
        "the first time counts"
    );
    let books = world.call(Call::get(path("/pbx/phonebooks"))).await.ok(200);
    assert_eq!(books["items"][0]["needs_visibility"], json!(false));
    let taken_back = say(false).await;
    assert_eq!(taken_back["needs_visibility"], json!(true));
    assert_eq!(taken_back.get("visible_since"), None);
    for unknown in ["5", "x", "-1"] {
        let call = Call::new(Method::PUT, visibility(unknown)).json(&json!({"visible": true}));
        world.call(call).await.refused(404, "not-found");
    }
    let call = Call::new(Method::PUT, visibility("4")).json(&json!({"shown": true}));
    assert_eq!(world.call(call).await.refused(422, "validation"), ["/shown"]);
}

#[tokio::test]
async fn shared_mailboxes_are_offered_or_the_missing_permission_is_named() {
    let world = World::connected().await;
    let found = world
        .call(Call::get(path("/directory/shared-mailboxes?search=Sal")))
        .await
        .ok(200);
    assert_eq!(found["items"][0]["address"], json!("sales@contoso.example"));
    assert_eq!(found["complete"], json!(true));
    let none = world
        .call(Call::get(path("/directory/shared-mailboxes?search=Nobody")))
        .await
        .ok(200);
    assert_eq!(none["items"], json!([]));
    let other = World::connected().await;
    other.sides.script().missing = vec!["MailboxSettings.Read"];
    let missing = other
        .call(Call::get(path("/directory/shared-mailboxes")))
        .await
        .ok(200);
    assert_eq!(missing["missing_permission"], json!("MailboxSettings.Read"));
}
