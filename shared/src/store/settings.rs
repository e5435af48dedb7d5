//! Settings documents. Whoever replaces one names the version they read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{AttributeValue, Row, body, from_doc, number, row, text, to_doc};
use super::keys::Key;
use super::write::{Expression, Written};
use super::{Stale, Store, Version, Versioned};
use crate::domain::ids::ConnectionId;
use crate::domain::part::Part;
use crate::domain::settings::ConnectionSettings;

#[derive(Serialize, Deserialize)]
struct SettingsRow {
    doc: String,
    ver: Version,
    /// Mark of the call that found the first enabled part.
    ever_enabled: Option<String>,
    /// Sections of the parts that were switched on at any time.
    #[serde(default)]
    was_on: Option<BTreeSet<String>>,
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
        was_on: None,
    };
    row(&Key::settings(connection), &stored)
}

pub(super) fn read(item: Row) -> Result<Versioned<ConnectionSettings>, StoreError> {
    let stored: SettingsRow = body(item, "settings")?;
    Ok(Versioned {
        value: from_doc(&stored.doc, "settings")?,
        version: stored.ver,
    })
}

impl Store {
    /// The settings of a connection; `None` without such a connection.
    pub async fn settings(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<ConnectionSettings>>, StoreError> {
        let item = self.get(&Key::settings(connection), "reading settings").await?;
        item.map(read).transpose()
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
        let on: Vec<String> = Part::ALL
            .into_iter()
            .filter(|part| part.is_on(settings))
            .map(|part| part.key().to_owned())
            .collect();
        let add = if on.is_empty() { "" } else { " ADD was_on :on" };
        let mut update = Expression::new(format!("SET doc = :doc, ver = :next{add}"))
            .with(":doc", text(&doc))
            .with(":next", number(next.0));
        if !on.is_empty() {
            update = update.with(":on", AttributeValue::Ss(on));
        }
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

    /// The parts that are paused: switched off now, and on at some time before. None without such a connection.
    pub async fn paused_parts(&self, connection: ConnectionId) -> Result<BTreeSet<Part>, StoreError> {
        let item = self.get(&Key::settings(connection), "reading settings").await?;
        let Some(item) = item else {
            return Ok(BTreeSet::new());
        };
        let stored: SettingsRow = body(item, "settings")?;
        let settings: ConnectionSettings = from_doc(&stored.doc, "settings")?;
        let was_on = stored.was_on.unwrap_or_default();
        let parts = was_on.iter().filter_map(|key| Part::named(key));
        Ok(parts.filter(|part| !part.is_on(&settings)).collect())
    }

    /// Whether [`Store::mark_ever_enabled`] was called; also without such a connection, for which nothing is to be started.
    pub async fn was_ever_enabled(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        let item = self.get(&Key::settings(connection), "reading settings").await?;
        let Some(item) = item else { return Ok(true) };
        let stored: SettingsRow = body(item, "settings")?;
        Ok(stored.ever_enabled.is_some())
    }

    /// `true` for one caller only in the life of a connection: the first after a part that is synced was switched on.
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
