//! Every sentence that tells an admin, or somebody who signs in, what is wrong has a row on the page of troubleshooting, in both languages. Which
//! sentences there are is read off the code.

use std::collections::BTreeMap;

use crate::guide::pages;
use crate::markdown::rows;
use crate::reasons;
use crate::repository::text;

/// Where the code keeps sentences of what can go wrong: a file, and what the place begins with and ends before.
const PLACES: [(&str, &str, &str); 33] = [
    ("shared/src/graph/sign_in.rs", "fn known(", "fn other("),
    ("shared/src/graph/account.rs", "const NOBODY", "/// In whose name"),
    (
        "shared/src/ports.rs",
        "pub enum DirectoryError",
        "/// What Graph is asked",
    ),
    (
        "shared/src/ports.rs",
        "pub enum SubscriptionError",
        "/// What is wrong with",
    ),
    (
        "shared/src/ports.rs",
        "pub enum PhoneSystemError",
        "/// How a PBX shut",
    ),
    (
        "shared/src/pbx/error.rs",
        "pub(super) fn shut_out",
        "#[cfg(test)]",
    ),
    (
        "shared/src/pbx/sign_in.rs",
        "fn sign_in_refused",
        "fn refresh_refused",
    ),
    ("shared/src/pbx/address.rs", "", "#[cfg(test)]"),
    (
        "shared/src/pbx/departments.rs",
        "ORGANIZATION_OFF) {",
        "fault.explain",
    ),
    ("shared/src/domain/mailbox.rs", "pub fn sentence", ""),
    (
        "shared/src/domain/secret_warning.rs",
        "pub fn sentence",
        "/// When the next",
    ),
    (
        "shared/src/app_certificate.rs",
        "pub enum CertificateProblem",
        "impl CertificateProblem",
    ),
    ("shared/src/store/error.rs", "pub enum StoreError", "\n}"),
    (
        "shared/src/presence_poll/failure.rs",
        "pub fn firmware",
        "/// How long until",
    ),
    (
        "shared/src/changes/terms.rs",
        "fn nowhere",
        "/// What a connection",
    ),
    (
        "shared/src/sync_run/consent.rs",
        "pub fn sentence",
        "#[cfg(test)]",
    ),
    (
        "shared/src/sync_run/collect_error.rs",
        "pub enum CollectError",
        "impl CollectError",
    ),
    (
        "shared/src/sync_run/failure.rs",
        "pub fn of_stop",
        "/// Somebody must act",
    ),
    ("shared/src/sync_run/conduct.rs", "let Some(secrets)", "let sides"),
    ("shared/src/sync_run/hold.rs", "run.error = Some", ";"),
    (
        "shared/src/sync_run/groups/collect.rs",
        "!capabilities.extension_groups",
        "));",
    ),
    (
        "shared/src/sync_run/contacts/collect.rs",
        "fn needs_firmware",
        "async fn pbx",
    ),
    ("shared/src/sync_run/contacts/scope.rs", "", ""),
    (
        "shared/src/plan/guard.rs",
        "pub fn hold_reason",
        "/// Most removals",
    ),
    ("shared/src/plan/check.rs", "source_is_empty:", ");"),
    ("shared/src/plan/groups/check.rs", "source_is_empty:", "),"),
    ("shared/src/plan/contacts/check.rs", "source_is_empty:", "),"),
    ("functions/admin/src/probe.rs", "fn new_enough", "fn pbx_problem"),
    (
        "functions/admin/src/connect/callback.rs",
        "fn status(",
        "fn page(",
    ),
    (
        "functions/admin/src/api/connection_input.rs",
        "pub fn awaiting_consent",
        "#[cfg(test)]",
    ),
    ("shared/src/plan/words.rs", "pub(super) fn base", ""),
    ("shared/src/plan/groups/words.rs", "", ""),
    ("shared/src/plan/contacts/words.rs", "", ""),
];
/// A text of fewer words is a name or a label.
const WORDS: usize = 4;

/// Keys of the pages' words that tell what is wrong begin like this.
const TROUBLE: [&str; 23] = [
    "sign-in-",
    "connect-missing",
    "connect-not-checked",
    "connect-other-tenant",
    "connect-link-used",
    "connect-declined",
    "connect-needs-admin",
    "connect-refused",
    "console-no-access",
    "console-sign-in-wrong-token",
    "console-sign-in-which",
    "refused-",
    "not-saved-",
    "not-switched",
    "not-disconnected",
    "not-started-",
    "verdict-",
    "fleet-held",
    "fleet-secret",
    "fleet-silent",
    "person-not-read",
    "person-unknown",
    "health-",
];
/// Headings, buttons and labels among them.
const NO_TROUBLE: [&str; 8] = [
    "sign-in-failed-title",
    "sign-in-again",
    "sign-in-retry",
    "connect-missing-title",
    "connect-missing-mend",
    "refused-title",
    "refused-back",
    "me-title",
];

