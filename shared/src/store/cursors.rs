//! How far change reading has got. Sealed: the directory puts state tokens in its links.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{Row, body, row};
use super::keys::Key;
use super::{Lease, Store};
use crate::domain::ids::ConnectionId;
use crate::ports::Cursor;

#[derive(Serialize, Deserialize)]
struct CursorRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
    fingerprint: String,
    /// Seconds since 1970.
    #[serde(default)]
    stored_at: i64,
}

/// A stored cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCursor {
    /// The cursor.
    pub cursor: Cursor,
    /// Of the settings it was made with.
    pub fingerprint: String,
    /// When it was stored.
    pub stored_at: Timestamp,
}

impl Store {
    /// The cursor of a kind.
    pub async fn cursor(
        &self,
        connection: ConnectionId,
        kind: &str,
    ) -> Result<Option<StoredCursor>, StoreError> {
        const DOING: &str = "reading a change cursor";
        let Some(item) = self.get(&Key::cursor(connection, kind), DOING).await? else {
            return Ok(None);
        };
        let stored: CursorRow = body(item, "change cursor")?;
        let link: String = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some(StoredCursor {
            cursor: Cursor(link),
            fingerprint: stored.fingerprint,
            stored_at: Timestamp::from_second(stored.stored_at).unwrap_or(Timestamp::UNIX_EPOCH),
        }))
    }

    /// Replaces a cursor of runs. [`StoreError::Conflict`]: the lease is lost.
    pub async fn put_cursor(
        &self,
        lease: &Lease,
        kind: &str,
        cursor: &Cursor,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing a change cursor";
        let item = self
            .cursor_row(lease.connection, kind, cursor, fingerprint)
            .await?;
        self.transact(vec![self.lease_check(lease), self.put_in(item)], DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })
    }

    /// Replaces a cursor of looks. Of two at once either may stay: the older one only shows some changes again.
    pub async fn put_look_cursor(
        &self,
        connection: ConnectionId,
        kind: &str,
        cursor: &Cursor,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        let item = self.cursor_row(connection, kind, cursor, fingerprint).await?;
        self.put(item, "storing the cursor of looks").await
    }

    async fn cursor_row(
        &self,
        connection: ConnectionId,
        kind: &str,
        cursor: &Cursor,
        fingerprint: &str,
    ) -> Result<Row, StoreError> {
        let stored = CursorRow {
            sealed: self
                .seal(connection, &cursor.0, "sealing a change cursor")
                .await?,
            fingerprint: fingerprint.to_owned(),
            stored_at: self.clock().now().as_second(),
        };
        row(&Key::cursor(connection, kind), &stored)
    }
}
