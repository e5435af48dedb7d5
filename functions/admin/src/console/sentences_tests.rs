//! Every sentence that a page may show and that is written in the sources has its form among the texts, and so its words in
//! the other language: literals are read out of the sources, their places filled, and looked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use shared::domain::operation_record::Reason;
use web::{Language, Words};

/// Where sentences are written that reach a page.
const SOURCES: &[&str] = &[
    "shared/src/alerts/attend.rs",
    "shared/src/alerts/deliver.rs",
    "shared/src/alerts/webhook.rs",
    "shared/src/domain/alert_settings.rs",
    "shared/src/app_certificate.rs",
    "shared/src/changes/terms.rs",
    "shared/src/domain/console_access.rs",
    "shared/src/domain/contact_mapping.rs",
    "shared/src/domain/graph_properties.rs",
    "shared/src/domain/ids.rs",
    "shared/src/domain/mailbox.rs",
    "shared/src/domain/mapping.rs",
    "shared/src/domain/number.rs",
    "shared/src/domain/secret_warning.rs",
    "shared/src/domain/settings_check.rs",
    "shared/src/domain/settings_check/presence.rs",
    "shared/src/graph/account.rs",
    "shared/src/graph/sign_in.rs",
    "shared/src/pbx/address.rs",
    "shared/src/pbx/departments.rs",
    "shared/src/pbx/error.rs",
    "shared/src/pbx/sign_in.rs",
    "shared/src/plan/check.rs",
    "shared/src/plan/claim.rs",
    "shared/src/plan/compare.rs",
    "shared/src/plan/contacts/books.rs",
    "shared/src/plan/contacts/cards.rs",
    "shared/src/plan/contacts/check.rs",
    "shared/src/plan/contacts/mod.rs",
    "shared/src/plan/contacts/settle.rs",
    "shared/src/plan/draft.rs",
    "shared/src/plan/groups/check.rs",
    "shared/src/plan/groups/claim.rs",
    "shared/src/plan/groups/draft.rs",
    "shared/src/plan/groups/names.rs",
    "shared/src/plan/guard.rs",
    "shared/src/plan/numbers.rs",
    "shared/src/plan/order.rs",
    "shared/src/ports.rs",
    "shared/src/ports/contacts.rs",
    "shared/src/presence_poll/failure.rs",
    "shared/src/sync_run/collect_error.rs",
    "shared/src/sync_run/conduct.rs",
    "shared/src/sync_run/consent.rs",
    "shared/src/sync_run/contacts/collect.rs",
    "shared/src/sync_run/contacts/effect.rs",
    "shared/src/sync_run/contacts/scope.rs",
    "shared/src/sync_run/effect.rs",
    "shared/src/sync_run/explain.rs",
    "shared/src/sync_run/failure.rs",
    "shared/src/sync_run/groups/collect.rs",
    "shared/src/sync_run/groups/effect.rs",
    "shared/src/sync_run/hold.rs",
    "shared/src/sync_run/lifecycle.rs",
    "functions/admin/src/api",
    "functions/admin/src/probe.rs",
    "functions/admin/src/read_only.rs",
    "functions/admin/src/settings_document.rs",
];

/// Places that always hold the same words.
const FIXED: [(&str, &str); 2] = [
    ("again", "sign in with Microsoft to connect once more"),
    (
        "mend",
        "make another one in the app registration and hand it over",
    ),
];

/// What stands right before a text that no page shows: a proof, a cause for the log, a part of something else, or an answer
/// of a call that no page makes.
const NOT_SHOWN: &[&str] = &[
    "expect(",
    "reason = ",
    "doing = ",
    "doing: ",
    "DOING: &str = ",
    "let again = ",
    "let name = format!(",
    "let with_code = format!(",
    "description = ",
    "not_found(",
    "Foreign(",
    "Foreign(format!(",
    "query.wrong(\"\", ",
];

