//! Numbers as people type them, turned into what a phone can dial. International form where the number is a real one;
//! otherwise what was typed, less what the PBX refuses.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Longest number of a contact: P-Series contact parameters.
pub const MAX_NUMBER: usize = 31;

/// Words before an extension that the library does not know.
const EXTENSION_WORDS: [&str; 4] = ["转分机", "分机", "转", "轉"];

/// What may stand between two numbers in one field; each of them may also stand within one.
const BETWEEN: [char; 6] = ['/', ';', ',', '|', '\n', '、'];

/// The country of numbers without a country code.
#[derive(Debug, Clone, Copy)]
pub struct Country(Region);

impl Country {
    /// Two capital letters of ISO 3166 that name a country with a numbering plan.
    pub fn parse(text: &str) -> Option<Self> {
        let capital = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        let region = capital.then(|| text.parse::<Region>().ok()).flatten()?;
        // A region of the library without a plan of its own gives no number a country.
        PHONE_NUMBER_UTIL
            .get_country_code_for_region(region)
            .map(|_| Self(region))
    }
}

/// A number that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialable {
    /// At most 31 characters of those that the PBX takes.
    pub number: String,
    /// The extension behind it, which a contact on the PBX has no place for.
    pub extension: Option<String>,
    /// Whether it is a number of some country's plan, in international form.
    pub international: bool,
}

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDialable {
    /// There is no digit in it.
    NoDigits,
    /// More than the PBX takes.
    TooLong,
}

/// The numbers in one field; a field with two of them is read as two. Empty for an empty field.
pub fn numbers_in(text: &str, country: Country) -> Result<Vec<Dialable>, NotDialable> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(whole) = international(text, country) {
        return Ok(vec![whole]);
    }
    let parts: Vec<&str> = text
        .split(BETWEEN)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let each: Option<Vec<Dialable>> = parts.iter().map(|part| international(part, country)).collect();
    match each {
        Some(several) if several.len() > 1 => Ok(several),
        _ => as_typed(text).map(|number| vec![number]),
    }
}

fn international(text: &str, country: Country) -> Option<Dialable> {
    let mut plain = text.to_owned();
    for word in EXTENSION_WORDS {
        plain = plain.replace(word, " ext. ");
    }
    let parsed = PHONE_NUMBER_UTIL.parse(&plain, Some(country.0)).ok()?;
    if !PHONE_NUMBER_UTIL.is_valid_number(&parsed) {
        return None;
    }
    let extension = Some(parsed.extension()).filter(|digits| !digits.is_empty());
    let number = PHONE_NUMBER_UTIL
        .format(&parsed, PhoneNumberFormat::E164)
        .into_owned();
    (number.len() <= MAX_NUMBER).then(|| Dialable {
        number,
        extension: extension.map(str::to_owned),
        international: true,
    })
}

/// Short numbers, feature codes and mistyped numbers: somebody dials them, so they stay.
fn as_typed(text: &str) -> Result<Dialable, NotDialable> {
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let number: String = text.chars().filter_map(dialled).collect();
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return Err(NotDialable::NoDigits);
    }
    if number.len() > MAX_NUMBER {
        return Err(NotDialable::TooLong);
    }
    Ok(Dialable {
        number,
        extension: None,
        international: false,
    })
}

