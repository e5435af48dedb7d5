//! Functions, their triggers and their archives.

use std::collections::BTreeSet;

use full_sync::MARGIN;

use crate::document::{root, template, text};

/// Queues, and the functions that take from them.
const TAKERS: [(&str, &str, &str); 2] = [
    ("SyncQueue", "full-sync", "FullSyncFunction"),
    ("PresenceQueue", "presence-poll", "PresencePollFunction"),
];

#[test]
fn there_is_one_function_for_each_folder_of_functions() {
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let functions: BTreeSet<String> = template().functions().into_keys().collect();
    assert_eq!(functions, folders);
}

#[test]
fn queues_trigger_their_functions_and_failed_messages_come_back_alone() {
    let template = template();
    let mut seen = BTreeSet::new();
    for mapping in template.resources("AWS::Lambda::EventSourceMapping").values() {
        assert_eq!(mapping["FunctionResponseTypes"][0], "ReportBatchItemFailures");
        seen.insert((text(&mapping["EventSourceArn"]), text(&mapping["FunctionName"])));
    }
    let wanted = TAKERS.map(|(queue, _, function)| (format!("${{{queue}.Arn}}"), format!("${{{function}}}")));
    assert_eq!(seen, BTreeSet::from(wanted));
}

#[test]
fn a_message_stays_hidden_longer_than_its_function_may_take() {
    let template = template();
    let (queues, functions) = (template.resources("AWS::SQS::Queue"), template.functions());
    for (queue, function, _) in TAKERS {
        let hidden = queues[queue]["VisibilityTimeout"].as_i64().unwrap();
        let timeout = functions[function].1["Timeout"].as_i64().unwrap();
        assert!(hidden > timeout, "{queue}");
        assert_eq!(queues[queue]["RedrivePolicy"]["maxReceiveCount"], 5);
    }
    let sync = functions["full-sync"].1["Timeout"].as_i64().unwrap();
    assert!(
        sync >= 10 * MARGIN.as_secs(),
        "a run must have time for more than its end"
    );
}

#[test]
fn the_scheduler_is_asked_each_minute_and_never_asked_again() {
    let template = template();
    let rules = template.resources("AWS::Events::Rule");
    let [rule] = rules.values().collect::<Vec<_>>()[..] else {
        panic!("one rule is wanted")
    };
    assert_eq!(rule["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(scheduler::STEP.as_secs(), 60);
    assert_eq!(text(&rule["Targets"][0]["Arn"]), "${SchedulerFunction.Arn}");
    assert_eq!(rule["Targets"][0]["RetryPolicy"]["MaximumRetryAttempts"], 0);
    let timeout = template.functions()["scheduler"].1["Timeout"].as_i64().unwrap();
    assert!(timeout < 60, "two ticks would overlap");
}

#[test]
fn functions_behind_the_api_answer_before_it_gives_up() {
    const PATIENCE_OF_THE_API: i64 = 30;
    let template = template();
    for name in ["admin", "sso-exchange", "graph-notifications"] {
        let timeout = template.functions()[name].1["Timeout"].as_i64().unwrap();
        assert!(timeout < PATIENCE_OF_THE_API, "{name}");
    }
    for integration in template.resources("AWS::ApiGatewayV2::Integration").values() {
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
    }
}

#[test]
fn a_panic_unwinds_in_every_build_so_that_it_is_one_messages_affair() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let profiles = |line: &str| workspace.lines().filter(|other| *other == line).count();
    assert_eq!(
        profiles("panic = \"unwind\""),
        2,
        "dev and release; the others inherit"
    );
    assert_eq!(profiles("panic = \"abort\""), 0);
}
