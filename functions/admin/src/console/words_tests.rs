//! Every key that a page asks for has its sentence: those written out in templates and sources, those of fields, and those
//! made of a code of the API.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::IntoDeserializer as _;
use shared::domain::alert::AlertChannel;
use shared::domain::operation_record::{ObjectKind, OperationKind, OutcomeKind, Reason};
use shared::domain::part::Part;
use shared::domain::presence::{ChosenBy, TeamsStatus};
use shared::domain::role::Role;
use shared::domain::settings::{ExtensionPresence, GroupTarget, GroupType};
use shared::domain::subscription::SubscriptionKind;
use shared::domain::sync_run::{RunState, SyncPart, Trigger};
use web::{Language, Words};

use super::frame::code;
use crate::problem::{Kind, Problem};
use crate::view::presence::PresenceState;

fn texts(folder: &str, endings: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|ending| endings.iter().any(|one| ending == *one))
        {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

/// What stands in quotes right after each of `before`.
fn quoted_after<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

fn is_key(text: &&str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Fields that a template asks a form for.
const FIELDS: &[&str] = &[
    "status(\"/",
    "select(\"/",
    "group_mappings(\"/",
    "text(\"/",
    "required(\"/",
    "secret(\"/",
    "optional_secret(\"/",
    "time(\"/",
    "date(\"/",
    "number(\"/",
    "lines(\"/",
    "lines_of(\"/",
    "groups(\"/",
    "tick(\"/",
    "radios(\"/",
    "ticks(\"/",
];

fn of_fields(templates: &str) -> BTreeSet<String> {
    let id = |pointer: &str| pointer.trim_start_matches('/').replace(['/', '_'], "-");
    let mut keys = BTreeSet::new();
    for call in templates
        .split("f.")
        .filter(|call| FIELDS.iter().any(|field| call.starts_with(field)))
    {
        let mut parts = call.split('"');
        let kind = parts.next().unwrap();
        let id = id(parts.next().unwrap());
        keys.insert(format!("f-{id}"));
        if kind.starts_with("radios") || kind.starts_with("ticks") {
            let words = parts.nth(1).unwrap().split(' ');
            keys.extend(words.map(|word| format!("f-{id}-{}", word.replace('_', "-"))));
        } else if kind.starts_with("select") {
            let (said_as, words) = (parts.nth(1).unwrap(), parts.nth(1).unwrap());
            keys.extend(words.split(' ').map(|word| format!("{said_as}-{word}")));
        }
    }
    keys
}

/// The codes of an enum, as its own refusal of a wrong one lists them.
fn codes<T: for<'de> serde::Deserialize<'de>>(prefix: &str) -> Vec<String> {
    let wrong: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = "?".into_deserializer();
    let Err(refusal) = T::deserialize(wrong) else {
        return Vec::new();
    };
    let text = refusal.to_string();
    let (_, expected) = text.split_once("expected").unwrap();
    let codes = expected.split('`').skip(1).step_by(2);
    codes
        .map(|code| format!("{prefix}-{}", code.replace('_', "-")))
        .collect()
}

fn named(prefix: &str, values: &[impl Serialize]) -> Vec<String> {
    values
        .iter()
        .map(|value| format!("{prefix}-{}", code(value)))
        .collect()
}

#[test]
fn every_key_that_a_page_asks_for_has_its_sentence() {
    let templates = texts("templates", &["html"]);
    let sources = texts("src/console", &["rs"]);
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for before in ["t(\"", "text(\"", "with(\"", "number(\""] {
        keys.extend(quoted_after(&templates, before).filter(is_key).map(str::to_owned));
    }
    for before in [
        "ords.text(\"",
        "(language).text(\"",
        "frame.t(\"",
        "=> \"verdict-",
        "=> \"not-",
    ] {
        let whole = before.rsplit('"').next().unwrap_or_default();
        let found = quoted_after(&sources, before).map(|rest| format!("{whole}{rest}"));
        keys.extend(found.filter(|key| is_key(&key.as_str())));
    }
    keys.extend(of_fields(&templates));
    for found in [
        codes::<RunState>("state"),
        codes::<Trigger>("trigger"),
        codes::<OperationKind>("kind"),
        codes::<ObjectKind>("object"),
        codes::<OutcomeKind>("outcome"),
        codes::<Reason>("reason"),
        codes::<AlertChannel>("channel"),
        codes::<Role>("role"),
        codes::<ChosenBy>("chosen-by"),
        codes::<TeamsStatus>("teams"),
        codes::<GroupTarget>("f-groups-target"),
        codes::<GroupType>("f-groups-scope-types"),
        named("status", &ExtensionPresence::ALL),
        named(
            "presence",
            &[
                PresenceState::Off,
                PresenceState::Waiting,
                PresenceState::On,
                PresenceState::Closed,
                PresenceState::Blocked,
                PresenceState::Failing,
            ],
        ),
        named("part", &[SyncPart::Users, SyncPart::Groups, SyncPart::Contacts]),
        Kind::ALL.map(|kind| Problem::new(kind, "").words_key()).to_vec(),
        named("part", &Part::ALL),
        named("subscription", &SubscriptionKind::ALL),
    ] {
        assert!(found.len() > 1, "{found:?}");
        keys.extend(found);
    }
    assert!(keys.len() > 300, "{}", keys.len());
    let words = Words(Language::English);
    let missing: Vec<&String> = keys.iter().filter(|key| words.maybe(key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
