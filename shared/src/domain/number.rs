//! Extension numbers: strings of digits whose leading zeros count.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::InvalidId;

/// Longest number that any P-Series firmware takes (older builds stop at 7 and answer for themselves).
pub const MAX_DIGITS: usize = 8;

/// The number people dial to reach an extension: 1 to 8 ASCII digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{1,8}$")]
pub struct ExtensionNumber(Box<str>);

impl ExtensionNumber {
    /// Refuses anything but 1 to 8 digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId {
                wanted: "1 to 8 digits",
            })
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The next number of the same length or longer; `None` past 99999999.
    pub fn successor(&self) -> Option<Self> {
        let value: u32 = self.0.parse().ok()?;
        let text = format!("{:0width$}", value + 1, width = self.0.len());
        Self::parse(&text).ok()
    }

    /// Order among numbers as people count them: shorter first, then by digits.
    pub fn counting_key(&self) -> (usize, &str) {
        (self.0.len(), &self.0)
    }
}

impl fmt::Display for ExtensionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExtensionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ExtensionNumber {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<ExtensionNumber> for String {
    fn from(number: ExtensionNumber) -> Self {
        number.0.into()
    }
}

/// One number or an inclusive range (`"2000-2010"`) that is never given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberRange {
    first: ExtensionNumber,
    last: ExtensionNumber,
}

impl utoipa::PartialSchema for NumberRange {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for NumberRange {}

impl NumberRange {
    /// Both ends have one length, so that `0099-100` cannot mean two things.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let wrong = InvalidId {
            wanted: "a number, or a range like 2000-2010 with ends of one length",
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first = ExtensionNumber::parse(first.trim()).map_err(|_| wrong.clone())?;
        let last = ExtensionNumber::parse(last.trim()).map_err(|_| wrong.clone())?;
        let ordered = first.as_str().len() == last.as_str().len() && first <= last;
        if ordered {
            Ok(Self { first, last })
        } else {
            Err(wrong)
        }
    }

    /// The upper end.
    pub fn last(&self) -> &ExtensionNumber {
        &self.last
    }

    /// Whether `number` lies inside, ends included.
    pub fn contains(&self, number: &ExtensionNumber) -> bool {
        number.counting_key() >= self.first.counting_key()
            && number.counting_key() <= self.last.counting_key()
    }
}

impl TryFrom<String> for NumberRange {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<NumberRange> for String {
    fn from(range: NumberRange) -> Self {
        if range.first == range.last {
            range.first.into()
        } else {
            format!("{}-{}", range.first, range.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_kept_when_counting_up() {
        let number = ExtensionNumber::parse("0099").unwrap();
        assert_eq!(number.successor().unwrap().as_str(), "0100");
        assert_eq!(
            ExtensionNumber::parse("99")
                .unwrap()
                .successor()
                .unwrap()
                .as_str(),
            "100"
        );
        assert!(ExtensionNumber::parse("99999999").unwrap().successor().is_none());
    }

    #[test]
    fn only_one_to_eight_digits_are_a_number() {
        for bad in ["", "12a", "123456789", "+12", " 12", "１２"] {
            assert!(ExtensionNumber::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_range_holds_both_ends_and_nothing_of_another_length() {
        let range = NumberRange::parse("2000-2010").unwrap();
        let holds = |n: &str| range.contains(&ExtensionNumber::parse(n).unwrap());
        assert!(holds("2000") && holds("2010") && holds("2005"));
        assert!(!holds("1999") && !holds("2011") && !holds("20005") && !holds("02005"));
        assert!(NumberRange::parse("2010-2000").is_err());
        assert!(NumberRange::parse("200-2000").is_err());
    }
}
