//! The keys that sign cookies. A cookie says what it is for, so that one kind never passes for another, and a forged one is
//! told without asking the table.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Keeps these proofs apart from any other use of a key.
const PURPOSE: &[u8] = b"cookie v1";

/// One key. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CookieKey([u8; 32]);

/// The key that signs, and the one before it, which is still believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieKeys {
    /// Signs.
    pub current: CookieKey,
    /// Signed before.
    pub previous: Option<CookieKey>,
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey([redacted])")
    }
}

impl From<CookieKey> for String {
    fn from(key: CookieKey) -> Self {
        hex::encode(key.0)
    }
}

impl TryFrom<String> for CookieKey {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl CookieKey {
    /// One that nobody can foretell.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    fn mac(&self, kind: &str, value: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in [PURPOSE, kind.as_bytes(), value.as_bytes()] {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl CookieKeys {
    /// The first.
    pub fn generate() -> Self {
        Self {
            current: CookieKey::generate(),
            previous: None,
        }
    }

    /// The next: what the present one signed is believed for one more turn.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self {
            current: CookieKey::generate(),
            previous: Some(self.current.clone()),
        }
    }

    /// `value`, which has no full stop in it, with the proof that it was made here for a cookie of this kind.
    pub fn sign(&self, kind: &str, value: &str) -> String {
        let proof = self.current.mac(kind, value).finalize().into_bytes();
        format!("{value}.{}", URL_SAFE_NO_PAD.encode(proof))
    }

    /// The value of a cookie of this kind that was made here; `None` for any other text.
    pub fn open<'a>(&self, kind: &str, signed: &'a str) -> Option<&'a str> {
        let (value, proof) = signed.split_once('.')?;
        let proof = URL_SAFE_NO_PAD.decode(proof).ok()?;
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter()
            .flatten()
            .any(|key| key.mac(kind, value).verify_slice(&proof).is_ok())
            .then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 41
    #[test]
    fn a_cookie_that_was_altered_cut_or_made_for_something_else_is_refused() {
        let keys = CookieKeys::generate();
        let signed = keys.sign("console", "secret-value");
        assert_eq!(keys.open("console", &signed), Some("secret-value"));
        assert_eq!(keys.open("me", &signed), None);
        for place in 0..signed.len() {
            let mut forged = signed.clone().into_bytes();
            if let Some(byte) = forged.get_mut(place) {
                *byte ^= 1;
            }
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(keys.open("console", &forged), None, "{place}");
            assert_eq!(keys.open("console", &signed[..place]), None, "{place}");
        }
        assert_eq!(keys.open("console", "é"), None);
    }

    // case: 41
    #[test]
    fn the_key_before_is_believed_and_a_retired_one_is_not() {
        let first = CookieKeys::generate();
        let signed = first.sign("console", "v");
        let second = first.turned();
        assert_eq!(second.open("console", &signed), Some("v"));
        assert_eq!(second.turned().open("console", &signed), None);
        assert_eq!(CookieKeys::generate().open("console", &signed), None);
    }

    // case: 63
    #[test]
    fn keys_survive_being_stored_and_print_nothing() {
        let keys = CookieKeys::generate().turned();
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(serde_json::from_str::<CookieKeys>(&text).unwrap(), keys);
        let printed = format!("{keys:?}");
        assert!(
            !printed.contains(&String::from(keys.current.clone())),
            "{printed}"
        );
    }
}
