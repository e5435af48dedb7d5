//! The app registration against the code: the permissions that are registered are those that the connector asks about.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use shared::domain::permissions::{OPTIONAL, application, delegated};
use shared::domain::settings::{ConnectionSettings, ContactAccess};

use crate::repository::{root, text};

const BASE: &str = "https://connector.example.com";

/// One line of the list: part, kind, name and id of a permission.
fn rows() -> Vec<[String; 4]> {
    let list = text("infra/entra/permissions.csv");
    let mut lines = list.lines();
    assert_eq!(lines.next(), Some("part,kind,name,id"));
    lines
        .map(|line| {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            cells.try_into().unwrap()
        })
        .collect()
}

fn names(kind: &str, parts: &[&str]) -> BTreeSet<String> {
    rows()
        .into_iter()
        .filter(|[part, of, ..]| of == kind && parts.contains(&part.as_str()))
        .map(|[_, _, name, _]| name)
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the settings of these parts make the connector ask for.
fn settings_of(parts: &[&str]) -> ConnectionSettings {
    let mut settings = ConnectionSettings::default();
    settings.presence.enabled = parts.contains(&"presence");
    settings.contacts.enabled = parts.contains(&"contacts") || parts.contains(&"authorised-account");
    if parts.contains(&"authorised-account") {
        settings.contacts.access = ContactAccess::AuthorisedAccount;
    }
    settings
}

const CHOICES: [&[&str]; 6] = [
    &[],
    &["contacts"],
    &["authorised-account"],
    &["presence"],
    &["contacts", "presence"],
    &["authorised-account", "presence"],
];

// spec: 25, 26, 27, 28, 29, 30, 31, 40
#[test]
fn each_part_registers_exactly_the_permissions_that_the_connector_asks_about() {
    for parts in CHOICES {
        let settings = settings_of(parts);
        let with_always = [parts, &["always"]].concat();
        assert_eq!(
            names("Role", &with_always),
            set(&application(&settings)),
            "{parts:?}"
        );
        // Who somebody is, always; the rest for contacts that were shared.
        let mut wanted = set(&delegated(&settings));
        wanted.extend(set(&["openid", "profile"]));
        assert_eq!(names("Scope", &with_always), wanted, "{parts:?}");
    }
    let optional = names("Role", &["shared-mailboxes", "secret-expiry"]);
    assert_eq!(optional, set(&OPTIONAL));
}

#[test]
fn no_permission_is_listed_twice_and_none_may_write() {
    let rows = rows();
    let ids: BTreeSet<&String> = rows.iter().map(|[.., id]| id).collect();
    assert_eq!(ids.len(), rows.len());
    for [_, kind, name, id] in &rows {
        assert!(kind == "Role" || kind == "Scope", "{kind}");
        assert!(!name.contains("Write"), "{name}");
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{name} has no id");
    }
}

fn register(arguments: &[&str], path: Option<&Path>) -> Output {
    let mut command = Command::new("bash");
    command
        .arg(root().join("infra/entra/register.sh"))
        .args(arguments);
    if let Some(folder) = path {
        let rest = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{rest}", folder.display()));
    }
    command.output().unwrap()
}

// spec: 19, 20, 21, 22, 24
#[test]
fn the_script_prints_a_single_tenant_app_with_our_redirect_addresses_and_permissions() {
    for parts in CHOICES {
        let list = parts.join(",");
        let output = register(&["--base-url", BASE, "--parts", &list, "--print"], None);
        assert!(output.status.success(), "{output:?}");
        let app: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(app["signInAudience"], "AzureADMyOrg");
        let uris = serde_json::json!([
            format!("{BASE}/connect/callback"),
            format!("{BASE}/sso/callback"),
            format!("{BASE}/console/callback")
        ]);
        assert_eq!(app["web"]["redirectUris"], uris);
        let access = &app["requiredResourceAccess"][0];
        assert_eq!(access["resourceAppId"], "00000003-0000-0000-c000-000000000000");
        let registered: BTreeSet<(String, String)> = access["resourceAccess"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["id"].as_str().unwrap().to_owned(),
                    entry["type"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let wanted: BTreeSet<(String, String)> = rows()
            .into_iter()
            .filter(|[part, ..]| part == "always" || parts.contains(&part.as_str()))
            .map(|[_, kind, _, id]| (id, kind))
            .collect();
        assert_eq!(registered, wanted, "{parts:?}");
    }
}

#[test]
fn the_script_refuses_what_it_does_not_understand() {
    let both = "contacts,authorised-account";
    for (arguments, word) in [
        (vec!["--parts", "presence"], "--base-url"),
        (vec!["--base-url", "http://connector.example.com"], "--base-url"),
        (
            vec!["--base-url", "https://connector.example.com/path"],
            "--base-url",
        ),
        (vec!["--base-url", BASE, "--parts", "everything"], "everything"),
        (vec!["--base-url", BASE, "--parts", both], "not both"),
        (vec!["--base-url", BASE, "--months", "x"], "--months"),
        (vec!["--base-url", BASE, "--name", "it's"], "--name"),
        (vec!["--base-url"], "needs a value"),
        (vec!["--force"], "--force"),
    ] {
        let output = register(&arguments, None);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains(word), "{words}");
    }
}

/// An `az` that writes down what it is asked and knows no app.
const AZURE: &str = r#"#!/usr/bin/env bash
printf '%s\n' "$*" >>"$(dirname "$0")/asked"
case "$*" in
    "account show"*) echo 11111111-2222-4333-8444-555555555555 ;;
    "ad app list"*) cat "$(dirname "$0")/same-name" 2>/dev/null || true ;;
    "ad app show"*) printf '%s\n' https://other.example.com/back https://connector.example.com/sso/callback ;;
    "ad app create"*) echo 99999999-8888-4777-8666-555555555555 ;;
    "ad sp show"*) exit 3 ;;
    "ad app credential reset"*) echo the-secret ;;
