//! Connections, settings, secrets, runs, records, tokens: what is stored comes back, and secrets cannot be read.

mod store_support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use shared::domain::connection::AppCredential;
use shared::domain::ids::{EntraUserId, SyncRunId};
use shared::domain::operation_record::{OperationKind, OperationRecord};
use shared::domain::role::Role;
use shared::domain::sync_run::{Held, RunMode, RunState, Verdict};
use shared::ports::{CredentialsDigest, Cursor, PbxTokenStore as _, PbxTokens};
use shared::store::{ApiToken, CreateOutcome, Holder, Session, Stale, Store, StoreError, Version, Versioned};
use shared::testing::table::TestTable;
use store_support::*;
use uuid::Uuid;

#[tokio::test]
async fn a_pbx_is_in_one_connection_only() {
    let table = TestTable::start().await;
    let store = &table.store;
    let (first, mut second) = (connection_of("A"), connection_of("A"));
    for _ in 0..2 {
        assert_eq!(
            store.create_connection(&first, &secrets()).await.unwrap(),
            CreateOutcome::Created
        );
    }
    let refused = store.create_connection(&second, &secrets()).await.unwrap();
    assert_eq!(refused, CreateOutcome::PbxInUse(first.id));
    assert_eq!(store.connection(second.id).await.unwrap(), None);
    second.pbx.serial_number = "B".to_owned();
    store.create_connection(&second, &secrets()).await.unwrap();
    second.pbx.serial_number = "A".to_owned();
    let moved = store
        .save_connection(&Versioned {
            value: second.clone(),
            version: Version::FIRST,
        })
        .await;
    assert!(
        matches!(moved, Err(StoreError::PbxInUse { connection }) if connection == first.id),
        "{moved:?}"
    );
    second.pbx.serial_number = "C".to_owned();
    store
        .save_connection(&Versioned {
            value: second,
            version: Version::FIRST,
        })
        .await
        .unwrap();
    let third = connection_of("B");
    assert_eq!(
        store.create_connection(&third, &secrets()).await.unwrap(),
        CreateOutcome::Created
    );
    store.delete_connection(first.id).await.unwrap();
    store.delete_connection(first.id).await.unwrap();
    assert!(store.connection(first.id).await.unwrap().is_none());
    assert!(store.secrets(first.id).await.unwrap().is_none());
    assert_eq!(
        store
            .create_connection(&connection_of("A"), &secrets())
            .await
            .unwrap(),
        CreateOutcome::Created
    );
}

