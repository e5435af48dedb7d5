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
        .set_header(["What", "Number", "Name", "Why"]);
    let mut sorted: Vec<&Value> = operations.iter().collect();
    // Those without a number, which are left alone, come last; groups after people.
    sorted.sort_by_key(|operation| {
        let number = text(operation, "number");
        (
            is_group(operation),
            number.is_empty(),
            number,
            text(operation, "name"),
        )
    });
    for operation in sorted {
        let [kind, name, why] = ["kind", "name", "reason_text"].map(|field| text(operation, field));
        table.add_row([kind, place(operation), name, why]);
    }
    table.to_string()
}

fn is_group(operation: &Value) -> bool {
    operation["object"] == "group"
}

/// An extension's number; groups have none.
fn place(operation: &Value) -> String {
    if is_group(operation) {
        "group".to_owned()
    } else {
        text(operation, "number")
    }
}

/// Counts of a run, those that are not zero: people, then groups.
pub fn counts(run: &Value) -> String {
    let people = counted(run, "user");
    let groups = counted(run, "group");
    match (people.is_empty(), groups.is_empty()) {
        (true, true) => "nobody there".to_owned(),
        (false, true) => people,
        (true, false) => format!("groups: {groups}"),
        (false, false) => format!("{people}; groups: {groups}"),
    }
}

fn counted(run: &Value, object: &str) -> String {
    let counted: Vec<String> = WORDS
        .iter()
        .map(|(field, word)| (number(run, &format!("/counts_by_object/{object}/{field}")), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    counted.join(", ")
}

/// What a run made of each kind of object, a line each.
pub fn objects(run: &Value) -> String {
    let labels = [
        ("user", "people"),
        ("group", "groups"),
        ("phonebook", "phonebooks"),
        ("contact", "contacts"),
    ];
    let lines: Vec<String> = labels
        .iter()
        .map(|(object, label)| (label, counted(run, object)))
        .filter(|(_, counted)| !counted.is_empty())
        .map(|(label, counted)| format!("  {label}: {counted}"))
        .collect();
    lines.join("\n")
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
            let name = Some(text(operation, "name")).filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| "(no name)".to_owned());
            by_reason.entry(why).or_default().push(name);
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
        let [kind, name] = ["kind", "name"].map(|field| text(operation, field));
        let place = place(operation);
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
        lines.push(format!("    {kind} {place} {name} {}", changed.join(", ")));
    }
    lines.join("\n")
}

/// What a poll of presence did.
pub fn poll(poll: &Value) -> String {
    let [people, known, written] =
        ["people", "known", "written"].map(|field| number(poll, &format!("/{field}")));
    format!("The first poll: {people} people, {known} of them in Teams, {written} extensions changed")
}

/// So many extensions are named in one line.
const NAMED: usize = 2;

/// Whose extensions moved: number, before, after.
pub fn presences(minute: u32, moved: &[(&str, &str, &str)], bindings: &[Value], failed: u64) -> String {
    let name_of = |number: &str| {
        let binding = bindings.iter().find(|binding| binding["number"] == number);
        binding.map(|binding| text(binding, "name")).unwrap_or_default()
    };
    let mut words: Vec<String> = moved
        .iter()
        .take(NAMED)
        .map(|(number, before, after)| format!("{number} {} {before} -> {after}", name_of(number)))
        .collect();
    match moved.len().saturating_sub(NAMED) {
        0 if moved.is_empty() => words.push("nobody moved".to_owned()),
        0 => {}
        more => words.push(format!("{more} more")),
    }
    if failed > 0 {
        words.push(format!("{failed} failed"));
    }
    format!(
        "  {:02}:{:02} in the tenant: {}",
        minute / 60,
        minute % 60,
        words.join(", ")
    )
}

/// Where to go from here.
pub fn invite(origin: &WebOrigin, token: &str, tenant: &str) {
    println!("\nThe demo keeps serving. Stop it with Ctrl-C.");
    println!("  Console {origin}/console");
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
    fn presences_name_a_few_and_count_the_rest() {
        let bindings = [json!({ "number": "2000", "name": "Ada\u{1b}" })];
        let moved = [
            ("2000", "available", "away"),
            ("2001", "away", "lunch"),
            ("2002", "away", "lunch"),
        ];
        assert_eq!(
            presences(9 * 60 + 5, &moved, &bindings, 0),
            "  09:05 in the tenant: 2000 Ada available -> away, 2001  away -> lunch, 1 more"
        );
        assert_eq!(
            presences(0, &[], &[], 1),
            "  00:00 in the tenant: nobody moved, 1 failed"
        );
    }

    #[test]
    fn each_kind_of_object_has_its_line() {
        let run = json!({ "counts_by_object": {
            "user": { "create": 2, "unchanged": 1 }, "contact": { "create": 5, "skipped": 1 },
        } });
        assert_eq!(
            objects(&run),
            "  people: 2 created, 1 unchanged\n  contacts: 5 created, 1 left alone"
        );
    }

    #[test]
    fn counts_name_what_happened() {
        let run = json!({ "counts": { "create": 3 }, "counts_by_object": {
            "user": { "create": 2, "unchanged": 0, "skipped": 1 }, "group": { "create": 1 } } });
        assert_eq!(counts(&run), "2 created, 1 left alone; groups: 1 created");
        assert!(!did_nothing(&run));
        assert_eq!(counts(&json!({})), "nobody there");
        assert!(did_nothing(
            &json!({ "counts": { "unchanged": 5, "skipped": 2 } })
        ));
    }
}
