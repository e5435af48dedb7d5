//! What stands around every page of the console: navigation, who is signed in, the language, a note on what just happened.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use shared::domain::connection::Connection;
use shared::domain::operation_record::OperationRecord;
use shared::domain::role::Role;
use web::{Language, Page, Words};

use super::guard::Visitor;
use super::member::TOKEN_BEARER;
use crate::caller::Reach;

/// The surroundings of a page.
pub struct Frame {
    pub visitor: Visitor,
    pub words: Words,
    pub title: String,
    /// Id and name of the connection the page is about.
    pub connection: Option<(String, String)>,
    /// Which of its pages this is.
    pub tab: &'static str,
    pub note: Option<Note>,
    /// Loads itself again after a while, where no script does better.
    pub refresh: bool,
}

/// What just happened, or did not.
pub struct Note {
    /// `good` or `bad`.
    pub class: &'static str,
    pub text: String,
    /// Each wrong field.
    pub items: Vec<String>,
    /// The section that it stands in; the top of the page otherwise.
    pub section: Option<String>,
}

impl Note {
    pub fn good(text: String) -> Self {
        Self::of("good", text)
    }

    pub fn bad(text: String) -> Self {
        Self::of("bad", text)
    }

    /// On what the last form did, as the address says that it led to.
    pub fn done(words: Words, done: Option<&str>) -> Option<Self> {
        let text = words.maybe(&format!("done-{}", done?))?;
        Some(Self::good(text))
    }

    pub fn within(self, section: Option<String>) -> Self {
        Self { section, ..self }
    }

    fn of(class: &'static str, text: String) -> Self {
        Self {
            class,
            text,
            items: Vec::new(),
            section: None,
        }
    }
}

impl Frame {
    /// Of a page that is about no connection.
    pub fn new(visitor: Visitor, tab: &'static str, title_key: &str) -> Self {
        let words = Words(visitor.language);
        Self {
            title: words.text(title_key),
            words,
            visitor,
            connection: None,
            tab,
            note: None,
            refresh: false,
        }
    }

    /// Of a page about this connection.
    pub fn of(visitor: Visitor, connection: &Connection, tab: &'static str, title_key: &str) -> Self {
        Self {
            connection: Some((connection.id.to_string(), connection.name.clone())),
            ..Self::new(visitor, tab, title_key)
        }
    }

    pub fn with_note(mut self, note: Option<Note>) -> Self {
        self.note = note;
        self
    }

    /// The note, if it stands at the top of the page.
    pub fn top_note(&self) -> Option<&Note> {
        self.note.as_ref().filter(|note| note.section.is_none())
    }

    /// The note, if it stands in this section.
    pub fn note_in(&self, section: &str) -> Option<&Note> {
        let here = |note: &&Note| note.section.as_deref() == Some(section);
        self.note.as_ref().filter(here)
    }

    pub fn t(&self, key: &str) -> String {
        self.words.text(key)
    }

    /// The words for a value of the API: its code behind a prefix.
    pub fn word(&self, prefix: &str, value: &(impl Serialize + ?Sized)) -> String {
        self.words.text(&format!("{prefix}-{}", code(value)))
    }

    /// A sentence with one number in it, which it calls `days` or `count`.
    pub fn number(&self, key: &str, number: impl std::fmt::Display) -> String {
        let number = number.to_string();
        self.words.with(key, &[("days", &number), ("count", &number)])
    }

    /// The code of a value of the API, as a class.
    #[expect(clippy::unused_self, reason = "templates know only the frame")]
    pub fn code(&self, value: &(impl Serialize + ?Sized)) -> String {
        code(value)
    }

    /// Who is signed in.
    pub fn who(&self) -> String {
        let name = &self.visitor.caller.name;
        if name == TOKEN_BEARER {
            return self.words.text("caller-token");
        }
        name.clone()
    }

    pub fn tag(&self) -> &'static str {
        self.visitor.language.tag()
    }

    pub fn other_language(&self) -> Language {
        self.visitor.language.other()
    }

    #[expect(clippy::unused_self, reason = "templates know only the frame")]
    pub fn style(&self) -> &'static str {
        Page::style()
    }

    pub fn csrf(&self) -> &str {
        &self.visitor.csrf
    }

    pub fn operator(&self) -> bool {
        self.visitor.may(Role::Operator)
    }

    pub fn admin(&self) -> bool {
        self.visitor.may(Role::Admin)
    }

    /// Whether they may speak of the whole installation.
    pub fn everywhere(&self) -> bool {
        self.admin() && self.visitor.caller.reach == Reach::Everything
    }

    pub fn role(&self) -> String {
        self.words.text(&format!(
            "console-role-{}",
            crate::access::name(self.visitor.caller.role)
        ))
    }

    /// A sentence of the API or of the table, in the visitor's language; one from outside is quoted.
    pub fn said(&self, sentence: &str) -> String {
        self.words.said(sentence).text
    }

    /// What a value of a record is called; its own name where nobody gave it another.
    pub fn value(&self, name: &str) -> String {
        let key = format!("value-{}", name.replace(['_', ' '], "-"));
        self.words.maybe(&key).unwrap_or_else(|| name.to_owned())
    }

    /// Why, in the visitor's language; what exactly is meant is in the words of the record.
    pub fn reason(&self, record: &OperationRecord) -> String {
        if self.visitor.language == Language::English {
            return record.reason_text.clone();
        }
        let base = self
            .words
            .text(&format!("reason-{}", record.reason.code().replace('_', "-")));
        match record.reason_text.split_once(": ") {
            Some((_, detail)) => format!("{base}：{}", self.said(detail)),
            None => base,
        }
    }
}

/// The code of a value of the API, as keys of words spell it.
pub fn code(value: &(impl Serialize + ?Sized)) -> String {
    let text = serde_json::to_value(value).ok();
    text.as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .replace('_', "-")
}

/// A page of the console.
pub fn page(template: &impl Template, status: StatusCode) -> Response {
    Page::of(template, status).with_script().into_response()
}
