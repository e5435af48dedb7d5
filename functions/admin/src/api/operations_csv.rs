//! Operations as CSV (RFC 4180). Directory text is foreign text: no cell may begin like a formula, wherever a spreadsheet
//! divides the line.

use std::collections::BTreeMap;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use serde::Serialize;
use shared::domain::operation_record::OperationRecord;

const COLUMNS: [&str; 13] = [
    "at",
    "kind",
    "object",
    "entra_id",
    "name",
    "target_id",
    "number",
    "before",
    "after",
    "reason",
    "reason_text",
    "outcome",
    "error",
];

/// The rows did not become text.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    #[error("a row could not be written")]
    Row(#[from] csv::Error),
    #[error("a value could not be written")]
    Value(#[from] serde_json::Error),
    #[error("the rows could not be put together")]
    End(#[source] std::io::Error),
}

/// A header and one row each.
pub fn write(records: &[OperationRecord]) -> Result<Vec<u8>, CsvError> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for record in records {
        writer.write_record(row(record)?.map(|cell| neutral(&cell)))?;
    }
    writer
        .into_inner()
        .map_err(|error| CsvError::End(error.into_error()))
}

fn row(record: &OperationRecord) -> Result<[String; 13], CsvError> {
    Ok([
        record.at.to_string(),
        word(&record.kind)?,
        word(&record.object)?,
        record.entra_id.clone(),
        record.name.clone(),
        record.target_id.clone().unwrap_or_default(),
        record.number.clone().unwrap_or_default(),
        values(record.before.as_ref())?,
        values(record.after.as_ref())?,
        record.reason.code(),
        record.reason_text.clone(),
        word(&record.outcome)?,
        record.error.clone().unwrap_or_default(),
    ])
}

fn word(value: &impl Serialize) -> Result<String, CsvError> {
    Ok(serde_json::to_value(value)?
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

fn values(values: Option<&BTreeMap<String, String>>) -> Result<String, CsvError> {
    Ok(match values {
        Some(values) => serde_json::to_string(values)?,
        None => String::new(),
    })
}

/// Where some spreadsheets divide a line, quotes or not: the semicolon where the comma is the sign of decimals.
const DIVIDES: [char; 4] = [';', '\t', '\r', '\n'];

/// An apostrophe makes text of what a spreadsheet would run, at the beginning and wherever a cell of its own may begin.
fn neutral(cell: &str) -> String {
    let parts = cell.split_inclusive(DIVIDES);
    let marked = parts.map(|part| {
        if runs(part) {
            format!("'{part}")
        } else {
            part.to_owned()
        }
    });
    let mut neutral: String = marked.collect();
    if cell.starts_with(['\t', '\r', '\n']) {
        neutral.insert(0, '\'');
    }
    neutral
}

/// Spreadsheets run cells that begin with these, white space and quotes aside.
fn runs(part: &str) -> bool {
    let starts_formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%');
    part.trim_start_matches(|c: char| c.is_whitespace() || c == '"')
        .starts_with(starts_formula)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> OperationRecord {
        serde_json::from_value(serde_json::json!({
            "at": "2026-01-02T03:04:05Z", "run": "0190d2a0-0000-7000-8000-000000000001", "kind": "create",
            "object": "user", "entra_id": "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001", "name": name,
            "number": "0042", "after": {"email": "a@b.example", "mobile": "+49 1"},
            "reason": "new_in_scope", "reason_text": "chosen, \"by\" the rules", "outcome": "applied"
        }))
        .unwrap()
    }

    #[test]
    fn rows_are_quoted_as_rfc_4180_says() {
        let text = String::from_utf8(write(&[record("Ann, \"Bo\"\nLee")]).unwrap()).unwrap();
        assert_eq!(
            text,
            "\"at\",\"kind\",\"object\",\"entra_id\",\"name\",\"target_id\",\"number\",\"before\",\"after\",\"reason\",\
             \"reason_text\",\"outcome\",\"error\"\r\n\
             \"2026-01-02T03:04:05Z\",\"create\",\"user\",\"3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001\",\
             \"Ann, \"\"Bo\"\"\nLee\",\"\",\"0042\",\"\",\
             \"{\"\"email\"\":\"\"a@b.example\"\",\"\"mobile\"\":\"\"+49 1\"\"}\",\"new_in_scope\",\
             \"chosen, \"\"by\"\" the rules\",\"applied\",\"\"\r\n"
        );
    }

    fn name_of(text: &[u8]) -> String {
        let mut reader = csv::Reader::from_reader(text);
        let row = reader.records().next().unwrap().unwrap();
        row[4].to_owned()
    }

    // case: 49
    #[test]
    fn no_cell_begins_like_a_formula_wherever_the_line_is_divided() {
        for (name, written) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\tAnn", "'\tAnn"),
            ("＝1", "'＝1"),
            ("\"=1", "'\"=1"),
            ("Ann;=cmd|'/C calc'!A0;x", "Ann;'=cmd|'/C calc'!A0;x"),
            ("Ann; \"=1;+2", "Ann;' \"=1;'+2"),
            ("Ann\t@SUM(A1)", "Ann\t'@SUM(A1)"),
            ("Ann\r\n-1", "Ann\r\n'-1"),
            ("Ann;\n＋1", "Ann;\n'＋1"),
            ("Ann - Bo; Lee=1", "Ann - Bo; Lee=1"),
        ] {
            assert_eq!(name_of(&write(&[record(name)]).unwrap()), written, "{name:?}");
        }
    }

    // case: 49
    #[test]
    fn a_spreadsheet_that_divides_at_semicolons_finds_no_formula_either() {
        let text = write(&[record("Ann;=cmd|'/C calc'!A0;\"=1+1;x")]).unwrap();
        let text = String::from_utf8(text).unwrap();
        for cell in text.split([';', '\t', '\r', '\n']) {
            assert!(!runs(cell), "{cell}");
        }
    }
}