/// Texts that are no sentences of ours: keys, parts of one, words for the log, headers, hints for programs.
const PARTS: &[&str] = &[
    "{left_out}; {coming} of them get one first",
    "{:?} {:?} {} {target}",
    "{:?} {:?} {} ",
    "{} {} ({field})",
    "status {}, {}{code}",
    "-----BEGIN {what}-----\\n{text}\\n-----END {what}-----\\n",
    "the queue did not take the message",
    "holds no number that may be given: 1 to 8 digits, not reserved",
    "there is no If-Match header",
    "the settings have another version",
    "some values do not pass",
    "a side could not be asked",
    "read the settings and send their ETag as If-Match",
    "text/csv; charset=utf-8; header=present",
    "the PBX is in connection {0}",
    "is not a cursor that this list gave out, or is too old: start again without it",
    "a row could not be written",
    "a value could not be written",
    "the rows could not be put together",
    "no removals of this run wait for a verdict",
    "this run is over",
    "{because}; look at the held removals again before you approve them",
    "the connection is switched off: enable it, then look at the held removals again",
    "another run waits: approve again when it has ended",
];

fn sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        if path.is_dir() {
            let files = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            texts.extend(files.map(|file| fs::read_to_string(file).unwrap()));
        } else {
            texts.push(fs::read_to_string(&path).unwrap_or_else(|_| panic!("{source} is gone")));
        }
    }
    texts
}

/// Texts in quotes with the code before each; comments, tests and macros of the log left out.
fn literals(source: &str) -> Vec<(String, String)> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    let (mut before, mut rest) = (String::new(), code);
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(after) = rest.strip_prefix("'\"'") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            let end = end_of_literal(after);
            found.push((joined(&after[..end]), before.clone()));
            before.push_str("\"\"");
            rest = &after[end + 1..];
        } else {
            before.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn end_of_literal(text: &str) -> usize {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return place,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A text that goes over several lines of the source is one line.
fn joined(literal: &str) -> String {
    let mut parts = literal.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start())
}

fn is_sentence(text: &str) -> bool {
    text.matches(' ').count() >= 2
}

fn is_shown(before: &str) -> bool {
    let before = before.trim_end();
    let statement = before.rfind([';', '}']).map_or(before, |place| &before[place..]);
    !statement.contains("tracing::") && !NOT_SHOWN.iter().any(|mark| before.ends_with(mark.trim_end()))
}

/// A sentence with something in each of its places.
fn filled(text: &str) -> String {
    let mut parts = text.split('{');
    let mut sentence = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (place, rest) = part.split_once('}').unwrap_or((part, ""));
        let name = place.split(':').next().unwrap_or_default();
        let fixed = FIXED.iter().find(|(known, _)| *known == name);
        sentence.push_str(fixed.map_or("7", |(_, words)| words));
        sentence.push_str(rest);
    }
    sentence
}

#[test]
fn every_sentence_of_the_sources_has_its_words_in_both_languages() {
    let mut seen = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for source in sources() {
        for (text, before) in literals(&source) {
            if !is_sentence(&text) || !is_shown(&before) || PARTS.contains(&text.as_str()) {
                continue;
            }
            match Words::key_of(&filled(&text)) {
                Some(key) => drop(seen.insert(key)),
                None => drop(missing.insert(text)),
            }
        }
    }
    assert!(missing.is_empty(), "no words for {missing:#?}");
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn the_reading_of_sources_sees_what_is_shown_and_nothing_else() {
    let source = "fn a() { // \"a comment of words\"\n x(\"must be one of them\"); tracing::warn!(a = 1, \"for the log alone\"); \
                  y('\"', \"in two \\\n      lines it is\"); z.expect(\"a proof of words\") }\n#[cfg(test)]\nmod t { \"in a test alone\" }";
    let shown: Vec<String> = literals(source)
        .into_iter()
        .filter(|(text, before)| is_sentence(text) && is_shown(before))
        .map(|(text, _)| text)
        .collect();
    assert_eq!(shown, ["must be one of them", "in two lines it is"]);
    assert_eq!(
        filled("{name} says {again}"),
        "7 says sign in with Microsoft to connect once more"
    );
}

/// The English of a record is its code's sentence; where a part has words of its own, the code's fit it in Chinese.
#[test]
fn every_reason_is_said_by_its_code() {
    let wrong = serde_json::from_str::<Reason>("\"?\"").unwrap_err().to_string();
    let codes: Vec<&str> = wrong.split('`').skip(3).step_by(2).collect();
    assert!(codes.len() > 30, "{wrong}");
    for code in codes {
        let key = format!("reason-{}", code.replace('_', "-"));
        for language in [Language::English, Language::Chinese] {
            assert!(Words(language).maybe(&key).is_some(), "{key}");
        }
    }
}
