//! Every recorded batch goes through the handler. An event without an expectation fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::SqsEvent;
use full_sync::{deadline_before, handle_with};
use jiff::Timestamp;
use shared::ports::SyncHint;
use shared::testing::logs::Logs;
use shared::trace::{TraceHeader, carried, current};

/// Which triggers ran, and which messages are given back.
type Expected = (&'static [&'static str], &'static [&'static str]);

fn expectations() -> BTreeMap<&'static str, Expected> {
    BTreeMap::from([
        ("scheduled.json", (&["scheduled"][..], &[][..])),
        ("manual-run.json", (&["manual"], &[])),
        (
            "batch-of-three.json",
            (&["changes", "continuation", "first_save"], &[]),
        ),
        ("unreadable-among-good.json", (&["scheduled"], &["m-1", "m-3"])),
        ("unknown-trigger.json", (&[], &["m-1"])),
        ("message-without-id.json", (&[], &[""])),
        ("empty.json", (&[], &[])),
    ])
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/full-sync"))
}

fn event(name: &str) -> SqsEvent {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct Refused;

async fn failures<F, Fut>(event: SqsEvent, run: F) -> Vec<String>
where
    F: Fn(SyncHint) -> Fut,
    Fut: Future<Output = Result<(), Refused>> + Send + 'static,
{
    let response = handle_with(event, run).await;
    response
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect()
}

#[tokio::test]
async fn every_recorded_event_ends_as_expected() {
    let mut expected = expectations();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (triggers, given_back) = expected.remove(name.as_str()).expect(&name);
        let ran = Arc::new(Mutex::new(BTreeSet::new()));
        let failed = failures(event(&name), |hint| {
            let word = serde_json::to_value(hint.trigger).unwrap();
            ran.lock().unwrap().insert(word.as_str().unwrap().to_owned());
            async { Ok(()) }
        })
        .await;
        assert_eq!(failed, given_back, "{name}");
        assert!(ran.lock().unwrap().iter().eq(triggers), "{name}");
    }
    assert!(expected.is_empty(), "no such events: {expected:?}");
}

#[tokio::test]
async fn a_run_that_fails_or_panics_is_given_back_alone() {
    let failed = failures(event("batch-of-three.json"), |hint| async move {
        match serde_json::to_string(&hint.trigger).unwrap().as_str() {
            "\"continuation\"" => Err(Refused),
            "\"changes\"" => panic!("canary"),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!(failed, ["m-1", "m-2"]);
}

#[test]
fn the_deadline_leaves_time_to_store_how_far_a_run_came() {
    let deadline = deadline_before(100_000);
    assert!(!deadline.has_passed(Timestamp::from_second(69).unwrap()));
    assert!(deadline.has_passed(Timestamp::from_second(70).unwrap()));
    assert!(!deadline_before(u64::MAX).has_passed(Timestamp::from_second(1 << 32).unwrap()));
}

#[tokio::test]
async fn work_names_its_message_in_the_log_and_goes_on_in_the_trace_of_its_sender() {
    const SENDERS: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e708;Parent=9a9197af755a6419;Sampled=1";
    const OURS: &str = "Root=1-67891233-abcdef012345678912345678;Sampled=0";
    let body = r#"{"connection_id":"00000000-0000-0000-0000-000000000001","trigger":"manual"}"#;
    let batch = serde_json::json!({"Records": [
        {"messageId": "m-1", "body": body, "attributes": {"AWSTraceHeader": SENDERS}},
        {"messageId": "m-2", "body": body, "attributes": {}},
    ]});
    let logs = Logs::of_function("stack-function");
    let carried_on = Arc::new(Mutex::new(BTreeSet::new()));
    let work = carried(TraceHeader::parse(OURS), async {
        failures(serde_json::from_value(batch).unwrap(), |_| {
            let carried_on = Arc::clone(&carried_on);
            async move {
                tracing::info!("at work");
                carried_on
                    .lock()
                    .unwrap()
                    .insert(current().unwrap().as_str().to_owned());
                Ok(())
            }
        })
        .await
    });
    assert!(work.await.is_empty());
    let wanted = [SENDERS.to_owned(), OURS.to_owned()];
    assert_eq!(*carried_on.lock().unwrap(), BTreeSet::from(wanted));
    let lines = logs.lines();
    let pairs: BTreeSet<(&str, &str)> = lines
        .iter()
        .map(|line| {
            (
                line["message.id"].as_str().unwrap(),
                line["trace.id"].as_str().unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("m-1", "1-5bef4de7-ad49b0e87f6ef6c87fc2e708"),
        ("m-2", "1-67891233-abcdef012345678912345678"),
    ];
    assert_eq!(pairs, BTreeSet::from(wanted));
}
