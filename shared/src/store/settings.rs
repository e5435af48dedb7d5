//! Settings documents. Whoever replaces one names the version they read.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, number, row, text, to_doc};
use super::keys::Key;
use super::write::{Expression, Written};
use super::{Stale, Store, Version, Versioned};
use crate::domain::ids::ConnectionId;
use crate::domain::settings::ConnectionSettings;

#[derive(Serialize, Deserialize)]
struct SettingsRow {
    doc: String,
    ver: Version,
    /// Mark of the call that found the first enabled part.
    ever_enabled: Option<String>,
}

/// The first settings of a connection.
pub(super) fn settings_row(
    connection: ConnectionId,
    settings: &ConnectionSettings,
) -> Result<Row, StoreError> {
    let stored = SettingsRow {
        doc: to_doc(settings)?,
        ver: Version::FIRST,
        ever_enabled: None,
    };
    row(&Key::settings(connection), &stored)
}

impl Store {
    /// The settings of a connection; `None` without such a connection.
    pub async fn settings(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<ConnectionSettings>>, StoreError> {
        let item = self.get(&Key::settings(connection), "reading settings").await?;
        let Some(item) = item else { return Ok(None) };
        let stored: SettingsRow = body(item, "settings")?;
        Ok(Some(Versioned {
            value: from_doc(&stored.doc, "settings")?,
            version: stored.ver,
        }))
    }

    /// Replaces settings that are still at `expected`. The same again is fine.
    pub async fn put_settings(
        &self,
        connection: ConnectionId,
        settings: &ConnectionSettings,
        expected: Version,
    ) -> Result<Result<Version, Stale>, StoreError> {
        const DOING: &str = "saving settings";
        let next = expected.next();
        let doc = to_doc(settings)?;
        let update = Expression::new("SET doc = :doc, ver = :next")
            .with(":doc", text(&doc))
            .with(":next", number(next.0));
        let unchanged = Expression::new("ver = :expected").with(":expected", number(expected.0));
        let written = self
            .update_if(&Key::settings(connection), update, unchanged, DOING)
            .await?;
        match written {
            Written::Yes => Ok(Ok(next)),
            Written::Refused(None) => Err(StoreError::Missing { doing: DOING }),
            Written::Refused(Some(found)) => {
                let found: SettingsRow = body(found, "settings")?;
                let is_ours = found.ver == next && found.doc == doc;
                Ok(is_ours.then_some(next).ok_or(Stale))
            }
        }
    }

    /// Whether a part was enabled ever. `false` without such a connection.
    pub async fn ever_enabled(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        let item = self.get(&Key::settings(connection), "reading settings").await?;
        let row = item
            .map(|item| body::<SettingsRow>(item, "settings"))
            .transpose()?;
        Ok(row.is_some_and(|row| row.ever_enabled.is_some()))
    }

    /// `true` for one caller only in the life of a connection: the one that saved the first enabled part.
    pub async fn mark_ever_enabled(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        const DOING: &str = "marking the first enabled part";
        let mark = uuid::Uuid::new_v4().to_string();
        let update = Expression::new("SET ever_enabled = :mark").with(":mark", text(&mark));
        let condition = Expression::new("attribute_exists(pk) AND attribute_not_exists(ever_enabled)");
        let written = self
            .update_if(&Key::settings(connection), update, condition, DOING)
            .await?;
        match written {
            Written::Yes => Ok(true),
            Written::Refused(None) => Err(StoreError::Missing { doing: DOING }),
            Written::Refused(Some(found)) => {
                let found: SettingsRow = body(found, "settings")?;
                Ok(found.ever_enabled == Some(mark))
            }
        }
    }
}
