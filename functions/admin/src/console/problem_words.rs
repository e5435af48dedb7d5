//! A refusal of the API in the visitor's language: its sentence, or that of its kind, and each wrong field by its label.

use shared::domain::settings_check::FieldProblem;
use web::{Language, Words};

use super::frame::Note;
use crate::problem::Problem;

/// What a page says of a refusal. One wrong field is said by itself, several are in a list.
pub fn note_of(words: Words, problem: &Problem) -> Note {
    let items = match <[String; 1]>::try_from(items(words, problem.errors())) {
        Ok([one]) => return Note::bad(one),
        Err(items) => items,
    };
    let said = words.said(problem.detail());
    let own = said.is_ours && (words.0 == Language::English || items.is_empty());
    let text = if own {
        said.text
    } else {
        words.text(&problem.words_key())
    };
    Note {
        items,
        ..Note::bad(text)
    }
}

/// Each wrong field with what would be right.
pub fn items(words: Words, problems: &[FieldProblem]) -> Vec<String> {
    let item = |problem: &FieldProblem| {
        let label = label(words, &problem.pointer).unwrap_or_else(|| problem.pointer.clone());
        format!("{label}: {}", words.said(&problem.detail).text)
    };
    problems.iter().map(item).collect()
}

/// What the page calls the field of a pointer, or the list that it is in.
fn label(words: Words, pointer: &str) -> Option<String> {
    let id = pointer.trim_start_matches('/').replace(['/', '_'], "-");
    let mut id = id.as_str();
    loop {
        if let Some(label) = words.maybe(&format!("f-{id}")) {
            return Some(label);
        }
        (id, _) = id.rsplit_once('-')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    #[test]
    fn a_refusal_is_said_in_the_language_of_the_page_with_the_labels_of_its_fields() {
        let both = [
            FieldProblem::new(
                "/schedule/time",
                "write a time of day as HH:MM with 24 hours, for example 00:30",
            ),
            FieldProblem::new("/contacts/shared/mailboxes/3/mailbox", "is missing"),
            FieldProblem::new("/nowhere", "is missing"),
        ];
        let problem = Problem::validation(both.to_vec());
        let english = note_of(Words(Language::English), &problem);
        assert_eq!(english.text, "3 values must be mended");
        assert_eq!(
            english.items.last().map(String::as_str),
            Some("/nowhere: is missing")
        );
        let chinese = note_of(Words(Language::Chinese), &problem);
        assert_eq!(chinese.text, "部分值需要修改。");
        assert!(
            chinese.items[0].starts_with("时间: 请以 24 小时制"),
            "{:?}",
            chinese.items
        );
        assert!(chinese.items[1].starts_with("邮箱及其企业联系人群组: 缺少"));
        let one = Problem::field(
            "/pbx/linkus_sdk/access_key",
            "must be 1 to 1024 printable characters",
        );
        for (language, said) in [
            (
                Language::English,
                "AccessKey of the Linkus SDK: must be 1 to 1024 printable characters",
            ),
            (
                Language::Chinese,
                "Linkus SDK 的访问密钥 (AccessKey): 必须是 1 至 1024 个可打印字符",
            ),
        ] {
            let note = note_of(Words(language), &one);
            assert_eq!((note.text.as_str(), note.items.len()), (said, 0));
        }
        let theirs = Problem::new(Kind::Conflict, "nobody wrote this");
        let chinese = note_of(Words(Language::Chinese), &theirs);
        assert_eq!(chinese.text, "目前的状态不允许此操作。");
    }
}
