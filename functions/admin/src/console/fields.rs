//! Fields of a form: each is named by the JSON pointer of what it sets, shows what was typed, and says beside itself what is
//! wrong with it.

mod mappings;

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;
use shared::domain::ids::{ConnectionId, EntraGroupId};
use shared::domain::settings::ExtensionPresence;
use shared::domain::settings_check::FieldProblem;
use web::Words;

/// A document under way: what is stored, or what somebody typed and what is wrong with it.
pub struct Fields {
    pub words: Words,
    doc: Value,
    problems: Vec<FieldProblem>,
    /// Where groups and mailboxes are searched, if they are.
    pick: Option<String>,
    /// What groups are called.
    names: BTreeMap<EntraGroupId, String>,
}

#[derive(Template)]
#[template(path = "field_input.html")]
struct Input<'a> {
    about: &'a About,
    kind: &'static str,
    value: String,
    required: bool,
}

#[derive(Template)]
#[template(path = "field_lines.html")]
struct Lines<'a> {
    about: &'a About,
    value: String,
    /// Id and name of what the lines name.
    named: Vec<(String, String)>,
    /// Where to search for more.
    pick: Option<String>,
    search: String,
}

#[derive(Template)]
#[template(path = "field_choice.html")]
struct Choice<'a> {
    about: &'a About,
    /// `radio` or `checkbox`.
    kind: &'static str,
    options: Vec<Choosable>,
}

#[derive(Template)]
#[template(path = "field_select.html")]
struct Select<'a> {
    about: &'a About,
    options: Vec<Choosable>,
}

#[derive(Template)]
#[template(path = "field_tick.html")]
struct Tick<'a> {
    about: &'a About,
    ticked: bool,
}

/// What every field has.
struct About {
    /// Also its JSON pointer.
    name: String,
    id: String,
    label: String,
    hint: Option<String>,
    error: Option<String>,
}

struct Choosable {
    value: String,
    label: String,
    chosen: bool,
}

impl About {
    /// What explains the field to who cannot see it.
    fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

impl Fields {
    pub fn new(words: Words, doc: Value, problems: Vec<FieldProblem>) -> Self {
        Self {
            words,
            doc,
            problems,
            pick: None,
            names: BTreeMap::new(),
        }
    }

    /// With buttons to search for groups and mailboxes of this connection, and the names of those chosen.
    pub fn with_pickers(self, connection: ConnectionId, names: BTreeMap<EntraGroupId, String>) -> Self {
        let pick = Some(format!("/console/connections/{connection}/pick"));
        Self { pick, names, ..self }
    }

    /// Where to search for what goes into a field: the page of its section.
    fn pick(&self, pointer: &str) -> Option<String> {
        let section = pointer.split('/').nth(1)?;
        self.pick.as_ref().map(|pick| format!("{pick}/{section}"))
    }

    /// Groups that are named by what is at a pointer, as far as their names are known.
    fn named(&self, pointer: &str) -> Vec<(String, String)> {
        let ids = self.doc.pointer(pointer).and_then(Value::as_array);
        let id = |value: &Value| EntraGroupId::parse(value.as_str()?).ok();
        ids.into_iter()
            .flatten()
            .filter_map(id)
            .filter_map(|id| Some((id.to_string(), self.names.get(&id)?.clone())))
            .collect()
    }

    fn about(&self, pointer: &str) -> About {
        let id = pointer.trim_start_matches('/').replace(['/', '_'], "-");
        About {
            name: pointer.to_owned(),
            label: self.words.text(&format!("f-{id}")),
            hint: self.words.maybe(&format!("f-{id}-hint")),
            error: self.error(pointer),
            id,
        }
    }

    /// What is wrong with several fields together, which no one of them can say.
    pub fn problem(&self, pointer: &str) -> Option<String> {
        let found = self.problems.iter().find(|problem| problem.pointer == pointer)?;
        Some(self.words.said(&found.detail).text)
    }

