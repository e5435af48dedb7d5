//! What is remembered of a connection's alerts. Everybody who writes it names the write they read, so that what happened
//! meanwhile is looked at again and nothing that was to be told is lost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, nanos, number, row, to_doc};
use super::keys::{Key, due_shard};
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use super::{Store, Version, Versioned};
use crate::domain::alert::AlertState;
use crate::domain::ids::ConnectionId;
use crate::telemetry::chain;

const WHAT: &str = "alerts of a connection";

#[derive(Serialize, Deserialize)]
struct AlertsRow {
    doc: String,
    rev: Version,
    /// Of the last write, so that one whose answer was lost is recognised.
    mark: String,
    due_at: i64,
    due_shard: String,
}

fn read(item: Row) -> Result<Versioned<AlertState>, StoreError> {
    let stored: AlertsRow = body(item, WHAT)?;
    Ok(Versioned {
        value: from_doc(&stored.doc, WHAT)?,
        version: stored.rev,
    })
}

impl Store {
    /// What is remembered; `None` before anybody asked for a look.
    pub async fn alerts(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<AlertState>>, StoreError> {
        let item = self.get(&Key::alerts(connection), "reading alerts").await?;
        item.map(read).transpose()
    }

    /// Writes what is still as it was read; `None`: as it was read there was nothing. `false`: somebody wrote meanwhile.
    pub async fn save_alerts(
        &self,
        connection: ConnectionId,
        state: &AlertState,
        read_as: Option<Version>,
    ) -> Result<bool, StoreError> {
        let stored = AlertsRow {
            doc: to_doc(state)?,
            rev: read_as.map_or(Version::FIRST, Version::next),
            mark: uuid::Uuid::new_v4().to_string(),
            due_at: nanos(state.due_at()),
            due_shard: due_shard(connection),
        };
        let condition = match read_as {
            None => Expression::new(VACANT),
            Some(version) => Expression::new("rev = :rev").with(":rev", number(version.0)),
        };
        let item = row(&Key::alerts(connection), &stored)?;
        match self.put_if(item, condition, "storing alerts").await? {
            Written::Yes => Ok(true),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<AlertsRow>(found, WHAT)).transpose()?;
                Ok(found.is_some_and(|found| found.mark == stored.mark))
            }
        }
    }

    /// Reads, lets `change` alter it, and writes if it did. Starts again if somebody wrote meanwhile.
    pub async fn change_alerts(
        &self,
        connection: ConnectionId,
        change: impl Fn(&mut AlertState),
    ) -> Result<(), StoreError> {
        self.with_alerts(connection, None, change).await
    }

    /// The same; with `begin`, what is not there yet begins with a look at that time.
    async fn with_alerts(
        &self,
        connection: ConnectionId,
        begin: Option<Timestamp>,
        change: impl Fn(&mut AlertState),
    ) -> Result<(), StoreError> {
        let mut patience = Patience::default();
        loop {
            let read = self.alerts(connection).await?;
            let version = read.as_ref().map(|read| read.version);
            let before = read.map(|read| read.value);
            let Some(mut changed) = before.clone().or(begin.map(AlertState::to_look_at)) else {
                return Ok(());
            };
            change(&mut changed);
            if before.as_ref() == Some(&changed) || self.save_alerts(connection, &changed, version).await? {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict {
                    doing: "changing alerts",
                });
            }
        }
    }

    /// Has somebody look at `at` at the latest whether a connection gives cause for an alert. Repeating is safe.
    pub async fn alerts_soon(&self, connection: ConnectionId, at: Timestamp) -> Result<(), StoreError> {
        self.with_alerts(connection, Some(at), |state| {
            state.look_at = state.look_at.min(at);
        })
        .await
    }

    /// The same for whoever has something of more weight to do: that it fails keeps nothing else from being done. Somebody
    /// looks once a day in any case.
    pub async fn ask_for_alerts(&self, connection: ConnectionId, at: Timestamp) {
        if let Err(error) = self.alerts_soon(connection, at).await {
            tracing::warn!(connection.id = %connection, error = %chain(&error), "a look at alerts could not be asked for");
        }
    }

    /// Forgets it all, with a connection that is gone or ended.
    pub async fn drop_alerts(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(&Key::alerts(connection), "forgetting alerts").await
    }
}
