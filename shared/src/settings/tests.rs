//! What the environment may hold, and how a wrong one is told.

use std::os::unix::ffi::OsStringExt;

use super::*;

fn vars(all: &[(&str, &str)]) -> Vars {
    all.iter().copied().collect()
}

fn lambda() -> Vec<(&'static str, &'static str)> {
    vec![
        ("SECRETS_KEY", "kms:alias/connector"),
        ("SYNC_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/1/sync"),
        ("PUBLIC_BASE_URL", "https://connector.example.com/"),
    ]
}

fn names(error: &SettingsError) -> Vec<&'static str> {
    error.problems.iter().map(|problem| problem.name).collect()
}

#[test]
fn lambda_roles_have_the_defaults_of_the_contract() {
    let admin = AdminSettings::read(&vars(&lambda())).unwrap();
    assert_eq!(admin.engine.table.as_str(), "connector");
    assert_eq!(
        admin.engine.secrets_key,
        SecretsKey::Kms("alias/connector".to_owned())
    );
    assert_eq!(
        admin.engine.microsoft.graph.as_str(),
        "https://graph.microsoft.com/v1.0"
    );
    assert_eq!(
        admin.engine.microsoft.login.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert_eq!(admin.public_base_url.as_str(), "https://connector.example.com");
    assert_eq!(admin.engine.policy, AddressPolicy::Public);
    assert_eq!(admin.log.format, LogFormat::Json);
    assert!(admin.bootstrap.is_none());
    assert!(SchedulerSettings::read(&vars(&lambda())).is_ok());
    assert!(FullSyncSettings::read(&vars(&[("SECRETS_KEY", "file:/run/key")])).is_ok());
    assert!(PresencePollSettings::read(&vars(&[("SECRETS_KEY", "file:/run/key")])).is_ok());
}

#[test]
fn serve_and_demo_start_with_nothing_set() {
    let serve = LocalSettings::read(&vars(&[]), LocalMode::Serve).unwrap();
    assert_eq!(serve.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(serve.data_dir, Some("./data".into()));
    assert_eq!(serve.policy, AddressPolicy::Private);
    assert_eq!(serve.log.format, LogFormat::Text);
    let demo = LocalSettings::read(&vars(&[]), LocalMode::Demo).unwrap();
    assert_eq!(
        (demo.data_dir, demo.policy, demo.log.filter.as_str()),
        (None, AddressPolicy::Loopback, "warn")
    );
}

#[test]
fn every_problem_is_told_at_once_and_no_value_is_repeated() {
    let wrong = vars(&[
        ("TABLE_NAME", "x!canary"),
        ("SECRETS_KEY", "canary"),
        ("SYNC_QUEUE_URL", "canary"),
        ("GRAPH_BASE_URL", "http://canary.example.com"),
        ("LOGIN_BASE_URL", "https://user:canary@example.com"),
        ("PBX_ADDRESS_POLICY", "canary"),
        ("PUBLIC_BASE_URL", "https://example.com/canary"),
        ("BOOTSTRAP_TOKEN_SHA256", "canary"),
        ("LOG_FORMAT", "canary"),
        ("RUST_LOG", "canary=canary=canary"),
    ]);
    let error = AdminSettings::read(&wrong).unwrap_err();
    assert_eq!(
        names(&error),
        [
            "TABLE_NAME",
            "SECRETS_KEY",
            "SYNC_QUEUE_URL",
            "GRAPH_BASE_URL",
            "LOGIN_BASE_URL",
            "PBX_ADDRESS_POLICY",
            "PUBLIC_BASE_URL",
            "BOOTSTRAP_TOKEN_SHA256",
            "LOG_FORMAT",
            "RUST_LOG"
        ]
    );
    assert!(!format!("{error} {error:?} {wrong:?}").contains("canary"));
}

#[test]
fn what_is_missing_is_named_with_what_to_set() {
    let error = AdminSettings::read(&vars(&[("SECRETS_KEY", "")])).unwrap_err();
    assert_eq!(
        names(&error),
        ["SECRETS_KEY", "SYNC_QUEUE_URL", "PUBLIC_BASE_URL"]
    );
    assert!(
        error
            .to_string()
            .contains("\n  SECRETS_KEY: is not set; set it to kms:<key id or ARN> or file:<path>")
    );
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let graph =
        |text: &'static str| LocalSettings::read(&vars(&[("GRAPH_BASE_URL", text)]), LocalMode::Serve);
    for good in [
        "http://127.0.0.1:9/v1.0",
        "http://[::1]:9/v1.0/",
        "http://localhost/v1.0",
        "https://graph.microsoft.us/v1.0",
    ] {
        assert!(graph(good).is_ok(), "{good}");
    }
    for bad in [
        "http://10.0.0.1/v1.0",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://h/?q",
        "https://h/#f",
        "graph",
    ] {
        assert!(graph(bad).is_err(), "{bad}");
    }
    assert_eq!(
        graph("http://[::1]:9/v1.0/").unwrap().microsoft.graph.as_str(),
        "http://[::1]:9/v1.0"
    );
}

#[test]
fn a_public_address_is_an_origin() {
    let origin = |text: &'static str| {
        LocalSettings::read(&vars(&[("PUBLIC_BASE_URL", text)]), LocalMode::Serve)
            .map(|settings| settings.public_base_url.unwrap().to_string())
    };
    assert_eq!(
        origin("https://c.example.com:8443/").unwrap(),
        "https://c.example.com:8443"
    );
    assert_eq!(origin("http://127.0.0.1:9").unwrap(), "http://127.0.0.1:9");
    for bad in [
        "http://c.example.com",
        "https://c.example.com/console",
        "https://a@c.example.com",
    ] {
        assert!(origin(bad).is_err(), "{bad}");
    }
    let listener = |text: &str| WebOrigin::of_listener(text.parse().unwrap()).to_string();
    assert_eq!(listener("127.0.0.1:8080"), "http://127.0.0.1:8080");
    assert_eq!(listener("0.0.0.0:80"), "http://127.0.0.1:80");
    assert_eq!(listener("[::]:81"), "http://[::1]:81");
}

#[test]
fn a_token_hash_is_64_hex_digits_in_either_case() {
    let hash = "AB".repeat(32);
    let read = |hash: &str| {
        LocalSettings::read(&vars(&[("BOOTSTRAP_TOKEN_SHA256", hash)]), LocalMode::Serve)
            .map(|settings| settings.bootstrap.unwrap())
    };
    assert_eq!(read(&hash).unwrap().as_hex(), "ab".repeat(32));
    assert_eq!(format!("{:?}", read(&hash).unwrap()), "TokenHash(..)");
    assert!(read(&hash[2..]).is_err());
    assert!(read(&"g".repeat(64)).is_err());
}

#[test]
fn text_that_is_not_utf8_is_a_problem_of_its_variable_alone() {
    let broken = || std::ffi::OsString::from_vec(vec![0xff]);
    let other = Vars::new([("OTHER".into(), broken())]);
    assert!(LocalSettings::read(&other, LocalMode::Serve).is_ok());
    let ours = Vars::new([("TABLE_NAME".into(), broken())]);
    let error = LocalSettings::read(&ours, LocalMode::Serve).unwrap_err();
    assert_eq!(names(&error), ["TABLE_NAME"]);
}

/// The table of settings is complete: what the readers ask for is in it, and nothing else but what the AWS SDK reads.
#[test]
fn the_table_names_every_variable_that_is_read() {
    let sources = [include_str!("roles.rs"), include_str!("values.rs")].concat();
    for variable in VARIABLES {
        let read_by_sdk = variable.name.starts_with("AWS_ENDPOINT_URL_");
        assert!(
            read_by_sdk || sources.contains(&format!("\"{}\"", variable.name)),
            "{}",
            variable.name
        );
    }
    let upper = |word: &&str| {
        word.len() > 5
            && word.contains('_')
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
    };
    for name in sources.split('"').filter(upper) {
        assert!(VARIABLES.iter().any(|variable| variable.name == name), "{name}");
    }
}
