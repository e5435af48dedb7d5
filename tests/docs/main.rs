//! The documents against the source: what a reader is told must be what the code has. A table or a map that went stale fails here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod coverage;
mod entra;
mod guide;
mod markdown;
mod repository;
mod sentences;

use std::collections::BTreeSet;

use markdown::{file_links, rows, section};
use repository::{all_texts, names, root, text};
use shared::domain::settings::ConnectionSettings;
use shared::metrics::SETS;
use shared::settings::VARIABLES;

/// Documents that people read; their links must lead somewhere.
fn documents() -> Vec<(String, String)> {
    let is_document = |path: &str| path.to_ascii_lowercase().ends_with(".md");
    all_texts()
        .into_iter()
        .filter(|(path, _)| is_document(path))
        .collect()
}

#[test]
fn the_readme_lists_exactly_the_settings_that_programs_read() {
    let readme = text("README.md");
    let listed: Vec<Vec<String>> = rows(section(&readme, "## Settings"))
        .into_iter()
        .skip(1)
        .collect();
    let wanted: Vec<Vec<String>> = VARIABLES
        .iter()
        .map(|variable| {
            [
                variable.name,
                variable.used_by,
                variable.default,
                variable.meaning,
            ]
            .map(str::to_owned)
            .to_vec()
        })
        .collect();
    for row in &wanted {
        assert!(
            listed.contains(row),
            "README.md lacks, or tells otherwise: {row:?}"
        );
    }
    for row in &listed {
        assert!(wanted.contains(row), "README.md invents: {row:?}");
    }
}

#[test]
fn the_log_document_lists_exactly_the_metrics_that_are_written() {
    let listed: Vec<Vec<String>> = rows(section(&text("docs/logging.md"), "## Metrics"));
    let wanted = SETS.map(|set| {
        let metrics: Vec<&str> = set.metrics.iter().map(|(name, _)| *name).collect();
        vec![
            set.namespace.to_owned(),
            set.functions.join(", "),
            metrics.join(", "),
        ]
    });
    assert_eq!(listed.get(1..), Some(&wanted[..]));
}

#[test]
fn the_module_map_names_every_module_and_nothing_else() {
    let architecture = text("docs/architecture.md");
    let mapped = first_cells(section(&architecture, "### `shared`: words, decisions, clients"));
    let present = modules();
    let missing: Vec<_> = present.difference(&mapped).collect();
    let gone: Vec<_> = mapped.difference(&present).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "docs/architecture.md lacks {missing:?} and invents {gone:?}"
    );
}

/// What is directly in the crate `shared`, as the map writes it: folders end with a slash.
fn modules() -> BTreeSet<String> {
    let folder = root().join("shared/src");
    let shown = |name: String| {
        if folder.join(&name).is_dir() {
            format!("{name}/")
        } else {
            name
        }
    };
    names("shared/src")
        .into_iter()
        .filter(|name| name != "lib.rs" && !name.ends_with("tests.rs"))
        .map(shown)
        .collect()
}

fn first_cells(text: &str) -> BTreeSet<String> {
    rows(text)
        .into_iter()
        .skip(1)
        .filter_map(|row| row.into_iter().next())
        .collect()
}

#[test]
fn the_map_names_every_member_of_the_workspace_and_nothing_else() {
    let architecture = text("docs/architecture.md");
    let mapped = first_cells(section(&architecture, "### The other crates"));
    let present = workspace_members();
    assert!(!present.is_empty());
    assert_eq!(
        mapped, present,
        "docs/architecture.md (left) and Cargo.toml (right) name different crates"
    );
}