#[tokio::test]
async fn a_connection_is_saved_only_as_it_was_read() {
    let (table, id) = connected().await;
    let store = &table.store;
    let read = store.connection(id).await.unwrap().unwrap();
    let mut mine = read.clone();
    mine.value.name = "Mine".to_owned();
    let mut theirs = read;
    theirs.value.name = "Theirs".to_owned();
    for _ in 0..2 {
        assert_eq!(store.save_connection(&mine).await.unwrap(), Version(2));
    }
    let refused = store.save_connection(&theirs).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

#[tokio::test]
async fn connections_are_listed_page_by_page() {
    let table = TestTable::start().await;
    let mut made = BTreeSet::new();
    for _ in 0..4 {
        made.insert(add_connection(&table.store).await);
    }
    let first = table.store.connections(2, None).await.unwrap();
    let second = table
        .store
        .connections(2, first.next_cursor.as_deref())
        .await
        .unwrap();
    let seen: BTreeSet<_> = first.items.iter().chain(&second.items).map(|c| c.id).collect();
    assert_eq!((seen, second.next_cursor), (made, None));
}

#[tokio::test]
async fn settings_are_replaced_by_version_and_first_enabled_once() {
    let (table, id) = connected().await;
    let store = &table.store;
    let read = store.settings(id).await.unwrap().unwrap();
    assert_eq!(
        (read.version, &read.value),
        (
            Version::FIRST,
            &shared::domain::settings::ConnectionSettings::default()
        )
    );
    let (mut mine, mut theirs) = (read.value.clone(), read.value);
    mine.users.enabled = true;
    theirs.groups.enabled = true;
    for _ in 0..2 {
        assert_eq!(
            store.put_settings(id, &mine, Version::FIRST).await.unwrap(),
            Ok(Version(2))
        );
    }
    assert_eq!(
        store.put_settings(id, &theirs, Version::FIRST).await.unwrap(),
        Err(Stale)
    );
    assert_eq!(store.settings(id).await.unwrap().unwrap().value, mine);
    assert!(!store.was_ever_enabled(id).await.unwrap());
    assert!(store.mark_ever_enabled(id).await.unwrap());
    assert!(store.was_ever_enabled(id).await.unwrap());
    assert!(!store.mark_ever_enabled(id).await.unwrap());
}

/// case: 63
#[tokio::test]
async fn no_secret_can_be_read_in_the_table() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    store
        .put_cursor(&lease, "users", &Cursor("canary-delta-link".to_owned()), "f")
        .await
        .unwrap();
    let tokens = PbxTokens {
        access_token: "canary-access".into(),
        refresh_token: "canary-refresh".into(),
        access_ends: later(1800),
        refresh_ends: later(86_400),
        of: CredentialsDigest::of(&["id", "right"]),
    };
    store.pbx_token_store(id).save(&tokens).await.unwrap();
    let items = table.client.scan().table_name(&table.name).send().await.unwrap();
    let mut looked = 0;
    for value in items.items().iter().flat_map(|item| item.values()) {
        let bytes = match value {
            aws_sdk_dynamodb::types::AttributeValue::B(blob) => blob.as_ref().to_vec(),
            other => format!("{other:?}").into_bytes(),
        };
        looked += 1;
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{value:?}");
    }
    assert!(looked > 20);
    let opened = store.secrets(id).await.unwrap().unwrap();
    let AppCredential::Secret(secret) = &opened.app else {
        panic!("the app has a secret");
    };
    assert_eq!(secret.expose_secret(), "canary-client-secret");
    assert_eq!(
        opened.linkus_sdk.unwrap().access_key.expose_secret(),
        "canary-access-key"
    );
    let stored = store.cursor(id, "users").await.unwrap().unwrap();
    assert_eq!(
        (stored.cursor.0.as_str(), stored.fingerprint.as_str()),
        ("canary-delta-link", "f")
    );
    let loaded = store.pbx_token_store(id).load().await.unwrap().unwrap();
    assert_eq!(loaded.refresh_token.expose_secret(), "canary-refresh");
    assert!(loaded.of == tokens.of);
}

#[tokio::test]
async fn who_loses_to_another_writer_has_stored_neither_the_connection_nor_its_secrets() {
    let (table, id) = connected().await;
    let store = &table.store;
    let pbx_secret = async || {
        let stored = store.secrets(id).await.unwrap().unwrap();
        stored.pbx.client_secret.expose_secret().to_owned()
    };
    let read = store.connection(id).await.unwrap().unwrap();
    let secrets = |secret: &str| {
        let mut changed = store_support::secrets();
        changed.pbx.client_secret = secret.to_owned().into();
        changed
    };
    let mut moved = read.clone();
    moved.value.pbx.base_url = "https://moved.example".to_owned();
    let version = store
        .save_connection_and_secrets(&moved, &secrets("first"))
        .await
        .unwrap();
    let late = store.save_connection_and_secrets(&read, &secrets("late")).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(pbx_secret().await, "first");
    let stored = store.connection(id).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.value), (version, &moved.value));

    // A PBX that another connection has is nobody else's, nor are the secrets for it.
    let other = add_connection(store).await;
    let taken = store
        .connection(other)
        .await
        .unwrap()
        .unwrap()
        .value
        .pbx
        .serial_number;
    let mut moved = stored;
    moved.value.pbx.serial_number = taken;
    let refused = store
        .save_connection_and_secrets(&moved, &secrets("theirs"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::PbxInUse { connection }) if connection == other),
        "{refused:?}"
    );
    assert_eq!(pbx_secret().await, "first");
    moved.value.pbx.serial_number = "another".to_owned();
    store
        .save_connection_and_secrets(&moved, &secrets("for another"))
        .await
        .unwrap();
    assert_eq!(pbx_secret().await, "for another");
    // The one that it left is free again.
    let mut theirs = store.connection(other).await.unwrap().unwrap();
    theirs.value.pbx.serial_number = read.value.pbx.serial_number;
    store.save_connection(&theirs).await.unwrap();
}

