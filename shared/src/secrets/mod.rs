//! Sealing of secrets before they reach the table. A sealed value opens only under the connection it was sealed for, and
//! nothing of this module prints one.

mod data_key;
mod file_key;
mod kms;

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::ids::ConnectionId;

pub use file_key::{FileKeyError, FileKeySealer};
pub use kms::KmsSealer;

/// A sealed secret as it is stored: a format byte, then what that format needs.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Of stored bytes; whether they open is found out by opening them.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For storing.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals and opens secrets. Repeating is safe; two seals of one text differ.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Makes `plain` unreadable for everybody who lacks the key or names another connection.
    async fn seal(&self, context: ConnectionId, plain: &SecretString) -> Result<Sealed, SealError>;
    /// The text that was sealed under the same connection.
    async fn open(&self, context: ConnectionId, sealed: &Sealed) -> Result<SecretString, SealError>;
}

/// Why a secret could not be sealed or opened. Says nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Another key, another connection, or changed bytes. Repeating changes nothing.
    #[error("the stored secret does not open with this key for this connection")]
    DoesNotOpen,
    /// The cipher or the random source refused.
    #[error("the secret could not be sealed")]
    Cipher,
    /// The key service could not be asked, or refused. Worth another try later.
    #[error("the key service is not available")]
    KeyService(#[source] Box<dyn Error + Send + Sync>),
}
