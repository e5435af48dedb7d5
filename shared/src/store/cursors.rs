//! How far change reading has got. Sealed: the directory puts state tokens in its links.

use serde::{Deserialize, Serialize};

use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{body, row};
use super::keys::Key;
use super::{Lease, Store};
use crate::domain::ids::ConnectionId;
use crate::ports::Cursor;

#[derive(Serialize, Deserialize)]
struct CursorRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
    fingerprint: String,
}

impl Store {
    /// The cursor of a kind (`users`, `groups`) and the fingerprint of the settings it was made with.
    pub async fn cursor(
        &self,
        connection: ConnectionId,
        kind: &str,
    ) -> Result<Option<(Cursor, String)>, StoreError> {
        const DOING: &str = "reading a change cursor";
        let Some(item) = self.get(&Key::cursor(connection, kind), DOING).await? else {
            return Ok(None);
        };
        let stored: CursorRow = body(item, "change cursor")?;
        let link: String = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some((Cursor(link), stored.fingerprint)))
    }

    /// Replaces a cursor. [`StoreError::Conflict`]: the lease is lost.
    pub async fn put_cursor(
        &self,
        lease: &Lease,
        kind: &str,
        cursor: &Cursor,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing a change cursor";
        let stored = CursorRow {
            sealed: self.seal(lease.connection, &cursor.0, DOING).await?,
            fingerprint: fingerprint.to_owned(),
        };
        let item = row(&Key::cursor(lease.connection, kind), &stored)?;
        self.transact(vec![self.lease_check(lease), self.put_in(item)], DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })
    }
}