/// What a phone sends for a character. Letters are words around the number, not part of it.
fn dialled(character: char) -> Option<char> {
    match character {
        '0'..='9' | '+' | '*' | '#' => Some(character),
        // Digits of Chinese and Japanese keyboards.
        '０'..='９' => char::from_digit(u32::from(character) - u32::from('０'), 10),
        '＋' => Some('+'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, country: &str) -> Result<Vec<Dialable>, NotDialable> {
        numbers_in(text, Country::parse(country).unwrap())
    }

    fn full(number: &str, extension: Option<&str>) -> Vec<Dialable> {
        vec![Dialable {
            number: number.into(),
            extension: extension.map(str::to_owned),
            international: true,
        }]
    }

    fn typed(number: &str) -> Vec<Dialable> {
        vec![Dialable {
            number: number.into(),
            extension: None,
            international: false,
        }]
    }

    #[test]
    fn numbers_as_people_type_them() {
        let rows = [
            ("+33142764978", "US", Ok(full("+33142764978", None))),
            ("+1 650-253-0000", "CN", Ok(full("+16502530000", None))),
            ("010-6552 9988", "CN", Ok(full("+861065529988", None))),
            ("138 0013 8000", "CN", Ok(full("+8613800138000", None))),
            ("00 86 138 0013 8000", "CN", Ok(full("+8613800138000", None))),
            ("１３８００１３８０００", "CN", Ok(full("+8613800138000", None))),
            ("001 415 555 2671", "CN", Ok(full("+14155552671", None))),
            (
                "+86 10 6552 9988 转 8123",
                "CN",
                Ok(full("+861065529988", Some("8123"))),
            ),
            (
                "010-65529988分机8123",
                "CN",
                Ok(full("+861065529988", Some("8123"))),
            ),
            ("(0)30 5550 123", "DE", Ok(full("+49305550123", None))),
            ("+49 (0)170 5550 301", "DE", Ok(full("+491705550301", None))),
            ("0049 30 555 0123", "DE", Ok(full("+49305550123", None))),
            ("030/555-0123 ext. 77", "DE", Ok(full("+49305550123", Some("77")))),
            (
                "tel:+49-30-5550-123;ext=9",
                "DE",
                Ok(full("+49305550123", Some("9"))),
            ),
            ("+49 30 5550123 x12", "CN", Ok(full("+49305550123", Some("12")))),
            (
                "+44 20 7946 0018, 33#",
                "GB",
                Ok(full("+442079460018", Some("33"))),
            ),
            ("06 1234 5678", "IT", Ok(full("+390612345678", None))),
            ("+39 06 1234 5678", "DE", Ok(full("+390612345678", None))),
            ("1-800-FLOWERS", "US", Ok(full("+18003569377", None))),
            ("112", "DE", Ok(typed("112"))),
            ("2001", "CN", Ok(typed("2001"))),
            ("*31#030", "DE", Ok(typed("*31#030"))),
            ("tel:4711", "DE", Ok(typed("4711"))),
            ("+4915155501234567890", "DE", Ok(typed("+4915155501234567890"))),
            ("", "DE", Ok(Vec::new())),
            ("  ", "DE", Ok(Vec::new())),
            ("call Bob", "DE", Err(NotDialable::NoDigits)),
            (
                "+49 151 5550 1234 5678 9012 3456 7890 1234",
                "DE",
                Err(NotDialable::TooLong),
            ),
        ];
        for (text, country, expected) in rows {
            assert_eq!(read(text, country), expected, "{text} in {country}");
        }
    }

    #[test]
    fn two_numbers_in_one_field_are_two_numbers() {
        let both: Vec<String> = read("+49 151 5550 0123 / +49 30 123456", "DE")
            .unwrap()
            .into_iter()
            .map(|dialable| dialable.number)
            .collect();
        assert_eq!(both, ["+4915155500123", "+4930123456"]);
    }

    #[test]
    fn twenty_spellings_are_one_number() {
        let spellings = [
            "+86 10 6552 9988",
            "+861065529988",
            "0086 10 6552 9988",
            "00861065529988",
            "010 6552 9988",
            "010-65529988",
            "(010) 65529988",
            "(010)6552-9988",
            "010.6552.9988",
            "010/6552 9988",
            "+86-10-65529988",
            "+86 (10) 65529988",
            "+86 (0)10 6552 9988",
            "tel:+86-10-6552-9988",
            "＋86 10 6552 9988",
            "０１０６５５２９９８８",
            "86 10 65529988 ",
            " 010 65 52 99 88",
            "Tel. 010 65529988",
            "+86 010 6552 9988",
        ];
        for spelling in spellings {
            assert_eq!(
                read(spelling, "CN"),
                Ok(full("+861065529988", None)),
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_country_is_one_with_a_numbering_plan() {
        for good in ["CN", "DE", "US", "GB", "VA"] {
            assert!(Country::parse(good).is_some(), "{good}");
        }
        for bad in ["", "cn", "XX", "ZZ", "CHN", "001", "ÄÖ"] {
            assert!(Country::parse(bad).is_none(), "{bad}");
        }
    }
}
