//! What whoever connected left us to act in their name: a refresh token that each use replaces by the next one. A port, so
//! that the client which uses it need not know where it is kept.

use std::error::Error;

use async_trait::async_trait;
use secrecy::SecretString;

/// The refresh token as it stands, and which writing of it that is.
#[derive(Debug, Clone)]
pub struct HeldGrant {
    /// The token.
    pub token: SecretString,
    /// Of this writing and no other.
    pub mark: String,
}

/// Where the refresh token of a connection's authorised account is kept.
#[async_trait]
pub trait AccountGrant: Send + Sync {
    /// The token as it stands; `None`: nobody left one, or it was forgotten.
    async fn load(&self) -> Result<Option<HeldGrant>, GrantStoreError>;
    /// Puts `next` in the place of `used`, unless somebody signed in or renewed it meanwhile: theirs stays then. The one
    /// that was used goes on working, so a renewal that is lost is only made again.
    async fn replace(&self, used: &HeldGrant, next: &SecretString) -> Result<(), GrantStoreError>;
}

/// The refresh token could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the refresh token of the authorised account could not be read or written")]
pub struct GrantStoreError(#[source] pub Box<dyn Error + Send + Sync>);
