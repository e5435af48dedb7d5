//! Who may do what: each function what its code calls, named one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;

use crate::document::{root, template, text, texts};

/// One thing a role may do: action and resource.
struct Grant {
    action: String,
    resources: Vec<String>,
    condition: Value,
}

/// Grants of each function's role, by folder.
fn grants() -> BTreeMap<String, Vec<Grant>> {
    let template = template();
    let roles = template.resources("AWS::IAM::Role");
    template
        .functions()
        .into_iter()
        .map(|(folder, (_, function))| {
            let role = text(&function["Role"]);
            let id = role.strip_prefix("${").unwrap().strip_suffix(".Arn}").unwrap();
            (folder, of_role(&roles[id]))
        })
        .collect()
}

fn of_role(role: &Value) -> Vec<Grant> {
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"];
    assert_eq!(trusted, "lambda.amazonaws.com");
    // What makes network interfaces where there is a network, and writes traces where they are recorded; elsewhere nothing.
    let managed = texts(&role["ManagedPolicyArns"]);
    assert!(managed.iter().all(|one| one == "${AWS::NoValue}"), "{managed:?}");
    let policies = role["Policies"].as_sequence().unwrap().iter();
    let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().unwrap());
    let mut grants = Vec::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            grants.push(Grant {
                action,
                resources: texts(&statement["Resource"]),
                condition: statement["Condition"].clone(),
            });
        }
    }
    grants
}

fn actions(grants: &[Grant], service: &str) -> BTreeSet<String> {
    let of_service = |action: &String| action.starts_with(&format!("{service}:"));
    grants
        .iter()
        .map(|grant| grant.action.clone())
        .filter(of_service)
        .collect()
}

// case: 64
#[test]
fn every_role_names_its_actions_and_its_resources() {
    let grants = grants();
    assert!(!grants.is_empty());
    for (function, grants) in grants {
        for grant in grants {
            assert!(!grant.action.contains('*'), "{function}: {}", grant.action);
            for resource in grant.resources {
                let of_this_stack = resource.starts_with("${") && !resource.starts_with("${AWS::");
                let indexes = resource == "${Table.Arn}/index/*";
                assert!(
                    of_this_stack && (indexes || !resource.contains('*')),
                    "{function}: {resource}"
                );
            }
        }
    }
}

/// Calls of the SDK in the store, as the actions that allow them. A transaction is allowed by the actions of its items.
fn actions_of_the_store() -> BTreeSet<String> {
    let calls = [
        ("get_item()", "GetItem"),
        ("put_item()", "PutItem"),
        ("update_item()", "UpdateItem"),
        ("delete_item()", "DeleteItem"),
        ("query()", "Query"),
        ("scan()", "Scan"),
        ("batch_get_item()", "BatchGetItem"),
        ("batch_write_item()", "BatchWriteItem"),
        ("ConditionCheck::builder()", "ConditionCheckItem"),
    ];
    let mut actions = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("shared/src/store")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let called = calls.iter().filter(|(call, _)| source.contains(call));
        actions.extend(called.map(|(_, action)| format!("dynamodb:{action}")));
    }
    actions
}

// case: 64
#[test]
fn roles_may_call_what_the_store_calls_and_nothing_else_of_the_table() {
    let wanted = actions_of_the_store();
    let mut granted = BTreeSet::new();
    for (function, grants) in grants() {
        let of_table = actions(&grants, "dynamodb");
        assert!(of_table.is_subset(&wanted), "{function} may {of_table:?}");
        granted.extend(of_table);
    }
    assert_eq!(granted, wanted);
}

// case: 64
#[test]
fn hints_are_sent_by_who_has_the_queue_and_taken_by_its_function_alone() {
    let template = template();
    for (function, grants) in grants() {
        let (_, properties) = &template.functions()[&function];
        let environment = template.environment(properties);
        for (variable, queue) in [
            ("SYNC_QUEUE_URL", "${SyncQueue.Arn}"),
            ("PRESENCE_QUEUE_URL", "${PresenceQueue.Arn}"),
        ] {
            let may = |action: &str| {
                grants.iter().any(|grant| {
                    grant.action == action && grant.resources.iter().any(|resource| resource == queue)
                })
            };
            assert_eq!(
                may("sqs:SendMessage"),
                environment.contains_key(variable),
                "{function}: {queue}"
            );
            let takes = matches!(
                (function.as_str(), variable),
                ("full-sync", "SYNC_QUEUE_URL") | ("presence-poll", "PRESENCE_QUEUE_URL")
            );
            for action in [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ] {
                assert_eq!(may(action), takes, "{function}: {action} on {queue}");
            }
        }
        assert!(actions(&grants, "sqs").len() <= 4);
    }
}

// case: 64
#[test]
fn alerts_are_published_by_who_has_the_topic_and_on_no_other() {
    let template = template();
    for (function, grants) in grants() {
        let environment = template.environment(&template.functions()[&function].1);
        let publishes = grants.iter().filter(|grant| grant.action == "sns:Publish");
        let topics: Vec<String> = publishes.flat_map(|grant| grant.resources.clone()).collect();
        let wanted: &[&str] = if environment.contains_key("ALERT_TOPIC_ARN") {
            &["${AlertTopic}"]
        } else {
            &[]
        };
        assert_eq!(topics, wanted, "{function}");
        assert!(actions(&grants, "sns").len() <= 1, "{function}");
    }
}

// case: 64
#[test]
fn secrets_open_only_with_their_connection_named_and_those_of_connections_not_for_notifications() {
    for (function, grants) in grants() {
        assert_eq!(
            actions(&grants, "kms"),
            BTreeSet::from(["kms:Decrypt".to_owned(), "kms:Encrypt".to_owned()]),
            "{function}"
        );
        for grant in grants.iter().filter(|grant| grant.action.starts_with("kms:")) {
            assert_eq!(grant.resources, ["${SecretsKey.Arn}"]);
            if function == "graph-notifications" {
                let context = &grant.condition["StringEquals"]["kms:EncryptionContext:connection_id"];
                // The id that no connection has: what is sealed under it is the whole installation's.
                assert_eq!(text(context), uuid::Uuid::nil().to_string());
            } else {
                let context = &grant.condition["Null"]["kms:EncryptionContext:connection_id"];
                assert_eq!(context.as_bool(), Some(false), "{function}");
            }
        }
    }
}

#[test]
fn each_function_writes_to_its_own_log_alone() {
    let template = template();
    for (function, grants) in grants() {
        let log = text(&template.functions()[&function].1["LoggingConfig"]["LogGroup"]);
        let own = log.replace('}', ".Arn}");
        for grant in grants.iter().filter(|grant| grant.action.starts_with("logs:")) {
            assert_eq!(grant.resources, std::slice::from_ref(&own), "{function}");
        }
    }
}
