//! Long lists that are written and read as a whole: people left alone, removals that wait. Packed into few items; the
//! head is written last and names the chunks it belongs to, so a list that was cut short is not there at all.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Store;
use super::connection_secrets::bytes;
use super::error::{Cause, StoreError, corrupt};
use super::item::{Row, body, expiry, from_doc, row, to_doc};
use super::keys::{Key, Partition};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::operation_record::OperationRecord;

/// Items hold at most 400 KB; a batch of 25 at most 16 MB.
const CHUNK_BYTES: usize = 300 * 1024;
/// Runs that name a list live 90 days; a list that is still named is touched every week.
const KEPT_DAYS: i64 = 100;
const TOUCH_SECONDS: i64 = 7 * 86_400;

#[derive(Serialize, Deserialize)]
struct HeadRow {
    /// First digits of the hash of the packed bytes: which chunks are this head's.
    content: String,
    chunks: usize,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ChunkRow {
    #[serde(with = "bytes")]
    packed: Vec<u8>,
    expires_at: i64,
}

fn head(list: &Partition) -> Key {
    list.at("HEAD")
}

fn chunk(list: &Partition, content: &str, place: usize) -> Key {
    list.at(format!("{content}#{place:05}"))
}

fn pack(records: &[OperationRecord]) -> Result<Vec<u8>, StoreError> {
    const WHAT: &str = "list to be packed";
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
    packer
        .write_all(to_doc(&records)?.as_bytes())
        .map_err(corrupt(WHAT))?;
    packer.finish().map_err(corrupt(WHAT))
}

fn unpack(packed: &[u8]) -> Result<Vec<OperationRecord>, StoreError> {
    const WHAT: &str = "packed list";
    let mut doc = String::new();
    DeflateDecoder::new(packed)
        .read_to_string(&mut doc)
        .map_err(corrupt(WHAT))?;
    from_doc(&doc, WHAT)
}

fn list_of_skips(connection: ConnectionId, digest: &str) -> Partition {
    Partition::packed(connection, &format!("skips-{digest}"))
}

fn list_of_held(connection: ConnectionId, run: SyncRunId) -> Partition {
    Partition::packed(connection, &format!("held-{run}"))
}

impl Store {
    /// Stores a list of skipped people under its fingerprint. Where it is stored already nothing is written, but for its
    /// expiry once a week.
    pub async fn put_skips(
        &self,
        connection: ConnectionId,
        digest: &str,
        records: &[OperationRecord],
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing the skipped people";
        let list = list_of_skips(connection, digest);
        let wanted = expiry(self.clock().now(), KEPT_DAYS);
        if let Some(found) = self.get(&head(&list), DOING).await? {
            let found: HeadRow = body(found, "head of a packed list")?;
            if wanted - found.expires_at < TOUCH_SECONDS {
                return Ok(());
            }
        }
        self.put_list(&list, records, wanted, DOING).await
    }

    /// The list with this fingerprint; empty where there is none any more.
    pub async fn skips(
        &self,
        connection: ConnectionId,
        digest: &str,
    ) -> Result<Vec<OperationRecord>, StoreError> {
        self.list(&list_of_skips(connection, digest), "reading the skipped people")
            .await
    }

    /// Replaces the removals of a run that wait for a person.
    pub async fn put_held(
        &self,
        connection: ConnectionId,
        run: SyncRunId,
        records: &[OperationRecord],
    ) -> Result<(), StoreError> {
        let expires_at = expiry(self.clock().now(), KEPT_DAYS);
        let list = list_of_held(connection, run);
        self.put_list(&list, records, expires_at, "storing held removals")
            .await
    }

    /// The removals of a run that wait for a person; empty where none do.
    pub async fn held(
        &self,
        connection: ConnectionId,
        run: SyncRunId,
    ) -> Result<Vec<OperationRecord>, StoreError> {
        self.list(&list_of_held(connection, run), "reading held removals")
            .await
    }

    async fn put_list(
        &self,
        list: &Partition,
        records: &[OperationRecord],
        expires_at: i64,
        doing: &'static str,
    ) -> Result<(), StoreError> {
        let packed = pack(records)?;
        let content: String = hex::encode(Sha256::digest(&packed)).chars().take(16).collect();
        let rows = packed
            .chunks(CHUNK_BYTES)
            .enumerate()
            .map(|(place, part)| {
                let stored = ChunkRow {
                    packed: part.to_vec(),
                    expires_at,
                };
                row(&chunk(list, &content, place), &stored)
            })
            .collect::<Result<Vec<Row>, _>>()?;
        let chunks = rows.len();
        self.put_all(rows, doing).await?;
        let stored = HeadRow {
            content,
            chunks,
            expires_at,
        };
        self.put(row(&head(list), &stored)?, doing).await
    }

    async fn list(&self, list: &Partition, doing: &'static str) -> Result<Vec<OperationRecord>, StoreError> {
        let Some(found) = self.get(&head(list), doing).await? else {
            return Ok(Vec::new());
        };
        let found: HeadRow = body(found, "head of a packed list")?;
        let mut packed = Vec::new();
        for place in 0..found.chunks {
            let item = self.get(&chunk(list, &found.content, place), doing).await?;
            let item = item.ok_or_else(|| StoreError::Corrupt {
                what: "packed list",
                source: Cause(format!("chunk {place} is missing")),
            })?;
            packed.append(&mut body::<ChunkRow>(item, "chunk of a packed list")?.packed);
        }
        unpack(&packed)
    }
}
