//! The rules a written value must meet. All faults of a body are collected and refused together.

use serde_json::Value;

use super::behaviour::Behaviour;
use super::call::as_id;
use super::envelope::{Fields, Refusal, code};

/// Reads the keys of a body and remembers which were wrong.
pub struct Checker<'a> {
    fields: &'a Fields,
    behaviour: &'a Behaviour,
    invalid: Vec<&'a str>,
    mistyped: Vec<&'a str>,
}

impl<'a> Checker<'a> {
    pub fn new(fields: &'a Fields, behaviour: &'a Behaviour) -> Self {
        Self {
            fields,
            behaviour,
            invalid: Vec::new(),
            mistyped: Vec::new(),
        }
    }

    /// The value of a key; JSON `null` counts as absent.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// Blames every key of the list that is absent.
    pub fn require(&mut self, keys: &[&'a str]) {
        for key in keys {
            if self.value(key).is_none() {
                self.blame(key);
            }
        }
    }

    /// Blames a key, once.
    pub fn blame(&mut self, key: &'a str) {
        if !self.invalid.contains(&key) {
            self.invalid.push(key);
        }
    }

    /// A text that meets its rule.
    pub fn text(&mut self, key: &'a str, rule: impl Fn(&str) -> bool) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if rule(text) => Some(text.clone()),
            Value::String(_) => self.reject(key),
            _ => self.mistype(key),
        }
    }

    /// A text of at most so many characters.
    pub fn short(&mut self, key: &'a str, most: usize) -> Option<String> {
        let bytes = self.behaviour.lengths_in_bytes;
        self.text(key, |text| length(text, bytes) <= most)
    }

    /// A whole number between two bounds.
    pub fn int(&mut self, key: &'a str, least: i64, most: i64) -> Option<i64> {
        match self.value(key)?.as_i64() {
            Some(number) if (least..=most).contains(&number) => Some(number),
            Some(_) => self.reject(key),
            None => self.mistype(key),
        }
    }

    /// A list of ids.
    pub fn ids(&mut self, key: &'a str) -> Option<Vec<u32>> {
        let ids = self.list(key)?.iter().map(as_id).collect::<Option<Vec<_>>>();
        ids.or_else(|| self.mistype(key))
    }

    /// A list of anything.
    pub fn list(&mut self, key: &'a str) -> Option<&'a Vec<Value>> {
        let value = self.value(key)?;
        value.as_array().or_else(|| self.mistype(key))
    }

    /// Refuses when anything was blamed.
    pub fn finish(self) -> Result<(), Refusal> {
        if !self.invalid.is_empty() {
            return Err(Refusal::naming(
                code::PARAMETER,
                self.invalid.into_iter().chain(self.mistyped),
            ));
        }
        if self.mistyped.is_empty() {
            return Ok(());
        }
        Err(Refusal::naming(self.behaviour.wrong_type_errcode, self.mistyped))
    }

    fn reject<T>(&mut self, key: &'a str) -> Option<T> {
        self.blame(key);
        None
    }

    fn mistype<T>(&mut self, key: &'a str) -> Option<T> {
        self.mistyped.push(key);
        None
    }
}

/// How long a text counts.
pub fn length(text: &str, bytes: bool) -> usize {
    if bytes { text.len() } else { text.chars().count() }
}

/// Mobile numbers, caller ids, contact numbers: 31 of digits, letters, `( ) . - + * #`.
pub fn is_dialable(text: &str) -> bool {
    text.len() <= 31
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"().-+*#".contains(&byte))
}

/// Digits only, and no more than so many.
pub fn is_number(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// No mail at all, or `x@y.z` of the characters the PBX takes.
pub fn is_mail(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let characters = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"@_-.'".contains(&byte));
    let start = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let shape = match text.split_once('@') {
        Some((_, host)) => {
            let labels: Vec<&str> = host.split('.').collect();
            labels.len() >= 2 && labels.iter().all(|label| !label.is_empty()) && !host.contains('@')
        }
        None => false,
    };
    text.len() <= 255 && characters && start && shape
}

/// Digits, upper and lower case letters, 10 to 63 of them together.
pub fn is_user_password(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    (10..=63).contains(&text.chars().count())
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

/// Whether four digits stand side by side. "No four consecutive digits" may mean only runs such as
/// 1234; this reading covers that one too.
pub fn has_four_digits_in_a_row(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|part| part.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_follow_the_import_rules() {
        for good in ["", "ana.costa@example.com", "_x@a.b", "o'neil@a-b.co", "1@x.y"] {
            assert!(is_mail(good), "{good}");
        }
        for bad in [
            "ana", "ana@host", "a+b@x.y", ".a@x.y", "a b@x.y", "é@x.y", "a@@x.y", "a@x..y", "a@x.y.",
        ] {
            assert!(!is_mail(bad), "{bad}");
        }
    }

    #[test]
    fn passwords_need_three_kinds_and_ten_characters() {
        assert!(is_user_password("Zx7kQm92Lp"));
        for bad in ["Zx7kQm92L", "zx7kqm92lp", "ZX7KQM92LP", "ZxakQmbcLp"] {
            assert!(!is_user_password(bad), "{bad}");
        }
        assert!(has_four_digits_in_a_row("ab1739cd"));
        assert!(!has_four_digits_in_a_row("a173b9c5"));
    }
}
