//! A form as a page of ours sends it: fields by name, some of them several times. What nobody asks for is not looked at.

use std::collections::BTreeMap;

/// The fields of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, Vec<String>>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(body: &[u8]) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            fields
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self(fields)
    }

    /// The first value, without blanks around it; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).first().map_or("", |value| value.trim())
    }

    /// The first value as it was typed: for secrets.
    pub fn exact(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every field with each of its values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())))
    }

    /// Every value.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The lines of a text with many, without empty ones; commas part them too.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.exact(name)
            .split(['\n', '\r', ','])
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_filled_in() {
        let form =
            Form::parse(b"days=monday&days=friday&time=+23%3A59+&box=on&ids=a%0D%0A%0D%0Ab,c&secret=+x+");
        assert_eq!(form.all("days"), ["monday", "friday"]);
        assert_eq!((form.text("time"), form.exact("secret")), ("23:59", " x "));
        assert!(form.ticked("box") && !form.ticked("other"));
        assert_eq!(form.lines("ids"), ["a", "b", "c"]);
        assert_eq!(form.text("missing"), "");
    }
}
