//! Who may use the console through a connection's tenant. Whoever replaces the list names the one they read.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{body, from_doc, number, row, to_doc};
use super::keys::Key;
use super::write::{Expression, VACANT, Written};
use super::{Stale, Store, Version, Versioned};
use crate::domain::console_access::ConsoleAccess;
use crate::domain::ids::ConnectionId;

/// Before anybody wrote one.
const NONE_YET: Version = Version(0);

#[derive(Serialize, Deserialize)]
struct AccessRow {
    doc: String,
    ver: Version,
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
        let Some(item) = item else {
            return Ok(Versioned {
                value: ConsoleAccess::default(),
                version: NONE_YET,
            });
        };
        let stored: AccessRow = body(item, "list of who may use the console")?;
        Ok(Versioned {
            value: from_doc(&stored.doc, "list of who may use the console")?,
            version: stored.ver,
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