/// case: 63
#[tokio::test]
async fn secrets_moved_to_another_connection_do_not_open() {
    let (table, id) = connected().await;
    let other = add_connection(&table.store).await;
    let key =
        |id: shared::domain::ids::ConnectionId| aws_sdk_dynamodb::types::AttributeValue::S(format!("C#{id}"));
    let sort = aws_sdk_dynamodb::types::AttributeValue::S("SECRETS".to_owned());
    let read = table
        .client
        .get_item()
        .table_name(&table.name)
        .key("pk", key(id))
        .key("sk", sort);
    let mut item = read.send().await.unwrap().item.unwrap();
    item.insert("pk".to_owned(), key(other));
    table
        .client
        .put_item()
        .table_name(&table.name)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
    let opened = table.store.secrets(other).await;
    assert!(
        matches!(opened, Err(StoreError::Sealing { .. })),
        "{:?}",
        opened.err()
    );
}

#[tokio::test]
async fn one_function_renews_the_pbx_tokens() {
    let (table, id) = connected().await;
    let tokens = table.store.pbx_token_store(id);
    assert!(tokens.load().await.unwrap().is_none());
    assert!(tokens.claim_renewal(now(), later(30)).await.unwrap());
    assert!(!tokens.claim_renewal(later(29), later(60)).await.unwrap());
    assert!(tokens.load().await.unwrap().is_none());
    assert!(tokens.claim_renewal(later(30), later(60)).await.unwrap());
    tokens.clear().await.unwrap();
    assert!(tokens.claim_renewal(later(31), later(60)).await.unwrap());
}

