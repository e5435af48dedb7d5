//! A plan in words, for people: the dry run's report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::domain::extension::{Field, OwnedFields};
use crate::domain::operation_record::Reason;

use super::Plan;
use super::operation::{Change, Operation, Skipped};
use super::words::sentence;

/// The whole plan: one line an operation, then people left alone, counted where nothing can be done about it.
pub fn render(plan: &Plan) -> String {
    let Plan {
        operations,
        skipped,
        remarks,
        unchanged,
    } = plan;
    let mut text = String::new();
    for operation in operations {
        line(
            &mut text,
            verb(operation),
            operation.number.as_str(),
            &operation.name,
            &explanation(operation),
        );
    }
    let (routine, telling): (Vec<&Skipped>, Vec<&Skipped>) =
        skipped.iter().partition(|s| is_routine(s.reason));
    for skip in telling {
        line(
            &mut text,
            "skip",
            number(skip),
            &skip.name,
            &sentence(skip.reason, &skip.detail),
        );
    }
    for remark in remarks {
        line(
            &mut text,
            "note",
            number(remark),
            &remark.name,
            &sentence(remark.reason, &remark.detail),
        );
    }
    summary(&mut text, operations.len(), *unchanged, &routine);
    text
}

fn line(text: &mut String, verb: &str, number: &str, name: &str, why: &str) {
    writeln!(text, "{verb:<8} {number:<8} {name}: {why}").expect("a String takes every write");
}

fn summary(text: &mut String, operations: usize, unchanged: u64, routine: &[&Skipped]) {
    let mut by_reason: BTreeMap<Reason, usize> = BTreeMap::new();
    for skip in routine {
        *by_reason.entry(skip.reason).or_default() += 1;
    }
    for (reason, count) in by_reason {
        writeln!(text, "{count} left alone: {}", sentence(reason, "")).expect("a String takes every write");
    }
    let end = if operations == 0 {
        "nothing to do".to_owned()
    } else {
        format!("{operations} to do")
    };
    writeln!(text, "{end}, {unchanged} in step").expect("a String takes every write");
}

fn is_routine(reason: Reason) -> bool {
    matches!(reason, Reason::OutOfScope | Reason::AccountDisabled)
}

fn number(skip: &Skipped) -> &str {
    skip.number.as_ref().map_or("-", |number| number.as_str())
}

fn verb(operation: &Operation) -> &'static str {
    match &operation.change {
        Change::Create { .. } => "create",
        Change::Bind { .. } => "bind",
        Change::Update { .. } => "update",
        Change::Note { .. } => "note",
        Change::MarkLeaving { .. } => "mark",
        Change::Release { .. } => "release",
        Change::Delete { .. } => "delete",
    }
}

fn explanation(operation: &Operation) -> String {
    let mut parts = vec![sentence(operation.reason, "")];
    if let Change::Update { before, after, .. } | Change::Bind { before, after, .. } = &operation.change {
        parts.extend(
            before
                .differing(after)
                .into_iter()
                .map(|field| difference(field, before, after)),
        );
    }
    parts.extend(operation.notes.iter().cloned());
    parts.join("; ")
}

fn difference(field: Field, before: &OwnedFields, after: &OwnedFields) -> String {
    format!(
        "{} \"{}\" -> \"{}\"",
        field.label(),
        before.get(field),
        after.get(field)
    )
}