    fn error(&self, pointer: &str) -> Option<String> {
        let below = format!("{pointer}/");
        let found = self
            .problems
            .iter()
            .filter(|problem| problem.pointer == pointer || problem.pointer.starts_with(&below));
        let texts: Vec<String> = found
            .map(|problem| self.words.said(&problem.detail).text)
            .collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Whether something was typed there, or is wrong there: then it is not folded away.
    pub fn is_used(&self, pointer: &str) -> bool {
        self.doc.pointer(pointer).is_some() || self.error(pointer).is_some()
    }

    fn value(&self, pointer: &str) -> String {
        match self.doc.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn has(&self, pointer: &str, word: &str) -> bool {
        match self.doc.pointer(pointer) {
            Some(Value::String(text)) => text == word,
            Some(Value::Array(items)) => items.iter().any(|item| item == word),
            _ => false,
        }
    }

    fn input(&self, pointer: &str, kind: &'static str, required: bool) -> String {
        let value = if kind == "password" {
            String::new()
        } else {
            self.value(pointer)
        };
        let input = Input {
            about: &self.about(pointer),
            kind,
            value,
            required,
        };
        rendered(&input)
    }

    pub fn text(&self, pointer: &str) -> String {
        self.input(pointer, "text", false)
    }

    pub fn required(&self, pointer: &str) -> String {
        self.input(pointer, "text", true)
    }

    pub fn secret(&self, pointer: &str) -> String {
        self.input(pointer, "password", true)
    }

    pub fn optional_secret(&self, pointer: &str) -> String {
        self.input(pointer, "password", false)
    }

    pub fn time(&self, pointer: &str) -> String {
        self.input(pointer, "time", true)
    }

    /// One that may stand where nothing uses it: the usual one until another is typed, or it is emptied.
    pub fn time_or(&self, pointer: &str, usual: &str) -> String {
        let is_typed = self.doc.pointer(pointer).is_some();
        rendered(&Input {
            about: &self.about(pointer),
            kind: "time",
            value: if is_typed {
                self.value(pointer)
            } else {
                usual.to_owned()
            },
            required: false,
        })
    }

    pub fn date(&self, pointer: &str) -> String {
        self.input(pointer, "date", false)
    }

    pub fn number(&self, pointer: &str) -> String {
        self.input(pointer, "number", false)
    }

    fn lines_text(&self, pointer: &str) -> String {
        match self.doc.pointer(pointer) {
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// A list, one item a line.
    pub fn lines(&self, pointer: &str) -> String {
        let value = self.lines_text(pointer);
        rendered(&Lines {
            about: &self.about(pointer),
            value,
            named: self.named(pointer),
            pick: None,
            search: self.words.text("pick-search"),
        })
    }

    /// The same of groups, with their names and a way to search for them.
    pub fn groups(&self, pointer: &str) -> String {
        rendered(&Lines {
            about: &self.about(pointer),
            value: self.lines_text(pointer),
            named: self.named(pointer),
            pick: self.pick(pointer),
            search: self.words.text("pick-search"),
        })
    }

    /// Lines that are made of something else than texts, and searched for.
    pub fn lines_of(&self, pointer: &str, value: &str) -> String {
        rendered(&Lines {
            about: &self.about(pointer),
            value: value.to_owned(),
            named: Vec::new(),
            pick: self.pick(pointer),
            search: self.words.text("pick-search"),
        })
    }

    fn statuses(&self, pointer: &str) -> Vec<Choosable> {
        let option = |presence: ExtensionPresence| {
            let word = presence.wire();
            Choosable {
                value: word.to_owned(),
                label: self.words.text(&format!("status-{}", word.replace('_', "-"))),
                chosen: self.has(pointer, word),
            }
        };
        ExtensionPresence::ALL.into_iter().map(option).collect()
    }

    pub fn tick(&self, pointer: &str) -> String {
        rendered(&Tick {
            about: &self.about(pointer),
            ticked: self.doc.pointer(pointer) == Some(&Value::Bool(true)),
        })
    }

    /// Whether there is a part of the document at all. What is wrong inside it is said there.
    pub fn tick_part(&self, pointer: &str) -> String {
        let about = About {
            error: None,
            ..self.about(pointer)
        };
        rendered(&Tick {
            about: &about,
            ticked: self.doc.pointer(pointer).is_some_and(Value::is_object),
        })
    }

    fn options(&self, pointer: &str, words: &str) -> Vec<Choosable> {
        let id = pointer.trim_start_matches('/').replace(['/', '_'], "-");
        let option = |word: &str| Choosable {
            value: word.to_owned(),
            label: self.words.text(&format!("f-{id}-{}", word.replace('_', "-"))),
            chosen: self.has(pointer, word),
        };
        words.split(' ').map(option).collect()
    }

    /// One of these words.
    pub fn radios(&self, pointer: &str, words: &str) -> String {
        rendered(&Choice {
            about: &self.about(pointer),
            kind: "radio",
            options: self.options(pointer, words),
        })
    }

    /// Some of these words.
    pub fn ticks(&self, pointer: &str, words: &str) -> String {
        rendered(&Choice {
            about: &self.about(pointer),
            kind: "checkbox",
            options: self.options(pointer, words),
        })
    }

    /// One of these words, said as they are elsewhere.
    pub fn select(&self, pointer: &str, said_as: &str, words: &str) -> String {
        let option = |word: &str| Choosable {
            value: word.to_owned(),
            label: self.words.text(&format!("{said_as}-{word}")),
            chosen: self.has(pointer, word),
        };
        rendered(&Select {
            about: &self.about(pointer),
            options: words.split(' ').map(option).collect(),
        })
    }

    /// One status of an extension.
    pub fn status(&self, pointer: &str) -> String {
        rendered(&Select {
            about: &self.about(pointer),
            options: self.statuses(pointer),
        })
    }
}

fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a field could not be made");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use web::Language;

    use super::*;

    // case: 48
    #[test]
    fn a_field_shows_what_was_typed_escaped_and_what_is_wrong_with_it() {
        let doc = json!({"users": {"number": {"kind": "automatic", "start": "\"><script>x"}}});
        let problems = vec![FieldProblem::new("/users/number/start", "must be digits <b>")];
        let fields = Fields::new(Words(Language::English), doc, problems);
        let html = fields.text("/users/number/start");
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(
            html.contains("aria-invalid=\"true\"") && html.contains("must be digits"),
            "{html}"
        );
        assert!(html.contains("aria-describedby="), "{html}");
        let radios = fields.radios("/users/number/kind", "automatic property");
        assert_eq!(radios.matches("checked").count(), 1);
    }

    #[test]
    fn a_time_is_the_usual_one_until_another_is_typed_or_it_is_emptied() {
        let shown = |doc: Value| {
            let fields = Fields::new(Words(Language::English), doc, Vec::new());
            fields.time_or("/presence/office_hours/from", "08:00")
        };
        assert!(shown(json!({"presence": {}})).contains("value=\"08:00\""));
        for typed in ["09:30", ""] {
            let html = shown(json!({"presence": {"office_hours": {"from": typed}}}));
            assert!(html.contains(&format!("value=\"{typed}\"")), "{html}");
        }
    }

    // case: 63
    #[test]
    fn a_secret_is_never_shown_again() {
        let fields = Fields::new(
            Words(Language::English),
            json!({"client_secret": "canary"}),
            Vec::new(),
        );
        assert!(!fields.secret("/client_secret").contains("canary"));
    }
}