esac
"#;

fn azure() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("az");
    fs::write(&program, AZURE).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn asked(folder: &tempfile::TempDir) -> String {
    fs::read_to_string(folder.path().join("asked")).unwrap_or_default()
}

// spec: 21, 22, 23, 25, 33, 34, 35
#[test]
fn the_script_registers_consents_and_shows_ids_and_secret() {
    let azure = azure();
    let output = register(&["--base-url", BASE, "--consent"], Some(azure.path()));
    assert!(output.status.success(), "{output:?}");
    let asked = asked(&azure);
    let create = asked
        .lines()
        .find(|line| line.starts_with("ad app create"))
        .unwrap();
    for part in [
        "--sign-in-audience AzureADMyOrg",
        "--web-redirect-uris https://connector.example.com/connect/callback",
        "df021288-bdef-4463-88db-98f22de89214",
        "--enable-id-token-issuance false",
    ] {
        assert!(create.contains(part), "{create}");
    }
    assert!(asked.contains("ad sp create --id 99999999-8888-4777-8666-555555555555"));
    assert!(asked.contains("ad app permission admin-consent"));
    assert!(asked.contains("ad app credential reset --id 99999999-8888-4777-8666-555555555555 --append"));
    let words = String::from_utf8(output.stdout).unwrap();
    for part in [
        "11111111-2222",
        "99999999-8888",
        "the-secret",
        "User.Read.All (application)",
    ] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn a_certificate_takes_the_place_of_the_secret_and_its_key_stays_at_home() {
    let azure = azure();
    let file = azure.path().join("app.pem");
    let certificate = file.to_str().unwrap();
    fs::write(
        &file,
        "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let arguments = ["--base-url", BASE, "--certificate", certificate];
    let output = register(&arguments, Some(azure.path()));
    assert!(output.status.success(), "{output:?}");
    assert!(asked(&azure).contains(&format!("--append --cert @{certificate}")));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("the-secret"));
    fs::write(
        &file,
        "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
    )
    .unwrap();
    assert_eq!(register(&arguments, Some(azure.path())).status.code(), Some(64));
    fs::write(&file, "nothing").unwrap();
    assert_eq!(register(&arguments, Some(azure.path())).status.code(), Some(64));
}

#[test]
fn the_script_changes_an_app_only_when_it_is_named() {
    let azure = azure();
    fs::write(
        azure.path().join("same-name"),
        "77777777-8888-4777-8666-555555555555\n",
    )
    .unwrap();
    let refused = register(&["--base-url", BASE], Some(azure.path()));
    assert_eq!(refused.status.code(), Some(64));
    assert!(!asked(&azure).contains("ad app create"));
    let app = "77777777-8888-4777-8666-555555555555";
    let changed = register(&["--base-url", BASE, "--app", app], Some(azure.path()));
    assert!(changed.status.success(), "{changed:?}");
    let asked = asked(&azure);
    assert!(asked.contains(&format!(
        "ad app update --id {app} --sign-in-audience AzureADMyOrg"
    )));
    assert!(!asked.contains("credential reset") && !asked.contains("admin-consent"));
}

#[test]
fn of_an_app_that_is_changed_addresses_stay_and_so_do_permissions_unless_parts_are_named() {
    let app = "77777777-8888-4777-8666-555555555555";
    for (parts, permissions) in [(&[][..], false), (&["--parts", "contacts,presence"][..], true)] {
        let azure = azure();
        let arguments = [&["--base-url", BASE, "--app", app][..], parts].concat();
        let changed = register(&arguments, Some(azure.path()));
        assert!(changed.status.success(), "{changed:?}");
        let asked = asked(&azure);
        let update = asked
            .lines()
            .find(|line| line.starts_with("ad app update"))
            .unwrap();
        assert!(update.contains("https://other.example.com/back"), "{update}");
        assert_eq!(update.matches("/sso/callback").count(), 1, "{update}");
        assert_eq!(
            update.contains("--required-resource-accesses"),
            permissions,
            "{update}"
        );
    }
}

#[test]
fn the_template_takes_its_permissions_and_addresses_from_the_same_places() {
    let template = text("infra/entra/main.tf");
    assert!(template.contains("${path.module}/permissions.csv"));
    assert!(template.contains("sign_in_audience = \"AzureADMyOrg\""));
    for path in ["/connect/callback", "/sso/callback", "/console/callback"] {
        assert!(template.contains(&format!("${{var.base_url}}{path}")), "{path}");
    }
}
