//! What functions are given in their environment.

use std::collections::{BTreeMap, BTreeSet};

use shared::settings::{
    AdminSettings, FullSyncSettings, NotificationsSettings, PresencePollSettings, SchedulerSettings,
    SettingsError, SsoSettings, VARIABLES, Vars,
};

use crate::document::template;

/// A value as it is once the stack stands.
fn resolved(value: &str) -> String {
    value
        .replace(
            "${SecretsKey.Arn}",
            "arn:aws:kms:eu-central-1:111122223333:key/7f1c",
        )
        .replace(
            "${SyncQueue}",
            "https://sqs.eu-central-1.amazonaws.com/111122223333/sync",
        )
        .replace(
            "${PresenceQueue}",
            "https://sqs.eu-central-1.amazonaws.com/111122223333/presence",
        )
        .replace("${AlertTopic}", "arn:aws:sns:eu-central-1:111122223333:alerts")
        .replace("${Table}", "connector-Table-1")
        .replace("${HttpApi}", "abc123")
        .replace("${AWS::Region}", "eu-central-1")
        .replace("${AWS::URLSuffix}", "amazonaws.com")
}

fn environments() -> BTreeMap<String, BTreeMap<String, String>> {
    let template = template();
    let value = |value: String| match value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        Some(parameter) if !template.section("Parameters")[parameter].is_null() => {
            template.default(parameter)
        }
        _ => resolved(&value),
    };
    template
        .functions()
        .into_iter()
        .map(|(name, (_, function))| {
            let variables = template.environment(&function);
            (
                name,
                variables
                    .into_iter()
                    .map(|(name, text)| (name, value(text)))
                    .collect(),
            )
        })
        .collect()
}

fn read(function: &str, vars: &Vars) -> Result<(), SettingsError> {
    match function {
        "admin" => AdminSettings::read(vars).map(drop),
        "full-sync" => FullSyncSettings::read(vars).map(drop),
        "graph-notifications" => NotificationsSettings::read(vars).map(drop),
        "presence-poll" => PresencePollSettings::read(vars).map(drop),
        "scheduler" => SchedulerSettings::read(vars).map(drop),
        "sso-exchange" => SsoSettings::read(vars).map(drop),
        other => panic!("nothing reads the settings of {other}"),
    }
}

#[test]
fn every_function_can_read_its_settings() {
    let environments = environments();
    assert!(!environments.is_empty());
    for (function, variables) in environments {
        let vars: Vars = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(read(&function, &vars), Ok(()), "{function}");
    }
}

#[test]
fn a_function_is_given_only_what_it_reads() {
    // Read by every program; the SDK's own stay AWS's.
    let everybody: BTreeSet<&str> = VARIABLES
        .iter()
        .filter(|variable| variable.used_by == "all")
        .map(|variable| variable.name)
        .collect();
    for (function, variables) in environments() {
        for name in variables.keys() {
            let known = VARIABLES.iter().find(|variable| variable.name == name);
            let known = known.unwrap_or_else(|| panic!("nothing reads {name}"));
            let used = known
                .used_by
                .split([',', ';'])
                .any(|user| user.trim() == function || user.trim().starts_with(&format!("{function} ")));
            assert!(
                used || everybody.contains(name.as_str()),
                "{function} does not read {name}"
            );
        }
    }
}

#[test]
fn secrets_are_sealed_by_the_key_of_the_stack() {
    for (function, variables) in environments() {
        assert!(
            variables["SECRETS_KEY"].starts_with("kms:arn:aws:kms:"),
            "{function}"
        );
        assert_eq!(variables["LOG_FORMAT"], "json", "{function}");
    }
}
