//! What the demo prints: plans as tables, ends as sentences. Text only, so it reads the same in a log.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use shared::settings::WebOrigin;

use super::progress::number;

const WORDS: [(&str, &str); 8] = [
    ("create", "created"),
    ("bind", "taken over"),
    ("update", "changed"),
    ("delete", "deleted"),
    ("release", "let go"),
    ("unchanged", "unchanged"),
    ("skipped", "left alone"),
    ("failed", "failed"),
];

/// The operations of a dry run.
pub fn plan(operations: &[Value]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["What", "Number", "Person", "Why"]);
    let mut sorted: Vec<&Value> = operations.iter().collect();
    // Those without a number, which are left alone, come last.
    sorted.sort_by_key(|operation| {
        let number = text(operation, "number");
        (number.is_empty(), number, text(operation, "name"))
    });
    for operation in sorted {
        table.add_row(["kind", "number", "name", "reason_text"].map(|field| text(operation, field)));
    }
    table.to_string()
}

/// Counts of a run, those that are not zero.
pub fn counts(run: &Value) -> String {
    let counted: Vec<String> = WORDS
        .iter()
        .map(|(field, word)| (number(run, &format!("/counts/{field}")), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counted.is_empty() {
        "nobody there".to_owned()
    } else {
        counted.join(", ")
    }
}

/// Whether a run left everything as it was.
pub fn did_nothing(run: &Value) -> bool {
    ["create", "bind", "update", "delete", "release", "failed"]
        .iter()
        .all(|field| number(run, &format!("/counts/{field}")) == 0)
}

/// Who was left alone or failed, grouped by reason.
pub fn exceptions(operations: &[Value]) -> String {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in operations {
        let failed = operation["outcome"] == "failed";
        if operation["kind"] == "skip" || failed {
            let error = text(operation, "error");
            let why = if failed {
                format!("failed: {error}")
            } else {
                text(operation, "reason_text")
            };
            by_reason.entry(why).or_default().push(text(operation, "name"));
        }
    }
    let lines = by_reason
        .iter()
        .map(|(why, names)| format!("  - {}: {why}\n", names.join(", ")));
    lines.collect::<Vec<_>>().concat()
}

/// What a run did, in a few lines.
pub fn ended(run: &Value, operations: &[Value]) -> String {
    let trigger = text(run, "trigger");
    let mut lines = vec![format!("  A run ({trigger}): {}", counts(run))];
    let done = operations.iter().filter(|operation| operation["kind"] != "skip");
    for operation in done {
        let [kind, number, name] = ["kind", "number", "name"].map(|field| text(operation, field));
        let (before, after) = (&operation["before"], &operation["after"]);
        let changed: Vec<String> = after
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, value)| before[field.as_str()] != **value)
            .map(|(field, _)| {
                format!(
                    "{field}: \"{}\" -> \"{}\"",
                    text(before, field),
                    text(after, field)
                )
            })
            .collect();
        lines.push(format!("    {kind} {number} {name} {}", changed.join(", ")));
    }
    lines.join("\n")
}

/// Where to go from here.
pub fn invite(origin: &WebOrigin, token: &str, tenant: &str) {
    println!("\nThe demo keeps serving. Stop it with Ctrl-C.");
    println!("  API     {origin}/api/v1/connections");
    println!("  Schema  {origin}/openapi.json");
    println!("  Token   {token}");
    println!("  Try     curl -H 'Authorization: Bearer {token}' {origin}/api/v1/connections");
    println!(
        "  Tenant  {tenant} lists what can be done to the simulated tenant; what changes there is told here"
    );
}

fn text(operation: &Value, field: &str) -> String {
    // Names come from a directory: control characters would rewrite the terminal.
    let text = operation[field].as_str().unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operations() -> Vec<Value> {
        vec![
            json!({ "kind": "create", "number": "2000", "name": "Ada", "reason_text": "new", "outcome": "applied" }),
            json!({ "kind": "skip", "name": "Bo\u{1b}[2J", "reason_text": "the account is disabled", "outcome": "not_attempted" }),
            json!({ "kind": "skip", "name": "Cy", "reason_text": "the account is disabled", "outcome": "not_attempted" }),
            json!({ "kind": "create", "name": "Di", "reason_text": "new", "outcome": "failed", "error": "refused" }),
        ]
    }

    #[test]
    fn a_plan_is_a_table_of_plain_text() {
        let text = plan(&operations());
        assert!(text.contains("2000") && text.contains("Ada") && text.contains("the account is disabled"));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn exceptions_are_grouped_by_reason() {
        assert_eq!(
            exceptions(&operations()),
            "  - Di: failed: refused\n  - Bo[2J, Cy: the account is disabled\n"
        );
    }

    #[test]
    fn counts_name_what_happened() {
        let run = json!({ "counts": { "create": 2, "unchanged": 0, "skipped": 1 } });
        assert_eq!(counts(&run), "2 created, 1 left alone");
        assert!(!did_nothing(&run));
        assert!(did_nothing(
            &json!({ "counts": { "unchanged": 5, "skipped": 2 } })
        ));
    }
}
