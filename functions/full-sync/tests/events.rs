//! Every recorded batch goes through the handler. An event without an expectation fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::SqsEvent;
use full_sync::MARGIN;
use invocation::each_message;
use jiff::Timestamp;
use shared::deadline::Deadline;
use shared::ports::SyncHint;

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
    let response = each_message(event, run).await;
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
    let deadline = Deadline::before(100_000, MARGIN);
    assert!(!deadline.has_passed(Timestamp::from_second(69).unwrap()));
    assert!(deadline.has_passed(Timestamp::from_second(70).unwrap()));
}
