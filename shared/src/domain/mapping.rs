//! From a person in the directory to the extension they should have. Pure; what does not fit the PBX's rules is
//! reported, never dropped in silence, and the same input always gives the same output.

use super::entra_user::EntraUser;
use super::extension::{Field, OwnedFields};
use super::number::{ExtensionNumber, NumberRange};

/// Names: P-Series extension parameters.
pub const MAX_NAME: usize = 63;
/// E-mail: P-Series extension parameters.
pub const MAX_EMAIL: usize = 255;
/// Mobile number: P-Series extension parameters.
pub const MAX_MOBILE: usize = 31;
/// Job title. The PBX documents no length; its other one-line texts take 127.
pub const MAX_TITLE: usize = 127;

/// The extension a person should have, as far as Entra decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredFields {
    /// Values within the PBX's rules.
    pub fields: OwnedFields,
    /// What had to be changed to get there.
    pub notes: Vec<FieldNote>,
}

/// A value that broke a rule of the PBX, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldNote {
    /// Of which field.
    pub field: Field,
    /// Which rule.
    pub problem: FieldProblem,
}

/// Which rule of the PBX a value broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldProblem {
    /// Cut to so many characters.
    Cut(usize),
    /// Left out: longer than so many characters, and useless when cut.
    TooLong(usize),
    /// Left out: not an address the PBX takes.
    NotAnAddress,
    /// Left out: no usable character in it.
    NothingUsable,
}

impl FieldNote {
    /// As a sentence.
    pub fn text(&self) -> String {
        let label = self.field.label();
        match self.problem {
            FieldProblem::Cut(limit) => {
                format!("{label} was cut to {limit} characters, the most the PBX takes")
            }
            FieldProblem::TooLong(limit) => {
                format!("{label} was left out: the PBX takes at most {limit} characters")
            }
            FieldProblem::NotAnAddress => format!(
                "{label} was left out: the PBX takes letters, digits, @ _ - . ' in the form name@domain.tld"
            ),
            FieldProblem::NothingUsable => {
                format!("{label} was left out: none of its characters is allowed on the PBX")
            }
        }
    }
}

/// What the person's extension should say. Without any name the number stands in as first name, as the PBX itself does.
pub fn desired_fields(user: &EntraUser, number: &ExtensionNumber) -> DesiredFields {
    let mut notes = Vec::new();
    let (first_name, last_name) = names(user, number, &mut notes);
    let fields = OwnedFields {
        first_name,
        last_name,
        email: email(user, &mut notes),
        mobile: mobile(user, &mut notes),
        title: line(user.job_title.as_deref(), Field::Title, MAX_TITLE, &mut notes),
    };
    DesiredFields { fields, notes }
}

/// The address the extension should have, lower-cased for comparing; `None` if it gets none.
pub fn address_key(user: &EntraUser) -> Option<String> {
    let address = email(user, &mut Vec::new());
    (!address.is_empty()).then(|| address.to_ascii_lowercase())
}

fn names(user: &EntraUser, number: &ExtensionNumber, notes: &mut Vec<FieldNote>) -> (String, String) {
    let first = line(user.given_name.as_deref(), Field::FirstName, MAX_NAME, notes);
    let last = line(user.surname.as_deref(), Field::LastName, MAX_NAME, notes);
    if !first.is_empty() || !last.is_empty() {
        return (first, last);
    }
    let shown = line(user.display_name.as_deref(), Field::FirstName, MAX_NAME, notes);
    let first = if shown.is_empty() {
        number.to_string()
    } else {
        shown
    };
    (first, String::new())
}

/// One line of text: control characters become spaces, runs of white space one space, ends are trimmed.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line of text, cut to so many characters.
fn line(value: Option<&str>, field: Field, limit: usize, notes: &mut Vec<FieldNote>) -> String {
    let clean = one_line(value.unwrap_or_default());
    if clean.chars().count() <= limit {
        return clean;
    }
    notes.push(FieldNote {
        field,
        problem: FieldProblem::Cut(limit),
    });
    clean
        .chars()
        .take(limit)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn email(user: &EntraUser, notes: &mut Vec<FieldNote>) -> String {
    let Some(address) = user.address().map(str::trim) else {
        return String::new();
    };
    let problem = if address.chars().count() > MAX_EMAIL {
        FieldProblem::TooLong(MAX_EMAIL)
    } else if !is_address(address) {
        FieldProblem::NotAnAddress
    } else {
        return address.to_owned();
    };
    notes.push(FieldNote {
        field: Field::Email,
        problem,
    });
    String::new()
}

/// The PBX's own rule: `x@y.z`, a few characters, starting with a letter, a digit or `_`.
pub(super) fn is_address(address: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '-' | '.' | '\'');
    let starts_well = address.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let Some((name, domain)) = address.split_once('@') else {
        return false;
    };
    let labels_filled = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    starts_well && !name.is_empty() && !domain.contains('@') && labels_filled && address.chars().all(allowed)
}

fn mobile(user: &EntraUser, notes: &mut Vec<FieldNote>) -> String {
    let written = user.mobile_phone.as_deref().unwrap_or_default().trim();
    let written = written.strip_prefix("tel:").unwrap_or(written);
    let allowed =
        |c: &char| c.is_ascii_alphanumeric() || matches!(c, '(' | ')' | '.' | '-' | '+' | '*' | '#');
    let kept: String = written.chars().filter(allowed).collect();
    let problem = if kept.chars().count() > MAX_MOBILE {
        FieldProblem::TooLong(MAX_MOBILE)
    } else if kept.is_empty() && !written.is_empty() {
        FieldProblem::NothingUsable
    } else {
        return kept;
    };
    notes.push(FieldNote {
        field: Field::Mobile,
        problem,
    });
    String::new()
}

/// What a person's property says of their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyNumber {
    /// This one.
    Found(ExtensionNumber),
    /// The property is empty.
    Empty,
    /// None of its values is a number, or it is one that is never given out.
    NoneFits,
}

/// The first value that fits: digits alone, or with `last_digits` the last so many of them.
pub fn number_from_property(
    values: &[String],
    last_digits: Option<u8>,
    reserved: &[NumberRange],
) -> PropertyNumber {
    let filled: Vec<&str> = values
        .iter()
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
        .collect();
    if filled.is_empty() {
        return PropertyNumber::Empty;
    }
    let allowed = |number: &ExtensionNumber| !reserved.iter().any(|range| range.contains(number));
    let fitting = filled
        .into_iter()
        .filter_map(|value| read_number(value, last_digits))
        .find(allowed);
    fitting.map_or(PropertyNumber::NoneFits, PropertyNumber::Found)
}

fn read_number(value: &str, last_digits: Option<u8>) -> Option<ExtensionNumber> {
    let Some(wanted) = last_digits else {
        return ExtensionNumber::parse(value).ok();
    };
    let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
    let start = digits.len().checked_sub(usize::from(wanted))?;
    let tail: String = digits.into_iter().skip(start).collect();
    ExtensionNumber::parse(&tail).ok()
}

#[cfg(test)]
mod tests;
