//! What is due, over all connections, earliest first. Connections with nothing to do are not in the index at all.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use jiff::Timestamp;

use super::Store;
use super::error::{Cause, StoreError};
use super::item::{Row, instant, nanos, number, text};
use super::keys::{ALERTS, DUE_INDEX, DUE_SHARDS, PRESENCE, SECRET_CARE, WATCH};
use super::paging::Listing;
use crate::domain::ids::ConnectionId;

const DOING: &str = "looking for what is due";

/// What of a connection is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueWork {
    /// A run.
    Sync,
    /// How it follows its tenant.
    Watch,
    /// The end of the app's secret.
    SecretCare,
    /// What somebody is to be told.
    Alerts,
    /// Its presence.
    Presence,
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Since when.
    pub at: Timestamp,
    /// Of which connection.
    pub connection: ConnectionId,
    /// What.
    pub work: DueWork,
}

impl Store {
    /// What is due by `now`, earliest first, each work of a connection once, at most `limit`. The index follows the table
    /// within moments.
    pub async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let shards = (0..DUE_SHARDS).map(|shard| self.due_in_shard(shard, now, limit));
        let mut due: Vec<Due> = try_join_all(shards).await?.into_iter().flatten().collect();
        due.sort();
        // A run may be due for two reasons.
        let mut seen = BTreeSet::new();
        due.retain(|due| seen.insert((due.connection, due.work)));
        due.truncate(limit);
        Ok(due)
    }

    async fn due_in_shard(&self, shard: u8, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let listing = Listing::of_index(DUE_INDEX, "due_shard", text(shard)).between(
            "due_at",
            number(i64::MIN),
            number(nanos(now)),
        );
        let page = self.page(&listing, limit, None, DOING).await?;
        page.items.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Due, StoreError> {
    let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok());
    let connection = text("pk").and_then(|pk| ConnectionId::parse(pk.strip_prefix("C#")?).ok());
    let at = row
        .get("due_at")
        .and_then(|value| value.as_n().ok())
        .and_then(|nanos| nanos.parse().ok());
    let work = match text("sk").map(String::as_str) {
        Some(WATCH) => DueWork::Watch,
        Some(SECRET_CARE) => DueWork::SecretCare,
        Some(ALERTS) => DueWork::Alerts,
        Some(PRESENCE) => DueWork::Presence,
        _ => DueWork::Sync,
    };
    connection
        .zip(at)
        .map(|(connection, at)| Due {
            at: instant(at),
            connection,
            work,
        })
        .ok_or_else(|| StoreError::Corrupt {
            what: "entry of the due index",
            source: Cause("its key does not name a connection and a time".to_owned()),
        })
}
