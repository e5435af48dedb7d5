//! What is due, over all connections, earliest first. Connections with nothing to do are not in the index at all.

use futures::future::try_join_all;
use jiff::Timestamp;

use super::Store;
use super::error::{Cause, StoreError};
use super::item::{Row, instant, nanos, number, text};
use super::keys::{DUE_INDEX, DUE_SHARDS};
use super::paging::Listing;
use crate::domain::ids::ConnectionId;

const DOING: &str = "looking for what is due";

impl Store {
    /// Connections due by `now`, earliest first, at most `limit`. The index follows the table within moments.
    pub async fn due_connections(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(ConnectionId, Timestamp)>, StoreError> {
        let shards = (0..DUE_SHARDS).map(|shard| self.due_in_shard(shard, now, limit));
        let mut due: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        due.sort_by_key(|(connection, at)| (*at, *connection));
        due.truncate(limit);
        Ok(due)
    }

    async fn due_in_shard(
        &self,
        shard: u8,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(ConnectionId, Timestamp)>, StoreError> {
        let listing = Listing::of_index(DUE_INDEX, "due_shard", text(shard)).between(
            "due_at",
            number(i64::MIN),
            number(nanos(now)),
        );
        let page = self.page(&listing, limit, None, DOING).await?;
        page.items.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<(ConnectionId, Timestamp), StoreError> {
    let connection = row
        .get("pk")
        .and_then(|value| value.as_s().ok())
        .and_then(|pk| ConnectionId::parse(pk.strip_prefix("C#")?).ok());
    let at = row
        .get("due_at")
        .and_then(|value| value.as_n().ok())
        .and_then(|nanos| nanos.parse().ok());
    connection
        .zip(at.map(instant))
        .ok_or_else(|| StoreError::Corrupt {
            what: "entry of the due index",
            source: Cause("its key does not name a connection and a time".to_owned()),
        })
}
