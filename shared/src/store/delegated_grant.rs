//! What whoever connected left us to act in their name: a refresh token, sealed. Each use gives the next one, which takes
//! its place; one that somebody's sign-in left meanwhile is not overwritten.

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Store;
use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{Row, body, row, text};
use super::keys::Key;
use super::write::Expression;
use crate::account_grant::{AccountGrant, GrantStoreError, HeldGrant};
use crate::domain::ids::ConnectionId;

const DOING: &str = "storing the refresh token";

#[derive(Serialize, Deserialize)]
struct GrantRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
    /// Of this writing and no other.
    mark: String,
}

/// The refresh token of one connection.
pub struct StoredGrant {
    store: Store,
    connection: ConnectionId,
}

impl Store {
    /// Where the refresh token of this connection's authorised account is kept.
    pub fn account_grant(&self, connection: ConnectionId) -> StoredGrant {
        StoredGrant {
            store: self.clone(),
            connection,
        }
    }

    /// The refresh token of the authorised account.
    pub async fn delegated_grant(&self, connection: ConnectionId) -> Result<Option<HeldGrant>, StoreError> {
        const DOING: &str = "reading the refresh token";
        let Some(item) = self.get(&Key::delegated_grant(connection), DOING).await? else {
            return Ok(None);
        };
        let stored: GrantRow = body(item, "refresh token")?;
        let token: String = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some(HeldGrant {
            token: token.into(),
            mark: stored.mark,
        }))
    }

    /// Stores the one that a sign-in left, whatever was there; `None` forgets it.
    pub async fn save_delegated_grant(
        &self,
        connection: ConnectionId,
        token: Option<&SecretString>,
    ) -> Result<(), StoreError> {
        let Some(token) = token else {
            return self.delete(&Key::delegated_grant(connection), DOING).await;
        };
        let item = self.grant_row(connection, token).await?;
        self.put(item, DOING).await
    }

    async fn grant_row(&self, connection: ConnectionId, token: &SecretString) -> Result<Row, StoreError> {
        let stored = GrantRow {
            sealed: self.seal(connection, &token.expose_secret(), DOING).await?,
            mark: Uuid::new_v4().to_string(),
        };
        row(&Key::delegated_grant(connection), &stored)
    }
}

#[async_trait]
impl AccountGrant for StoredGrant {
    async fn load(&self) -> Result<Option<HeldGrant>, GrantStoreError> {
        let held = self.store.delegated_grant(self.connection).await;
        held.map_err(|error| GrantStoreError(error.into()))
    }

    async fn replace(&self, used: &HeldGrant, next: &SecretString) -> Result<(), GrantStoreError> {
        let row = self.store.grant_row(self.connection, next).await;
        let row = row.map_err(|error| GrantStoreError(error.into()))?;
        let unchanged = Expression::new("mark = :mark").with(":mark", text(&used.mark));
        // Refused: another one is there, or none is wanted any more. An answer that was lost looks the same.
        let written = self.store.put_if(row, unchanged, DOING).await;
        written.map_err(|error| GrantStoreError(error.into()))?;
        Ok(())
    }
}
