//! API tokens. Only their SHA-256 is kept anywhere; the token itself is seen once, by whoever had it made.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use shared::domain::role::Role;
use shared::ports::Clock;
use shared::store::{ApiToken, Store, StoreError};
use subtle::ConstantTimeEq as _;

/// Begins every token, so that scanners for leaked secrets know one.
const PREFIX: &str = "yc_";

/// SHA-256 of a token. A token has 256 random bits, so a plain hash is as good as a slow one.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// Text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("64 hexadecimal digits expected: the SHA-256 of a token")]
pub struct InvalidTokenHash;

impl TokenHash {
    /// Of this token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse_hex(text: &str) -> Result<Self, InvalidTokenHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| InvalidTokenHash)?;
        Ok(Self(bytes))
    }

    /// 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Compares without telling by its duration where the first difference is.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A token that was just made.
#[derive(Debug)]
pub struct NewToken {
    /// What the caller must keep: it is shown once.
    pub secret: SecretString,
}

/// Makes a token and stores its hash.
pub async fn create_token(
    store: &Store,
    clock: &dyn Clock,
    role: Role,
    name: &str,
) -> Result<NewToken, StoreError> {
    let secret = SecretString::from(format!("{PREFIX}{}", hex::encode(rand::random::<[u8; 32]>())));
    let token = ApiToken {
        role,
        name: name.to_owned(),
        created_at: clock.now(),
        expires_at: None,
    };
    let hash = TokenHash::of(secret.expose_secret());
    store.put_api_token(&hash.hex(), &token).await?;
    Ok(NewToken { secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_hexadecimal_form() {
        let hash = TokenHash::of("yc_example");
        assert!(TokenHash::parse_hex(&hash.hex()).unwrap().matches(&hash));
        assert!(!TokenHash::of("yc_other").matches(&hash));
        assert_eq!(TokenHash::parse_hex("abc").unwrap_err(), InvalidTokenHash);
    }
}
