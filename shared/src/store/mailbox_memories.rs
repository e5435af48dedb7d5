//! What mailboxes held when they were last read: packed and sealed, because it is people's address books. The head is
//! written last and names the chunks it belongs to, so a memory that was cut short is not there at all.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Store;
use super::connection_secrets::bytes;
use super::error::{StoreError, corrupt};
use super::item::{Row, body, expiry, from_doc, instant, nanos, row, to_doc};
use super::keys::{Key, Partition};
use crate::domain::ids::ConnectionId;
use crate::domain::mailbox::{MailboxId, MailboxPurpose};
use crate::ports::MailboxMemory;

/// Items hold at most 400 KB.
const CHUNK_BYTES: usize = 300 * 1024;
/// Nobody asks for the memory of a mailbox that has not been read for so long.
const KEPT_DAYS: i64 = 60;

const WHAT: &str = "memory of a mailbox";

#[derive(Serialize, Deserialize)]
struct HeadRow {
    /// With which access it was read.
    access: String,
    /// First digits of the hash of the sealed bytes: which chunks are this head's.
    content: String,
    chunks: usize,
    /// The first chunk: most mailboxes have one.
    #[serde(with = "bytes")]
    first: Vec<u8>,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct ChunkRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct PurposesRow {
    #[serde(with = "bytes")]
    packed: Vec<u8>,
    at: i64,
}

/// What accounts' mailboxes are for, as far as that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPurposes {
    /// By account.
    pub purposes: BTreeMap<MailboxId, MailboxPurpose>,
    /// When the oldest of them was asked for.
    pub at: Timestamp,
}

fn head(connection: ConnectionId, mailbox: MailboxId) -> Key {
    Partition::mailboxes(connection).at(format!("{mailbox}"))
}

fn chunk(connection: ConnectionId, mailbox: MailboxId, content: &str, place: usize) -> Key {
    Partition::mailboxes(connection).at(format!("{mailbox}#{content}#{place:05}"))
}

impl Store {
    /// What is remembered of a mailbox that was read with this access.
    pub async fn mailbox_memory(
        &self,
        connection: ConnectionId,
        mailbox: MailboxId,
        access: &str,
    ) -> Result<Option<MailboxMemory>, StoreError> {
        const DOING: &str = "reading what a mailbox held";
        let Some(found) = self.get(&head(connection, mailbox), DOING).await? else {
            return Ok(None);
        };
        let found: HeadRow = body(found, WHAT)?;
        if found.access != access {
            return Ok(None);
        }
        let mut sealed = found.first;
        for place in 1..found.chunks {
            let item = self
                .get(&chunk(connection, mailbox, &found.content, place), DOING)
                .await?;
            // A chunk that a newer memory replaced meanwhile: the mailbox is read in full.
            let Some(item) = item else { return Ok(None) };
            sealed.append(&mut body::<ChunkRow>(item, WHAT)?.sealed);
        }
        let packed: String = self.unseal(connection, sealed, DOING).await?;
        unpack(&packed).map(Some)
    }

    /// Remembers what a mailbox holds. Of two at once either may stay: the older one only shows some changes again.
    pub async fn put_mailbox_memory(
        &self,
        connection: ConnectionId,
        mailbox: MailboxId,
        access: &str,
        memory: &MailboxMemory,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing what a mailbox holds";
        let before = self.get(&head(connection, mailbox), DOING).await?;
        let before = before.map(|found| body::<HeadRow>(found, WHAT)).transpose()?;
        let expires_at = expiry(self.clock().now(), KEPT_DAYS);
        let sealed = self.seal(connection, &pack(memory)?, DOING).await?;
        let content: String = hex::encode(Sha256::digest(&sealed)).chars().take(16).collect();
        let mut parts = sealed.chunks(CHUNK_BYTES);
        let first = parts.next().unwrap_or_default().to_vec();
        let rest = (1..).zip(parts).map(|(place, part)| {
            let stored = ChunkRow {
                sealed: part.to_vec(),
                expires_at,
            };
            row(&chunk(connection, mailbox, &content, place), &stored)
        });
        let rest = rest.collect::<Result<Vec<Row>, _>>()?;
        let stored = HeadRow {
            access: access.to_owned(),
            content,
            chunks: rest.len() + 1,
            first,
            expires_at,
        };
        if !rest.is_empty() {
            self.put_all(rest, DOING).await?;
        }
        self.put(row(&head(connection, mailbox), &stored)?, DOING).await?;
        for place in 1..before.as_ref().map_or(0, |old| old.chunks) {
            let content = before
                .as_ref()
                .map(|old| old.content.as_str())
                .unwrap_or_default();
            self.delete(&chunk(connection, mailbox, content, place), DOING)
                .await?;
        }
        Ok(())
    }

    /// What is known of the tenant's mailboxes.
    pub async fn mailbox_purposes(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<KnownPurposes>, StoreError> {
        const DOING: &str = "reading what mailboxes are for";
        let Some(found) = self.get(&Key::mailbox_purposes(connection), DOING).await? else {
            return Ok(None);
        };
        let found: PurposesRow = body(found, "purposes of mailboxes")?;
        Ok(Some(KnownPurposes {
            purposes: from_doc(&inflate(&found.packed)?, "purposes of mailboxes")?,
            at: instant(found.at),
        }))
    }

    /// Replaces what is known of the tenant's mailboxes.
    pub async fn put_mailbox_purposes(
        &self,
        connection: ConnectionId,
        known: &KnownPurposes,
    ) -> Result<(), StoreError> {
        let stored = PurposesRow {
            packed: deflate(&to_doc(&known.purposes)?)?,
            at: nanos(known.at),
        };
        let item = row(&Key::mailbox_purposes(connection), &stored)?;
        self.put(item, "storing what mailboxes are for").await
    }
}

/// Sealing takes text.
fn pack(memory: &MailboxMemory) -> Result<String, StoreError> {
    Ok(STANDARD_NO_PAD.encode(deflate(&to_doc(memory)?)?))
}

fn unpack(packed: &str) -> Result<MailboxMemory, StoreError> {
    let bytes = STANDARD_NO_PAD.decode(packed).map_err(corrupt(WHAT))?;
    from_doc(&inflate(&bytes)?, WHAT)
}

fn deflate(doc: &str) -> Result<Vec<u8>, StoreError> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
    packer.write_all(doc.as_bytes()).map_err(corrupt(WHAT))?;
    packer.finish().map_err(corrupt(WHAT))
}

fn inflate(bytes: &[u8]) -> Result<String, StoreError> {
    let mut doc = String::new();
    DeflateDecoder::new(bytes)
        .read_to_string(&mut doc)
        .map_err(corrupt(WHAT))?;
    Ok(doc)
}
