//! Which phonebooks somebody made visible in the PBX portal, as an admin says: the Open API neither sets that nor tells.
//! Known by the PBX's key, so that a phonebook which is made again starts anew.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, instant, nanos, row};
use super::keys::{Key, Partition};
use super::paging::Listing;
use crate::domain::ids::ConnectionId;
use crate::domain::phonebook::PhonebookId;

#[derive(Serialize, Deserialize)]
struct ShownRow {
    book: PhonebookId,
    at: i64,
}

fn key(connection: ConnectionId, book: PhonebookId) -> Key {
    Partition::shown_phonebooks(connection).at(book.to_string())
}

fn read(item: Row) -> Result<(PhonebookId, Timestamp), StoreError> {
    let stored: ShownRow = body(item, "phonebook that is shown")?;
    Ok((stored.book, instant(stored.at)))
}

impl Store {
    /// Phonebooks that are said to be visible, each with since when.
    pub async fn shown_phonebooks(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<PhonebookId, Timestamp>, StoreError> {
        let mut shown = BTreeMap::new();
        let listing = Listing::of(&Partition::shown_phonebooks(connection));
        self.each_row(&listing, "reading the phonebooks that are shown", |item| {
            let (book, at) = read(item)?;
            shown.insert(book, at);
            Ok(())
        })
        .await?;
        Ok(shown)
    }

    /// Takes down that a phonebook is visible since `at`; `None`: that it is not. Repeating is safe.
    pub async fn put_shown_phonebook(
        &self,
        connection: ConnectionId,
        book: PhonebookId,
        at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing that a phonebook is shown";
        let key = key(connection, book);
        let Some(at) = at else {
            return self.delete(&key, DOING).await;
        };
        let stored = ShownRow { book, at: nanos(at) };
        self.put(row(&key, &stored)?, DOING).await
    }
}