#[test]
fn every_sentence_of_the_code_is_explained_in_both_languages() {
    let mut found = 0;
    for (path, begin, end) in PLACES {
        let source = text(path);
        let start = source.find(begin);
        let start = start.unwrap_or_else(|| panic!("{path} has no {begin:?}"));
        let place = &source[start..];
        let length = if end.is_empty() { None } else { place.find(end) };
        let sentences = sentences(&place[..length.unwrap_or(place.len())]);
        assert!(!sentences.is_empty(), "{path}, from {begin:?}, has no sentences");
        found += sentences.len();
        // Reasons are told in the language of the page; these here in English, whatever the language.
        let pages = pages("troubleshooting.md");
        let readers = if path.ends_with("/words.rs") { 1 } else { 2 };
        for page in pages.iter().take(readers) {
            for sentence in &sentences {
                explained(page, sentence, path);
            }
        }
    }
    assert!(found > 100, "{found} sentences");
}

/// The longest part of the sentence that is the same every time stands on the page.
fn explained(page: &str, sentence: &str, from: &str) {
    let fixed = sentence
        .split(['{', '}'])
        .step_by(2)
        .map(str::trim)
        .max_by_key(|part| part.len())
        .unwrap_or_default();
    assert!(
        page.contains(fixed),
        "troubleshooting.md does not explain {sentence:?} of {from}"
    );
}

/// The texts of a piece of Rust that are sentences.
fn sentences(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = Vec::new();
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        if letter != '"' {
            continue;
        }
        let mut text = String::new();
        while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
            text.push(match letter {
                '\\' => letters.next().filter(|escaped| *escaped != '\n').unwrap_or(' '),
                '\n' => ' ',
                other => other,
            });
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.split(' ').count() >= WORDS {
            found.push(text);
        }
    }
    found
}

#[test]
fn what_pages_say_is_wrong_is_explained_in_the_words_of_each_language() {
    for (page, language) in pages("troubleshooting.md").iter().zip(["en", "zh-CN"]) {
        let path = format!("shared/web/texts/{language}.ftl");
        let told: Vec<(String, String)> = words(&path)
            .into_iter()
            .filter(|(key, sentence)| is_trouble(key, sentence))
            .collect();
        assert!(told.len() > 35, "{} sentences", told.len());
        for (_, sentence) in told {
            explained(page, &sentence, &path);
        }
    }
}

/// The page of health has labels too; what it says in whole sentences is trouble.
fn is_trouble(key: &str, sentence: &str) -> bool {
    let sentence_ends = sentence.ends_with(['.', '。']);
    TROUBLE.iter().any(|begin| key.starts_with(begin))
        && !NO_TROUBLE.contains(&key)
        && (!key.starts_with("health-") || sentence_ends)
}

/// Keys and texts of a file of words.
fn words(path: &str) -> BTreeMap<String, String> {
    text(path)
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, words)| (key.to_owned(), words.to_owned()))
        .collect()
}

#[test]
fn every_reason_is_explained_by_its_code_in_the_words_of_the_console() {
    let [english, chinese] = pages("troubleshooting.md").map(|page| rows(&page));
    let told = words("shared/web/texts/zh-CN.ftl");
    for (code, sentence) in reasons() {
        let row = |rows: &[Vec<String>]| rows.iter().find(|row| row.first() == Some(&code)).cloned();
        let (english, chinese) = (row(&english), row(&chinese));
        let english = english.unwrap_or_else(|| panic!("en does not explain {code}"));
        let chinese = chinese.unwrap_or_else(|| panic!("zh-CN does not explain {code}"));
        assert!(english[1].starts_with(&sentence), "en has other words for {code}");
        assert_eq!(
            Some(&chinese[1]),
            told.get(&format!("reason-{}", code.replace('_', "-"))),
            "zh-CN has other words for {code}"
        );
        assert_eq!((english.len(), chinese.len()), (4, 4), "{code}");
    }
}

#[test]
fn every_problem_of_the_api_is_explained_in_both_languages() {
    let source = text("functions/admin/src/problem.rs");
    let kinds = source.split('"').filter(|part| part.starts_with("/problems/"));
    for page in pages("troubleshooting.md") {
        let explained = rows(&page);
        for kind in kinds.clone() {
            let row = explained
                .iter()
                .find(|row| row.first().is_some_and(|cell| cell == kind));
            assert!(row.is_some_and(|row| row.len() == 3), "{kind} is not explained");
        }
    }
    assert!(kinds.count() > 10);
}

#[test]
fn sentences_are_read_off_rust() {
    let source =
        "// \"a comment with many words\"\nf(\"one two three\", \"it is \\\"so\\\" and \\\n   goes on\")";
    assert_eq!(sentences(source), ["it is \"so\" and goes on"]);
}
