//! What happened to objects: the lines of runs' reports and of objects' histories. A line is found by its run, its object
//! and its kind, so writing it again replaces it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, expiry, from_doc, nanos, number, row, text, to_doc};
use super::keys::{HISTORY_INDEX, Key, Partition, object_key};
use super::paging::{Listing, Page};
use crate::domain::ids::{ConnectionId, EntraUserId, SyncRunId};
use crate::domain::operation_record::OperationRecord;

/// A year of history, and a month to look back from its end.
const KEPT_DAYS: i64 = 400;
/// How long after a run was asked for its last record may be written: a held run waits for a person, and may be continued.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Serialize, Deserialize)]
struct RecordRow {
    doc: String,
    object_key: String,
    object_at: String,
    at_nanos: i64,
    target_id: Option<String>,
    expires_at: i64,
}

fn read(item: Row) -> Result<OperationRecord, StoreError> {
    let stored: RecordRow = body(item, "operation record")?;
    from_doc(&stored.doc, "operation record")
}

/// Sorts as the instants do; all are after 1970.
fn sortable(at: i64) -> String {
    format!("{:020}", at.max(0))
}

impl Store {
    fn record_row(connection: ConnectionId, record: &OperationRecord) -> Result<Row, StoreError> {
        let at = nanos(record.at);
        let stored = RecordRow {
            doc: to_doc(record)?,
            object_key: object_key(connection, &record.entra_id),
            object_at: sortable(at),
            at_nanos: at,
            target_id: record.target_id.clone(),
            expires_at: expiry(record.at, KEPT_DAYS),
        };
        row(&Key::record(connection, record), &stored)
    }

    pub(super) fn record_in(
        &self,
        connection: ConnectionId,
        record: &OperationRecord,
    ) -> Result<TransactWriteItem, StoreError> {
        Ok(self.put_in(Self::record_row(connection, record)?))
    }

    /// Stores records; those stored before are replaced. Repeating is safe.
    pub async fn append_records(
        &self,
        connection: ConnectionId,
        records: &[OperationRecord],
    ) -> Result<(), StoreError> {
        let rows = records
            .iter()
            .map(|record| Self::record_row(connection, record))
            .collect::<Result<Vec<_>, _>>()?;
        self.put_all(rows, "storing records").await
    }

    /// Stores one record that belongs to no run. The same again replaces it.
    pub async fn append_record(
        &self,
        connection: ConnectionId,
        record: &OperationRecord,
    ) -> Result<(), StoreError> {
        let row = Self::record_row(connection, record)?;
        self.put(row, "storing a record").await
    }

    /// A run's records, by kind of object, then object.
    pub async fn records_of_run(
        &self,
        connection: ConnectionId,
        run: SyncRunId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let listing = Listing::of(&Partition::records(connection)).starting_with(&format!("{run}#"));
        self.page(&listing, limit, cursor, "listing the records of a run")
            .await?
            .try_map(read)
    }

    /// What happened to one object, newest first: `object` is its id in the directory or the PBX's key, which is a number.
    /// The latter reads the connection's whole history of that time.
    pub async fn history(
        &self,
        connection: ConnectionId,
        object: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let listing = if object.parse::<u64>().is_err() {
            // Object ids are spelt either way, ids of contacts in one way alone.
            let spelt = EntraUserId::parse(object).map_or_else(|_| object.to_owned(), |id| id.to_string());
            let key = object_key(connection, &spelt);
            let (from, to) = (sortable(nanos(from)), sortable(nanos(to)));
            Listing::of_index(HISTORY_INDEX, "object_key", text(key))
                .between("object_at", text(from), text(to))
                .newest_first()
        } else {
            let target = (":target", text(object));
            of_time(
                connection,
                from,
                to,
                "at_nanos BETWEEN :first AND :last AND target_id = :target",
                Some(target),
            )
        };
        self.page(&listing, limit, cursor, "reading the history of an object")
            .await?
            .try_map(read)
    }

    /// What happened to all objects, newest run first.
    pub async fn history_all(
        &self,
        connection: ConnectionId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let listing = of_time(connection, from, to, "at_nanos BETWEEN :first AND :last", None);
        self.page(&listing, limit, cursor, "reading the history")
            .await?
            .try_map(read)
    }
}

/// Records lie by run id, which starts with the time in milliseconds at which the run was asked for.
fn of_time(
    connection: ConnectionId,
    from: Timestamp,
    to: Timestamp,
    filter: &str,
    more: Option<(&'static str, AttributeValue)>,
) -> Listing {
    let earliest = from.saturating_sub(LONGEST_RUN).unwrap_or(Timestamp::UNIX_EPOCH);
    let bounds = [(":first", number(nanos(from))), (":last", number(nanos(to)))];
    Listing::of(&Partition::records(connection))
        .between("sk", text(run_id_prefix(earliest)), text(run_id_prefix(to) + "~"))
        .filtered(filter, bounds.into_iter().chain(more))
        .newest_first()
}

/// The first 48 bits of ids made at that time, as they are written.
fn run_id_prefix(at: Timestamp) -> String {
    let hex = format!("{:012x}", at.as_millisecond().max(0));
    let (high, low) = hex.split_at_checked(8).unwrap_or((&hex, ""));
    format!("{high}-{low}")
}
