//! What whoever connected left us to act in their name: a refresh token, sealed. Each use gives the next one, which takes
//! its place.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::Store;
use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{body, row};
use super::keys::Key;
use crate::domain::ids::ConnectionId;

#[derive(Serialize, Deserialize)]
struct GrantRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
}

impl Store {
    /// The refresh token of the authorised account.
    pub async fn delegated_grant(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<SecretString>, StoreError> {
        const DOING: &str = "reading the refresh token";
        let Some(item) = self.get(&Key::delegated_grant(connection), DOING).await? else {
            return Ok(None);
        };
        let stored: GrantRow = body(item, "refresh token")?;
        let token: String = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some(token.into()))
    }

    /// Stores it; `None` forgets it.
    pub async fn save_delegated_grant(
        &self,
        connection: ConnectionId,
        token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing the refresh token";
        let key = Key::delegated_grant(connection);
        let Some(token) = token else {
            return self.delete(&key, DOING).await;
        };
        let sealed = self.seal(connection, &token.expose_secret(), DOING).await?;
        self.put(row(&key, &GrantRow { sealed })?, DOING).await
    }
}
