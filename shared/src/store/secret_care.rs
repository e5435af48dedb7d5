//! What is remembered of looking after an app's secret: the last warning, and when to look again. Everybody who writes it
//! names the write they read, so that of several who look at once one goes on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, instant, nanos, number, row, to_doc};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use super::{Store, Version, Versioned};
use crate::domain::ids::ConnectionId;
use crate::domain::secret_warning::SecretWarning;

/// What is remembered of looking after an app's secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretCare {
    /// The last warning that was given.
    pub told: Option<SecretWarning>,
    /// When the app registration was asked last.
    pub asked_at: Option<Timestamp>,
    /// When to look again.
    #[serde(skip)]
    pub due_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct CareRow {
    doc: String,
    rev: Version,
    /// Of the last write, so that one whose answer was lost is recognised.
    mark: String,
    due_at: Option<i64>,
    due_shard: Option<String>,
}

fn read(item: Row) -> Result<Versioned<SecretCare>, StoreError> {
    let stored: CareRow = body(item, "care of a secret")?;
    let care: SecretCare = from_doc(&stored.doc, "care of a secret")?;
    Ok(Versioned {
        value: SecretCare {
            due_at: stored.due_at.map(instant),
            ..care
        },
        version: stored.rev,
    })
}

impl Store {
    /// What is remembered; `None` before anybody asked for care.
    pub async fn secret_care(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<SecretCare>>, StoreError> {
        let item = self
            .get(&Key::secret_care(connection), "reading the care of a secret")
            .await?;
        item.map(read).transpose()
    }

    /// Writes what is still as it was read; `None`: as it was read there was nothing. `false`: somebody wrote meanwhile.
    pub async fn save_secret_care(
        &self,
        connection: ConnectionId,
        care: &SecretCare,
        read_as: Option<Version>,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "storing the care of a secret";
        let stored = CareRow {
            doc: to_doc(care)?,
            rev: read_as.map_or(Version::FIRST, Version::next),
            mark: uuid::Uuid::new_v4().to_string(),
            due_at: care.due_at.map(nanos),
            due_shard: care.due_at.map(|_| due_shard(connection)),
        };
        let condition = match read_as {
            None => Expression::new(VACANT),
            Some(version) => Expression::new("rev = :rev").with(":rev", number(version.0)),
        };
        let item = row(&Key::secret_care(connection), &stored)?;
        match self.put_if(item, condition, DOING).await? {
            Written::Yes => Ok(true),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<CareRow>(found, "care of a secret"));
                Ok(found.transpose()?.is_some_and(|found| found.mark == stored.mark))
            }
        }
    }

    /// Has the secret of a connection looked after at `at` at the latest. Repeating is safe.
    pub async fn care_soon(&self, connection: ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        let mut patience = Patience::default();
        loop {
            let stored = self.secret_care(connection).await?;
            let (mut care, version) = stored.map_or_else(
                || (SecretCare::default(), None),
                |stored| (stored.value, Some(stored.version)),
            );
            care.due_at = Some(care.due_at.map_or(at, |due| due.min(at)));
            care.asked_at = None;
            if self.save_secret_care(connection, &care, version).await? {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict {
                    doing: "asking for the care of a secret",
                });
            }
        }
    }

    /// Forgets it all, with a connection that is gone or ended.
    pub async fn drop_secret_care(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(&Key::secret_care(connection), "forgetting the care of a secret")
            .await
    }
}