fn workspace_members() -> BTreeSet<String> {
    let manifest = text("Cargo.toml");
    let (_, after) = manifest.split_once("members = [").unwrap();
    let (list, _) = after.split_once(']').unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_settings_document_is_shown_with_its_real_defaults() {
    let rules = text("docs/sync-rules.md");
    let (_, rest) = section(&rules, "## The settings document")
        .split_once("```json")
        .unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    let real = serde_json::to_value(ConnectionSettings::default()).unwrap();
    assert_eq!(
        shown, real,
        "docs/sync-rules.md (left) shows other defaults than the code has (right)"
    );
}

#[test]
fn every_reason_is_explained_with_its_code_and_its_sentence() {
    let rules = text("docs/sync-rules.md");
    let explained = rows(section(&rules, "## Reasons"));
    let reasons = reasons();
    assert!(reasons.len() > 20, "the reasons were not found in the source");
    for (code, sentence) in &reasons {
        let row = explained.iter().find(|row| row.first() == Some(code));
        let row = row.unwrap_or_else(|| panic!("docs/sync-rules.md does not explain {code}"));
        assert_eq!(
            row.get(1),
            Some(sentence),
            "docs/sync-rules.md has another sentence for {code}"
        );
        assert!(
            row.get(2).is_some_and(|advice| !advice.is_empty()),
            "nothing is said about what to do about {code}"
        );
    }
    assert_eq!(
        explained.len() - 1,
        reasons.len(),
        "docs/sync-rules.md explains a reason that does not exist"
    );
}

/// Code and sentence of each reason, from the match that has to name all of them.
fn reasons() -> Vec<(String, String)> {
    let declared = text("shared/src/domain/operation_record.rs");
    text("shared/src/plan/words.rs")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Reason::")?.split_once(" => "))
        .map(|(variant, sentence)| {
            assert!(
                declared.contains(variant),
                "{variant} is not declared as a reason"
            );
            (
                snake_case(variant),
                sentence.trim_matches(|c| c == '"' || c == ',').to_owned(),
            )
        })
        .collect()
}

fn snake_case(name: &str) -> String {
    let mut code = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[test]
fn every_problem_and_every_call_of_the_admin_api_is_documented() {
    let statuses = text("docs/http-statuses.md");
    let source = text("functions/admin/src/problem.rs");
    let types: BTreeSet<&str> = source
        .split('"')
        .filter(|part| part.starts_with("/problems/"))
        .collect();
    assert!(
        types.len() > 10,
        "the types of problems were not found in the source"
    );
    for kind in types {
        assert!(
            statuses.contains(&format!("`{kind}`")),
            "docs/http-statuses.md lacks {kind}"
        );
    }
    let documented: BTreeSet<(String, String)> = rows(section(&statuses, "## Calls"))
        .into_iter()
        .skip(1)
        .filter_map(|row| Some((row.first()?.split('?').next()?.to_owned(), row.get(1)?.clone())))
        .collect();
    let offered: BTreeSet<(String, String)> = admin::route_listing()
        .into_iter()
        .map(|(method, path, access)| (format!("{} {path}", method.to_uppercase()), role(access)))
        .collect();
    assert_eq!(
        documented, offered,
        "docs/http-statuses.md (left) and the routes (right) differ"
    );
}

fn role(access: admin::Access) -> String {
    match access {
        admin::Access::Public => "none".to_owned(),
        admin::Access::Needs(role) => format!("{role:?}").to_lowercase(),
    }
}

#[test]
fn every_decision_is_linked_from_the_architecture() {
    let architecture = text("docs/architecture.md");
    let links = file_links(&architecture);
    let decisions = names("docs/decisions");
    assert!(!decisions.is_empty());
    for decision in decisions {
        let path = format!("decisions/{decision}");
        assert!(
            links.contains(&path.as_str()),
            "docs/architecture.md has no link to {path}"
        );
    }
}

#[test]
fn links_between_documents_lead_to_files() {
    for (path, document) in documents() {
        let file = root().join(&path);
        for link in file_links(&document) {
            assert!(
                file.parent().unwrap().join(link).exists(),
                "{path} links to {link}, which is not there"
            );
        }
    }
}

/// Paths of the machines on which the product was made mean nothing to a reader. Written in two parts, as this file is read too.
const PATHS_OF_MACHINES: [(&str, &str); 6] = [
    ("../", "shared"),
    ("/wo", "rk/"),
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("/Us", "ers/"),
    ("C:\\", "Users"),
];

#[test]
fn no_file_speaks_of_the_machines_it_was_made_on() {
    for (path, content) in all_texts() {
        for (start, end) in PATHS_OF_MACHINES {
            let path_of_one = format!("{start}{end}");
            // A longer way up leads to a folder of this repository.
            let place = content
                .match_indices(&path_of_one)
                .map(|(place, _)| place)
                .find(|place| !content[..*place].ends_with("../"));
            let line = place.map(|place| content[..place].lines().count());
            assert!(
                line.is_none(),
                "{path}, near line {line:?}, speaks of {start}{end}"
            );
        }
    }
}
