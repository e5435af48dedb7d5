//! Who may use the console through a connection's tenant. Whoever replaces the list names the one they read.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, number, row, to_doc};
use super::keys::Key;
use super::write::{Expression, VACANT, Written};
use super::{Page, Stale, Store, Version, Versioned};
use crate::domain::console_access::ConsoleAccess;
use crate::domain::ids::ConnectionId;

/// Before anybody wrote one.
const NONE_YET: Version = Version(0);

#[derive(Serialize, Deserialize)]
struct AccessRow {
    doc: String,
    ver: Version,
}

fn read(item: Row) -> Result<Versioned<ConsoleAccess>, StoreError> {
    let stored: AccessRow = body(item, "list of who may use the console")?;
    Ok(Versioned {
        value: from_doc(&stored.doc, "list of who may use the console")?,
        version: stored.ver,
    })
}

impl Store {
    /// The list; empty before anybody wrote one.
    pub async fn console_access(
        &self,
        connection: ConnectionId,
    ) -> Result<Versioned<ConsoleAccess>, StoreError> {
        let item = self
            .get(
                &Key::console_access(connection),
                "reading who may use the console",
            )
            .await?;
        let none = Versioned {
            value: ConsoleAccess::default(),
            version: NONE_YET,
        };
        item.map_or(Ok(none), read)
    }

    /// Those of the oldest connections, at most so many, whose list names anybody; a cursor where there are more connections.
    /// Two requests however many are asked about. May be a moment old.
    pub async fn connections_with_access(&self, most: usize) -> Result<Page<ConnectionId>, StoreError> {
        const DOING: &str = "reading which connections let people into the console";
        let ids = self.connection_ids(most, None, DOING).await?;
        let keys: Vec<Key> = ids.items.iter().map(|id| Key::console_access(*id)).collect();
        let rows = self.get_all_of_late(&keys, DOING).await?;
        let mut letting = Vec::new();
        for (id, key) in ids.items.into_iter().zip(&keys) {
            let list = rows.iter().find(|row| key.is_of(row)).cloned().map(read);
            if list
                .transpose()?
                .is_some_and(|list| !list.value.entries.is_empty())
            {
                letting.push(id);
            }
        }
        Ok(Page {
            items: letting,
            next_cursor: ids.next_cursor,
        })
    }

    /// Replaces the list that was read as this version.
    pub async fn put_console_access(
        &self,
        connection: ConnectionId,
        access: &ConsoleAccess,
        read_as: Version,
    ) -> Result<Result<Version, Stale>, StoreError> {
        const DOING: &str = "storing who may use the console";
        let next = read_as.next();
        let stored = AccessRow {
            doc: to_doc(access)?,
            ver: next,
        };
        let condition = if read_as == NONE_YET {
            Expression::new(VACANT)
        } else {
            Expression::new("ver = :ver").with(":ver", number(read_as.0))
        };
        let item = row(&Key::console_access(connection), &stored)?;
        match self.put_if(item, condition, DOING).await? {
            Written::Yes => Ok(Ok(next)),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<AccessRow>(found, "list of who may use the console"));
                let ours = found
                    .transpose()?
                    .is_some_and(|found| found.ver == next && found.doc == stored.doc);
                Ok(if ours { Ok(next) } else { Err(Stale) })
            }
        }
    }
}
