//! Who may import whom, read off the sources: `domain` <- `plan` <- `sync_run`; the adapters know words and ports, never
//! each other and never the decision; words and decision wait for nothing.

#![expect(clippy::unwrap_used, reason = "sources that cannot be read end the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src`, and the modules that no file in it may name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "plan",
            "sync_run",
            "graph",
            "pbx",
            "store",
            "ports",
            "http",
            "sides",
            "settings::",
            "queue",
        ],
    ),
    (
        "plan",
        &[
            "sync_run", "graph", "pbx", "store", "ports", "http", "sides", "queue",
        ],
    ),
    ("graph", &["plan", "sync_run", "pbx", "store", "sides"]),
    ("pbx", &["plan", "sync_run", "graph", "store", "sides"]),
    ("store", &["plan", "sync_run", "graph", "pbx", "sides", "http"]),
    ("sync_run", &["graph", "pbx", "sides", "http"]),
    ("alerts", &["graph", "sides"]),
    ("presence_poll", &["plan", "graph", "pbx", "sides", "http"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn source_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name)
}

/// Production lines: without comments, and without what follows the tests' heading.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_module_imports_what_it_may_not() {
    let mut wrong = Vec::new();
    for (folder, forbidden) in FORBIDDEN {
        for path in sources(&source_folder(folder)) {
            for line in code(&path) {
                let named = forbidden.iter().find(|module| {
                    let module = module.trim_end_matches("::");
                    // `domain::settings` is the settings document; only the environment's module is meant.
                    [format!("crate::{module}::"), format!("crate::{module};")]
                        .iter()
                        .any(|name| line.contains(name))
                });
                if let Some(module) = named {
                    wrong.push(format!("{}: {module} in `{}`", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_and_decision_wait_for_nothing() {
    for folder in ["domain", "plan"] {
        for path in sources(&source_folder(folder)) {
            let waiting = code(&path)
                .into_iter()
                .find(|line| line.contains("async ") || line.contains(".await"));
            assert_eq!(waiting, None, "{}", path.display());
        }
    }
}