#[tokio::test]
async fn a_refusal_is_of_these_credentials_and_ends_with_the_next_pair_or_when_forgotten() {
    let (table, id) = connected().await;
    let tokens = table.store.pbx_token_store(id);
    let (wrong, right) = (
        CredentialsDigest::of(&["id", "wrong"]),
        CredentialsDigest::of(&["id", "right"]),
    );
    assert!(tokens.claim_renewal(now(), later(30)).await.unwrap());
    tokens.note_refusal(&wrong, "not accepted").await.unwrap();
    assert!(
        tokens.claim_renewal(now(), later(30)).await.unwrap(),
        "the claim is over"
    );
    assert_eq!(
        tokens.refusal(&wrong).await.unwrap().as_deref(),
        Some("not accepted")
    );
    assert_eq!(tokens.refusal(&right).await.unwrap(), None);
    let other = table.store.pbx_token_store(add_connection(&table.store).await);
    assert_eq!(other.refusal(&wrong).await.unwrap(), None);
    tokens.forget_refusal().await.unwrap();
    tokens.forget_refusal().await.unwrap();
    assert_eq!(tokens.refusal(&wrong).await.unwrap(), None);
    assert_ne!(
        CredentialsDigest::of(&["a", "bc"]),
        CredentialsDigest::of(&["ab", "c"])
    );
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_expire() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let mut made = Vec::new();
    for second in 0..4 {
        let mut run = run_of(id, RunMode::Full);
        run.id = SyncRunId::generate(later(second));
        store.put_new_run(&run).await.unwrap();
        made.insert(0, run);
    }
    let first = store.runs(id, 2, None).await.unwrap();
    let second = store.runs(id, 2, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!([first.items, second.items].concat(), made);
    assert_eq!(second.next_cursor, None);
    let mut run = made.remove(0);
    assert!(store.request_cancel(id, run.id).await.unwrap());
    store.put_run(&run, &lease).await.unwrap();
    assert!(store.cancel_requested(id, run.id).await.unwrap());
    run.state = RunState::Cancelled;
    store.put_run(&run, &lease).await.unwrap();
    assert!(!store.request_cancel(id, run.id).await.unwrap());
    assert!(
        !store
            .request_cancel(id, SyncRunId::generate(now()))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_verdict_is_on_exactly_the_held_removals() {
    let (table, id) = connected().await;
    let store = &table.store;
    let lease = leased(store, id).await;
    let mut run = run_of(id, RunMode::Full);
    let verdict = async |run, word, set, at| store.set_verdict(id, run, word, set, at).await.unwrap();
    store.put_run(&run, &lease).await.unwrap();
    assert_eq!(
        verdict(run.id, Verdict::Approved, "set-1", now()).await,
        Err(Stale)
    );
    run.state = RunState::Held;
    run.held = Some(Held {
        because: "Too many.".to_owned(),
        removals: "set-1".to_owned(),
        by_part: BTreeMap::new(),
        count: 9,
        since: now(),
        verdict: None,
    });
    store.put_run(&run, &lease).await.unwrap();
    assert_eq!(
        verdict(run.id, Verdict::Approved, "set-0", now()).await,
        Err(Stale)
    );
    assert_eq!(
        verdict(run.id, Verdict::Approved, "set-1", later(86_401)).await,
        Err(Stale)
    );
    for _ in 0..2 {
        assert_eq!(
            verdict(run.id, Verdict::Approved, "set-1", later(60)).await,
            Ok(())
        );
    }
    assert_eq!(
        verdict(run.id, Verdict::Rejected, "set-1", later(61)).await,
        Err(Stale)
    );
    let stored = store.run(id, run.id).await.unwrap().unwrap();
    assert_eq!(stored.held.unwrap().verdict, Some(Verdict::Approved));
    // Another set is held: what was said of the first does not count for it.
    run.held.as_mut().unwrap().removals = "set-2".to_owned();
    store.put_run(&run, &lease).await.unwrap();
    let stored = store.run(id, run.id).await.unwrap().unwrap();
    assert_eq!(stored.held.unwrap().verdict, None);
    assert_eq!(
        verdict(run.id, Verdict::Rejected, "set-2", later(90_000)).await,
        Ok(())
    );
}

fn lines(run: SyncRunId, count: u128) -> Vec<OperationRecord> {
    (1..=count)
        .map(|n| record(run, n, OperationKind::Create))
        .collect()
}

#[tokio::test]
async fn records_of_a_run_are_replaced_by_a_repeat() {
    let (table, id) = connected().await;
    let store = &table.store;
    let run = SyncRunId::generate(now());
    for _ in 0..2 {
        store.append_records(id, &lines(run, 60)).await.unwrap();
    }
    let first = store.records_of_run(id, run, 30, None).await.unwrap();
    let second = store
        .records_of_run(id, run, 30, first.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!([first.items, second.items].concat(), lines(run, 60));
    assert_eq!(second.next_cursor, None);
}

#[tokio::test]
async fn history_is_found_by_person_by_extension_and_by_time() {
    let (table, id) = connected().await;
    let store = &table.store;
    let mut written = Vec::new();
    for day in 0..4 {
        let at = later(day * 86_400);
        let mut line = record(SyncRunId::generate(at), 1, OperationKind::Update);
        line.at = at;
        line.target_id = Some(format!("7{day}"));
        written.insert(0, line);
    }
    store.append_records(id, &written).await.unwrap();
    let (from, to) = (later(86_400), later(3 * 86_400));
    let person = user(1).to_string();
    let first = store.history(id, &person, from, to, 2, None).await.unwrap();
    assert_eq!(first.items, written[..2]);
    let rest = store
        .history(id, &person, from, to, 2, first.next_cursor.as_deref())
        .await
        .unwrap();
    assert_eq!((rest.items, rest.next_cursor), (written[2..3].to_vec(), None));
    let all = store.history_all(id, from, to, 3, None).await.unwrap();
    assert_eq!((all.items, all.next_cursor), (written[..3].to_vec(), None));
    let by_target = store.history(id, "72", from, to, 5, None).await.unwrap();
    assert_eq!(by_target.items, written[1..2]);
    // A cursor leads nowhere but on in its own list.
    let other = add_connection(store).await;
    let elsewhere = store
        .history(other, &person, from, to, 2, first.next_cursor.as_deref())
        .await;
    assert!(matches!(elsewhere, Err(StoreError::BadCursor)), "{elsewhere:?}");
}

#[tokio::test]
async fn skips_are_stored_once_and_touched_once_a_week() {
    let (table, id) = connected().await;
    let store = &table.store;
    let run = SyncRunId::generate(now());
    store.put_skips(id, "digest", &lines(run, 3)).await.unwrap();
    // The fingerprint stands for the list, so another list under it shows whether anything was written.
    store.put_skips(id, "digest", &lines(run, 2)).await.unwrap();
    assert_eq!(store.skips(id, "digest").await.unwrap(), lines(run, 3));
    table.clock.advance(std::time::Duration::from_hours(7 * 24));
    store.put_skips(id, "digest", &lines(run, 2)).await.unwrap();
    assert_eq!(store.skips(id, "digest").await.unwrap(), lines(run, 2));
    assert_eq!(store.skips(id, "unknown").await.unwrap(), []);
    store.put_held(id, run, &lines(run, 30)).await.unwrap();
    store.put_held(id, run, &lines(run, 5)).await.unwrap();
    assert_eq!(store.held(id, run).await.unwrap(), lines(run, 5));
}

#[tokio::test]
async fn api_tokens_are_known_by_their_hash() {
    let table = TestTable::start().await;
    let store = &table.store;
    let token = ApiToken {
        role: Role::Operator,
        name: "CI".to_owned(),
        created_at: now(),
        expires_at: Some(later(60)),
    };
    store.put_api_token("ab12", &token).await.unwrap();
    assert_eq!(store.api_token("ab12").await.unwrap(), Some(token.clone()));
    assert_eq!(store.api_tokens().await.unwrap(), [("ab12".to_owned(), token)]);
    store.delete_api_token("ab12").await.unwrap();
    assert_eq!(store.api_token("ab12").await.unwrap(), None);
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_an_error_and_never_an_empty_answer() {
    let sealer = Arc::new(shared::secrets::FileKeySealer::from_bytes(TestTable::KEY));
    let nowhere = shared::store::local_client("http://127.0.0.1:1", &"none".into());
    let store = Store::new(nowhere, "none", sealer);
    let answer = store.bindings(connection_of("A").id).await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable { .. })),
        "{answer:?}"
    );
}

fn session(role: Role, everywhere: bool) -> Session {
    let connection = connection_of("A");
    let holder = Holder::Member {
        connection: connection.id,
        tenant: connection.tenant,
        user: EntraUserId::from(Uuid::from_u128(7)),
        name: "Ann".to_owned(),
        role,
        everywhere,
        by_app_role: false,
    };
    Session::begin(holder, now())
}

// case: 44, 45
#[tokio::test]
async fn a_confirmed_session_holds_what_was_found_and_an_ended_one_stays_ended() {
    let table = TestTable::start().await;
    let store = &table.store;
    let (begun, found) = (session(Role::Admin, true), session(Role::Viewer, false));
    store.put_session("hash", &begun).await.unwrap();
    let confirm = async |holder: &Holder, at| {
        let confirmed = store.confirm_session("hash", &begun, (holder, at)).await;
        confirmed.unwrap()
    };
    assert!(confirm(&found.holder, later(60)).await);
    let expected = Session {
        holder: found.holder.clone(),
        confirmed_at: later(60),
        ..begun.clone()
    };
    assert_eq!(
        store.session("hash", later(1)).await.unwrap(),
        Some(expected.clone())
    );
    // Who read the session before that writes nothing over it.
    assert!(confirm(&begun.holder, later(61)).await);
    assert_eq!(store.session("hash", later(1)).await.unwrap(), Some(expected));
    store.end_session("hash").await.unwrap();
    assert!(!confirm(&found.holder, later(62)).await);
    assert_eq!(store.session("hash", later(1)).await.unwrap(), None);
}
