//! Passwords for extensions that nobody is meant to sign in to by password. Random from the operating system,
//! within every rule that a firmware is known to have, and kept nowhere.

use secrecy::SecretString;

use crate::domain::extension::NewExtension;

/// About 115 bits of randomness.
const LENGTH: usize = 20;

const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness to be had")]
pub(super) struct NoRandomness;

/// What a create needs.
pub(super) struct GeneratedSecrets {
    pub(super) user_password: SecretString,
    pub(super) reg_password: SecretString,
    pub(super) reg_name: String,
}

impl GeneratedSecrets {
    pub(super) fn generate(wanted: &NewExtension) -> Result<Self, NoRandomness> {
        let forbidden = Forbidden::of(wanted);
        Ok(Self {
            user_password: forbidden.password()?.into(),
            reg_password: forbidden.password()?.into(),
            reg_name: format!("r{}", forbidden.password()?),
        })
    }
}

/// Texts that a password must not contain, in lower case.
struct Forbidden {
    letters: Vec<u8>,
    texts: Vec<String>,
}

impl Forbidden {
    fn of(wanted: &NewExtension) -> Self {
        let fields = &wanted.fields;
        let whole = [wanted.number.as_str(), &fields.first_name, &fields.last_name];
        let words = [&fields.first_name, &fields.last_name]
            .into_iter()
            .flat_map(|name| name.split_whitespace())
            .filter(|word| word.len() > 1);
        let texts = whole
            .into_iter()
            .chain(words)
            .map(|text| text.trim().to_lowercase());
        // A single character is kept out of the alphabet: nearly every random text would hold it.
        let (letters, texts) = texts
            .filter(|text| !text.is_empty())
            .partition::<Vec<_>, _>(|text| text.len() == 1);
        Self {
            letters: letters.iter().flat_map(|letter| letter.bytes()).collect(),
            texts,
        }
    }

    /// Draws until the rules are met; nearly every draw or every other one does.
    fn password(&self) -> Result<String, NoRandomness> {
        let alphabet: Vec<u8> = [DIGITS, LOWER, UPPER]
            .concat()
            .into_iter()
            .filter(|letter| !self.letters.contains(&letter.to_ascii_lowercase()))
            .collect();
        loop {
            let text = draw(&alphabet)?;
            if keeps_the_rules(&text) && !self.occurs_in(&text) {
                return Ok(text);
            }
        }
    }

    fn occurs_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.texts.iter().any(|forbidden| text.contains(forbidden))
    }
}

/// Every letter of the alphabet (at most 64) is equally likely: bytes beyond its length are thrown away.
fn draw(alphabet: &[u8]) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(LENGTH);
    let mut random = [0_u8; 64];
    while text.len() < LENGTH {
        aws_lc_rs::rand::fill(&mut random).map_err(|_| NoRandomness)?;
        let letters = random
            .iter()
            .filter_map(|byte| alphabet.get(usize::from(byte & 63)));
        text.extend(
            letters
                .take(LENGTH - text.len())
                .map(|letter| char::from(*letter)),
        );
    }
    Ok(text)
}

/// Digits, lower and upper case; never three digits in a row nor three of one digit, which is stricter than "four
/// consecutive" in each of its readings.
fn keeps_the_rules(text: &str) -> bool {
    let has = |kind: &[u8]| text.bytes().any(|byte| kind.contains(&byte));
    let long_run = text
        .as_bytes()
        .windows(3)
        .any(|run| run.iter().all(u8::is_ascii_digit));
    let repeated = DIGITS
        .iter()
        .any(|digit| text.bytes().filter(|byte| byte == digit).count() > 2);
    has(DIGITS) && has(LOWER) && has(UPPER) && !long_run && !repeated
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::domain::extension::OwnedFields;
    use crate::domain::number::ExtensionNumber;

    fn wanted(number: &str, first_name: &str, last_name: &str) -> NewExtension {
        NewExtension {
            number: ExtensionNumber::parse(number).unwrap(),
            fields: OwnedFields {
                first_name: first_name.to_owned(),
                last_name: last_name.to_owned(),
                ..OwnedFields::default()
            },
        }
    }

    /// The published rule, written independently of the generator.
    fn is_accepted(password: &str, wanted: &NewExtension) -> bool {
        let bytes = password.as_bytes();
        let contains =
            |text: &str| !text.is_empty() && password.to_lowercase().contains(&text.to_lowercase());
        let four = |judge: fn(&[u8]) -> bool| bytes.windows(4).any(judge);
        (10..=63).contains(&password.len())
            && bytes.iter().any(u8::is_ascii_digit)
            && bytes.iter().any(u8::is_ascii_lowercase)
            && bytes.iter().any(u8::is_ascii_uppercase)
            && bytes.iter().all(u8::is_ascii_alphanumeric)
            && !four(|run| run.iter().all(u8::is_ascii_digit))
            && !contains(wanted.number.as_str())
            && !contains(&wanted.fields.first_name)
            && !contains(&wanted.fields.last_name)
    }

    proptest! {
        #[test]
        fn every_password_is_within_the_rules(number in "[0-9]{1,8}", first in "[a-zA-Z0-9 ]{0,6}", last in "\\PC{0,5}") {
            let wanted = wanted(&number, first.trim(), last.trim());
            let made = GeneratedSecrets::generate(&wanted).unwrap();
            for password in [made.user_password.expose_secret(), made.reg_password.expose_secret()] {
                prop_assert!(is_accepted(password, &wanted), "{password} for {wanted:?}");
            }
            prop_assert!(made.reg_name.len() <= 63 && made.reg_name.starts_with('r'));
        }
    }

    #[test]
    fn one_letter_names_and_one_digit_numbers_are_kept_out() {
        let wanted = wanted("7", "E", "a");
        for _ in 0..50 {
            let made = GeneratedSecrets::generate(&wanted).unwrap();
            assert!(is_accepted(made.user_password.expose_secret(), &wanted));
        }
    }

    #[test]
    fn no_two_passwords_are_alike() {
        let wanted = wanted("2001", "Ana", "Costa");
        let all: std::collections::BTreeSet<String> = (0..100)
            .map(|_| GeneratedSecrets::generate(&wanted).unwrap())
            .flat_map(|made| [made.user_password, made.reg_password])
            .map(|password| password.expose_secret().to_owned())
            .collect();
        assert_eq!(all.len(), 200);
    }
}
