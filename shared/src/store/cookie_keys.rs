//! The keys that sign cookies: one set an installation, sealed, made by whoever asks first and turned once a month. The key
//! before stays good for a month, which is longer than any session lives.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{Row, body, row};
use super::keys::Key;
use super::webhook_key::installation;
use super::write::{Expression, VACANT, Written};
use super::{Store, Version};
use crate::domain::cookie_key::CookieKeys;

const DOING: &str = "reading the keys of the cookies";
/// After so long the keys are turned.
const TURN: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize, Deserialize)]
struct KeysRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
    rev: Version,
    made_at: i64,
}

impl Store {
    /// The keys of this installation's cookies.
    pub async fn cookie_keys(&self, now: Timestamp) -> Result<CookieKeys, StoreError> {
        let Some(item) = self.get(&Key::cookie_keys(), DOING).await? else {
            let row = self
                .keys_row(&CookieKeys::generate(), Version::FIRST, now)
                .await?;
            return self.keep_first(row, Expression::new(VACANT)).await;
        };
        let stored: KeysRow = body(item, "keys of the cookies")?;
        let made_at = Timestamp::from_second(stored.made_at).unwrap_or(Timestamp::UNIX_EPOCH);
        let rev = stored.rev;
        let keys = self.open_keys(stored).await?;
        if now.duration_since(made_at) < TURN {
            return Ok(keys);
        }
        let row = self.keys_row(&keys.turned(), rev.next(), now).await?;
        let as_read = Expression::new("rev = :rev").with(":rev", super::item::number(rev.0));
        self.keep_first(row, as_read).await
    }

    /// Of several who make or turn the keys at once, one does; all get what it left.
    async fn keep_first(&self, row: Row, condition: Expression) -> Result<CookieKeys, StoreError> {
        let ours: KeysRow = body(row.clone(), "keys of the cookies")?;
        match self.put_if(row, condition, DOING).await? {
            Written::Yes => self.open_keys(ours).await,
            Written::Refused(Some(theirs)) => self.open_keys(body(theirs, "keys of the cookies")?).await,
            Written::Refused(None) => Err(StoreError::Conflict { doing: DOING }),
        }
    }

    async fn keys_row(&self, keys: &CookieKeys, rev: Version, now: Timestamp) -> Result<Row, StoreError> {
        let sealed = self.seal(installation(), keys, DOING).await?;
        let stored = KeysRow {
            sealed,
            rev,
            made_at: now.as_second(),
        };
        row(&Key::cookie_keys(), &stored)
    }

    async fn open_keys(&self, stored: KeysRow) -> Result<CookieKeys, StoreError> {
        self.unseal(installation(), stored.sealed, DOING).await
    }
}
