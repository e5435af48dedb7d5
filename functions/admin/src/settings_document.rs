//! A settings document from JSON: read section by section, so that one wrong section does not hide the next one's problems.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::domain::number::{ExtensionNumber, NumberRange};
use shared::domain::settings::{ConnectionSettings, UserSettings};
use shared::domain::settings_check::{FieldProblem, check};

use crate::body::{push_key, read};

/// Settings as the document that people read and write.
pub fn of(settings: &impl Serialize) -> Value {
    serde_json::to_value(settings).expect("settings are texts, numbers, lists and keys that are texts")
}

/// Good settings, or everything that is wrong with them.
pub fn parse(document: Value) -> Result<ConnectionSettings, Vec<FieldProblem>> {
    let Value::Object(sections) = document else {
        return Err(vec![FieldProblem::new("", "must be an object")]);
    };
    let mut reader = Reader {
        sections,
        problems: Vec::new(),
    };
    let settings = ConnectionSettings {
        schedule: reader.section("schedule"),
        change_sync: reader.section("change_sync"),
        users: reader.users(),
        groups: reader.section("groups"),
        contacts: reader.section("contacts"),
        presence: reader.section("presence"),
        sso: reader.section("sso"),
        safety: reader.section("safety"),
    };
    let mut problems = reader.finish();
    // A section that could not be read stands in with its defaults, which have no problems.
    problems.extend(check(&settings));
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(problems)
    }
}

struct Reader {
    sections: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl Reader {
    fn section<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        let Some(value) = self.sections.remove(name) else {
            return T::default();
        };
        read(value, &format!("/{name}")).unwrap_or_else(|problem| {
            self.problems.push(problem);
            T::default()
        })
    }

    fn users(&mut self) -> UserSettings {
        let wrong_number = self
            .sections
            .get("users")
            .and_then(|users| users.get("number"))
            .and_then(number_problem);
        match wrong_number {
            Some(problem) => {
                self.problems.push(problem);
                if let Some(Value::Object(users)) = self.sections.get_mut("users") {
                    users.remove("number");
                }
                self.section("users")
            }
            None => self.section("users"),
        }
    }

    fn finish(mut self) -> Vec<FieldProblem> {
        for name in self.sections.keys() {
            let mut pointer = String::new();
            push_key(&mut pointer, name);
            self.problems
                .push(FieldProblem::new(pointer, "is not a section of the settings"));
        }
        self.problems
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is used")]
struct Automatic {
    kind: String,
    start: ExtensionNumber,
    #[serde(default)]
    reserved: Vec<NumberRange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is used")]
struct Property {
    kind: String,
    name: String,
    #[serde(default)]
    last_digits: Option<u8>,
    #[serde(default)]
    reserved: Vec<NumberRange>,
}

/// The number rule is told apart by its kind, and such a value loses the way to the wrong field: read each kind by itself.
fn number_problem(number: &Value) -> Option<FieldProblem> {
    let at = "/users/number";
    match number.get("kind").and_then(Value::as_str) {
        Some("automatic") => read::<Automatic>(number.clone(), at).err(),
        Some("property") => read::<Property>(number.clone(), at).err(),
        _ => Some(FieldProblem::new(
            format!("{at}/kind"),
            "must be automatic or property",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(document: Value) -> Vec<String> {
        parse(document)
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.pointer)
            .collect()
    }

    #[test]
    fn wrong_shapes_and_wrong_values_are_named_together() {
        let wrong = pointers(json!({
            "schedule": {"time": "99:99"},
            "users": {"number": {"kind": "automatic", "start": "2a"}, "delete_grace_days": 999},
            "safety": {"max_removals": "many"},
            "role": "admin"
        }));
        assert_eq!(
            wrong,
            [
                "/users/number/start",
                "/safety/max_removals",
                "/role",
                "/schedule/time",
                "/users/delete_grace_days"
            ]
        );
    }

    #[test]
    fn the_number_rule_is_named_to_the_field() {
        for (number, pointer) in [
            (json!({"kind": "automatic"}), "/users/number/start"),
            (json!({"kind": "manual"}), "/users/number/kind"),
            (json!({}), "/users/number/kind"),
            (json!("2000"), "/users/number/kind"),
            (
                json!({"kind": "automatic", "start": "2000", "name": "x"}),
                "/users/number/name",
            ),
            (
                json!({"kind": "automatic", "start": "2000", "reserved": ["1-"]}),
                "/users/number/reserved/0",
            ),
            (
                json!({"kind": "property", "name": "employeeId", "last_digits": "4"}),
                "/users/number/last_digits",
            ),
        ] {
            assert_eq!(
                pointers(json!({"users": {"number": number}})),
                [pointer],
                "{number}"
            );
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(parse(json!({})).unwrap(), ConnectionSettings::default());
        assert_eq!(pointers(json!([])), [""]);
    }
}
