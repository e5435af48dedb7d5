//! The property that a number rule names, and the texts found there. Anything that is neither text nor number is no
//! text: it is passed over, never an error.

use serde_json::Value;

use crate::domain::graph_properties::valid_number_property;

/// A property of the user resource, with the way into a nested one.
#[derive(Debug, Clone)]
pub(super) struct NumberPath {
    first: String,
    rest: Vec<String>,
}

impl NumberPath {
    /// Accepts what the settings accept.
    pub fn parse(path: &str) -> Result<Self, String> {
        valid_number_property(path)?;
        let mut parts = path.split('.').map(str::to_owned);
        let first = parts.next().unwrap_or_default();
        Ok(Self {
            first,
            rest: parts.collect(),
        })
    }

    /// The part that goes into `$select`.
    pub fn property(&self) -> &str {
        &self.first
    }

    /// The texts at the path below `value`, the value of [`NumberPath::property`].
    pub fn texts(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        collect(value, &self.rest, &mut found);
        found
    }
}

fn collect(value: &Value, rest: &[String], found: &mut Vec<String>) {
    match (value, rest) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, rest, found)),
        (Value::Object(fields), [name, deeper @ ..]) => {
            if let Some(field) = fields.get(name) {
                collect(field, deeper, found);
            }
        }
        (Value::String(text), []) if !text.is_empty() => found.push(text.clone()),
        (Value::Number(number), []) => found.push(number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_found_in_every_shape() {
        let rows = [
            ("mobilePhone", json!("+41 1"), vec!["+41 1"]),
            ("mobilePhone", json!(null), vec![]),
            ("mobilePhone", json!(""), vec![]),
            ("employeeId", json!(2001), vec!["2001"]),
            ("businessPhones", json!(["1", null, "2"]), vec!["1", "2"]),
            (
                "onPremisesExtensionAttributes.extensionAttribute1",
                json!({"extensionAttribute1": "7"}),
                vec!["7"],
            ),
            (
                "onPremisesExtensionAttributes.extensionAttribute1",
                json!({"extensionAttribute2": "7"}),
                vec![],
            ),
            (
                "onPremisesExtensionAttributes.extensionAttribute1",
                json!("7"),
                vec![],
            ),
            (
                "identities.issuerAssignedId",
                json!([{"issuerAssignedId": "7"}, {"issuer": "8"}]),
                vec!["7"],
            ),
            ("accountEnabled", json!(true), vec![]),
        ];
        for (path, value, expected) in rows {
            assert_eq!(
                NumberPath::parse(path).unwrap().texts(&value),
                expected,
                "{path} {value}"
            );
        }
    }
}
