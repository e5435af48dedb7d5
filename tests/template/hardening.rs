//! What holds for the whole stack: encrypted, kept, watched, and nothing allowed by a star.

use serde_norway::Value;

use crate::document::{template, text, texts};

// case: 64
#[test]
fn table_queues_and_logs_are_encrypted_kept_and_end() {
    let template = template();
    for table in template.resources("AWS::DynamoDB::Table").values() {
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
        assert_eq!(
            table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
            true
        );
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["DeletionProtectionEnabled"], true);
    }
    let queues = template.resources("AWS::SQS::Queue");
    assert_eq!(queues.len(), 4);
    for (name, queue) in &queues {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
        let dead_letters = queues.contains_key(&name.replace("Queue", "DeadLetters"));
        assert!(dead_letters, "{name} has no dead-letter queue");
        assert_eq!(
            queue["RedrivePolicy"].is_null(),
            name.ends_with("DeadLetters"),
            "{name}"
        );
    }
    for key in template.resources("AWS::KMS::Key").values() {
        assert_eq!(key["EnableKeyRotation"], true);
    }
    let logs = template.resources("AWS::Logs::LogGroup");
    assert_eq!(logs.len(), template.functions().len() + 1);
    for (name, log) in logs {
        assert_eq!(text(&log["RetentionInDays"]), "${LogRetentionDays}", "{name}");
    }
}

// case: 64
#[test]
fn what_holds_secrets_outlives_the_stack() {
    let template = template();
    for name in ["Table", "SecretsKey"] {
        let resource = &template.section("Resources")[name];
        assert_eq!(resource["DeletionPolicy"], "Retain", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
}

/// Every statement of a policy, wherever it stands.
fn statements(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Mapping(mapping) => {
            if mapping.contains_key("Effect") {
                found.push(value.clone());
            }
            mapping.values().for_each(|value| statements(value, found));
        }
        Value::Sequence(many) => many.iter().for_each(|value| statements(value, found)),
        Value::Tagged(tagged) => statements(&tagged.value, found),
        _ => {}
    }
}

// case: 64
#[test]
fn no_statement_allows_every_action_and_every_resource_only_where_aws_takes_no_other() {
    let template = template();
    let mut found = Vec::new();
    statements(template.section("Resources"), &mut found);
    assert!(found.len() > 20);
    for statement in found.iter().filter(|statement| statement["Effect"] == "Allow") {
        let of_the_keys_own_account = statement["Principal"]["AWS"].is_null();
        let actions = texts(&statement["Action"]);
        for action in &actions {
            assert!(!action.contains('*') || !of_the_keys_own_account, "{action}");
        }
        let everywhere = !statement["Resource"].is_null()
            && texts(&statement["Resource"])
                .iter()
                .any(|resource| resource == "*");
        let network = actions.iter().all(|action| action.starts_with("ec2:"));
        let traces = actions.iter().all(|action| action.starts_with("xray:Put"));
        assert!(
            !everywhere || network || traces || !of_the_keys_own_account,
            "{actions:?}"
        );
        if everywhere && network {
            // Lambda needs it before the code runs; the code itself is denied it.
            let denied = found
                .iter()
                .any(|other| other["Effect"] == "Deny" && other["Action"] == statement["Action"]);
            assert!(denied);
        }
    }
}

#[test]
fn every_alarm_tells_somebody_and_says_what_it_means() {
    let template = template();
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let wanted = [
        "ErrorsAlarm",
        "ThrottlesAlarm",
        "SlowNotificationsAlarm",
        "SyncDeadLettersAlarm",
        "PresenceDeadLettersAlarm",
        "WaitingHintsAlarm",
        "NoGoodRunAlarm",
        "SubscriptionEndsAlarm",
        "HeldPlansAlarm",
        "SecretEndsAlarm",
    ];
    for name in wanted {
        let alarm = &alarms[name];
        assert!(
            alarm["AlarmDescription"].as_str().unwrap().ends_with('.'),
            "{name}"
        );
        assert!(!alarm["AlarmActions"].is_null(), "{name} tells nobody");
    }
    assert_eq!(alarms.len(), wanted.len());
}

#[test]
fn the_outputs_have_the_three_redirect_addresses() {
    let template = template();
    let outputs = template.section("Outputs");
    for (name, path) in [
        ("ConnectRedirectUri", "/connect/callback"),
        ("ConsoleRedirectUri", "/console/callback"),
        ("SsoRedirectUri", "/sso/callback"),
    ] {
        assert!(text(&outputs[name]["Value"]).ends_with(path), "{name}");
    }
}

#[test]
fn code_of_no_function_in_a_network_makes_network_interfaces_itself() {
    let template = template();
    let in_network: std::collections::BTreeSet<String> = template
        .functions()
        .into_values()
        .filter(|(_, function)| !function["VpcConfig"].is_null())
        .map(|(_, function)| text(&function["FunctionName"]).replace("${AWS::StackName}", ""))
        .collect();
    assert!(in_network.len() > 1);
    let policy = &template.section("Resources")["EgressPolicy"]["Properties"]["PolicyDocument"];
    let statements = policy["Statement"].as_sequence().unwrap();
    let denied = statements.iter().find(|one| one["Effect"] == "Deny").unwrap();
    let of = texts(&denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]);
    let of = of
        .iter()
        .map(|arn| arn.split("${AWS::StackName}").nth(1).unwrap().to_owned());
    assert_eq!(of.collect::<std::collections::BTreeSet<_>>(), in_network);
}
