//! Every recorded batch goes through the handler. An event without an expectation fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::SqsEvent;
use invocation::each_message;
use jiff::Timestamp;
use presence_poll::MARGIN;
use shared::deadline::Deadline;
use shared::ports::PresenceHint;

/// Which connections are polled, by the last digit of their ids, and which messages are given back.
type Expected = (&'static [&'static str], &'static [&'static str]);

fn expectations() -> BTreeMap<&'static str, Expected> {
    BTreeMap::from([
        ("one-connection.json", (&["1"][..], &[][..])),
        ("batch-of-three.json", (&["1", "2", "3"], &[])),
        ("same-connection-twice.json", (&["1", "1"], &[])),
        ("with-fields-of-tomorrow.json", (&["1"], &[])),
        ("unreadable-among-good.json", (&["2"], &["m-1", "m-3", "m-4"])),
        ("message-without-id.json", (&[], &[""])),
        ("empty.json", (&[], &[])),
    ])
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/presence-poll"))
}

fn event(name: &str) -> SqsEvent {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct Refused;

async fn failures<F, Fut>(event: SqsEvent, poll: F) -> Vec<String>
where
    F: Fn(PresenceHint) -> Fut,
    Fut: Future<Output = Result<(), Refused>> + Send + 'static,
{
    let response = each_message(event, poll).await;
    response
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect()
}

fn last_digit(hint: &PresenceHint) -> String {
    hint.connection_id.to_string().split_off(35)
}

#[tokio::test]
async fn every_recorded_event_ends_as_expected() {
    let mut expected = expectations();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (connections, given_back) = expected.remove(name.as_str()).expect(&name);
        let polled = Arc::new(Mutex::new(Vec::new()));
        let failed = failures(event(&name), |hint| {
            polled.lock().unwrap().push(last_digit(&hint));
            async { Ok(()) }
        })
        .await;
        assert_eq!(failed, given_back, "{name}");
        assert_eq!(*polled.lock().unwrap(), connections, "{name}");
    }
    assert!(expected.is_empty(), "no such events: {expected:?}");
}

#[tokio::test]
async fn a_poll_that_fails_or_panics_is_given_back_alone() {
    let failed = failures(event("batch-of-three.json"), |hint| async move {
        match last_digit(&hint).as_str() {
            "1" => Err(Refused),
            "3" => panic!("canary"),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!(
        BTreeSet::from_iter(failed),
        BTreeSet::from(["m-1".to_owned(), "m-3".to_owned()])
    );
}

#[tokio::test]
async fn a_slow_connection_lets_the_others_of_its_batch_go_on() {
    let others_done = Arc::new(tokio::sync::Barrier::new(3));
    let failed = failures(event("batch-of-three.json"), |_| {
        let others_done = Arc::clone(&others_done);
        // Each waits for all three, which ends only if all three are at work at once.
        async move {
            others_done.wait().await;
            Ok(())
        }
    })
    .await;
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn the_deadline_leaves_time_to_write_down_what_was_carried() {
    let deadline = Deadline::before(100_000, MARGIN);
    assert!(!deadline.has_passed(Timestamp::from_second(84).unwrap()));
    assert!(deadline.has_passed(Timestamp::from_second(85).unwrap()));
}
