//! Which tests prove which requirement and which attack: read off the comments above the tests, kept as a table for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::repository::{all_texts, root, text};

const TABLE: &str = "docs/spec-coverage.md";
/// Set to `write`, the table is written instead of compared.
const VARIABLE: &str = "COVERAGE";
/// How far below its comment a test may stand: a table of rows fits between.
const REACH: usize = 90;
/// Requirements that no test proves yet. A row leaves this list with its first test.
const OPEN_REQUIREMENTS: [u16; 8] = [10, 13, 14, 15, 17, 38, 41, 99];
/// Attacks that no test proves yet.
const OPEN_ATTACKS: [u16; 0] = [];

/// Tests by row.
type Proofs = BTreeMap<u16, BTreeSet<String>>;

#[derive(Default)]
struct Found {
    requirements: Proofs,
    attacks: Proofs,
}

#[test]
fn every_requirement_and_every_attack_is_proven_by_the_tests_the_table_names() {
    let found = found();
    let shown = text(TABLE);
    let right = filled_in(&shown, &found);
    if std::env::var(VARIABLE).as_deref() == Ok("write") {
        fs::write(root().join(TABLE), &right).unwrap();
    } else {
        let stale = shown.lines().zip(right.lines()).find(|(old, new)| old != new);
        assert!(
            stale.is_none(),
            "{TABLE} is stale; write it with {VARIABLE}=write cargo test -p tests --test docs\n{stale:?}"
        );
    }
    let open = without_proof(&right, "| # |", &found.requirements);
    assert_eq!(
        open, OPEN_REQUIREMENTS,
        "requirements that no test proves (left) and those listed as open"
    );
    let open = without_proof(&right, "| case |", &found.attacks);
    assert_eq!(
        open, OPEN_ATTACKS,
        "attacks that no test proves (left) and those listed as open"
    );
}

fn found() -> Found {
    let mut found = Found::default();
    for (path, text) in all_texts() {
        if ![".rs", ".mjs"].iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            let comment = line.trim_start();
            for (mark, proofs) in [
                ("// spec: ", &mut found.requirements),
                ("// case: ", &mut found.attacks),
            ] {
                let Some(rows) = comment.strip_prefix(mark) else {
                    continue;
                };
                let name = test_of(&lines, place)
                    .unwrap_or_else(|| panic!("{path}:{}: no test for {comment:?}", place + 1));
                for row in numbers(rows, &path) {
                    proofs.entry(row).or_default().insert(format!("{name} ({path})"));
                }
            }
        }
    }
    found
}

/// The test that the comment at `place` speaks of: the one below it, or the one in whose body it stands.
fn test_of(lines: &[&str], place: usize) -> Option<String> {
    let (above, below) = (lines.get(..place)?, lines.get(place + 1..)?);
    let next = below.iter().find(|line| !line.trim_start().starts_with("// "))?;
    let begins = ["#[", "///", "test("]
        .iter()
        .any(|mark| next.trim_start().starts_with(mark));
    let outside = !lines.get(place)?.starts_with(' ') || begins || test_name(next).is_some();
    if outside {
        below.iter().take(REACH).copied().find_map(test_name)
    } else {
        above.iter().rev().copied().find_map(test_name)
    }
}

/// The name on a line that begins a test: of a Rust function, or the text that a browser test is called by.
fn test_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("test(") {
        let quote = rest.chars().next()?;
        return rest.split(quote).nth(1).map(str::to_owned);
    }
    let (before, rest) = line.split_once("fn ")?;
    let is_function = before
        .split_whitespace()
        .all(|word| word == "async" || word.starts_with("pub"));
    let name = rest.split(['(', '<']).next()?;
    is_function.then(|| name.to_owned())
}

/// `46, 48-50` names four rows.
fn numbers(rows: &str, path: &str) -> Vec<u16> {
    let number = |text: &str| -> u16 {
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{path}: {rows:?} is no list of rows"))
    };
    rows.split(',')
        .flat_map(|part| match part.split_once('-') {
            Some((first, last)) => number(first)..=number(last),
            None => number(part)..=number(part),
        })
        .collect()
}

/// The table with its last column made anew.
fn filled_in(table: &str, found: &Found) -> String {
    let mut attacks = false;
    let lines = table.lines().map(|line| {
        attacks |= line.starts_with("| case |");
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let row = cells.get(1).and_then(|cell| cell.parse::<u16>().ok());
        let (Some(row), Some(what)) = (row, cells.get(2)) else {
            return line.to_owned();
        };
        let proofs = if attacks {
            &found.attacks
        } else {
            &found.requirements
        };
        let names = proofs.get(&row).map_or_else(
            || "open".to_owned(),
            |tests| tests.iter().cloned().collect::<Vec<_>>().join("; "),
        );
        format!("| {row} | {what} | {names} |")
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// The rows of the tables that begin with `head` for which there is no proof.
fn without_proof(table: &str, head: &str, proofs: &Proofs) -> Vec<u16> {
    let mut inside = false;
    let mut open = Vec::new();
    for line in table.lines() {
        if line.starts_with("| # |") || line.starts_with("| case |") {
            inside = line.starts_with(head);
        }
        let row = line.split('|').nth(1).and_then(|cell| cell.trim().parse().ok());
        open.extend(row.filter(|row| inside && !proofs.contains_key(row)));
    }
    open
}
