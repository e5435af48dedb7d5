//! What groups that the settings name are called, as the directory said it last. For people who read the settings; no
//! decision is made by a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{body, from_doc, row, to_doc};
use super::keys::Key;
use crate::domain::ids::{ConnectionId, EntraGroupId};

const WHAT: &str = "names of groups";
/// Longest name that is kept: three lists of a thousand groups stay below the 400 KB of one item.
const MAX_NAME: usize = 60;

#[derive(Serialize, Deserialize)]
struct NamesRow {
    doc: String,
}

impl Store {
    /// The names that are known.
    pub async fn group_names(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<EntraGroupId, String>, StoreError> {
        let item = self
            .get(&Key::group_names(connection), "reading the names of groups")
            .await?;
        let Some(item) = item else {
            return Ok(BTreeMap::new());
        };
        let stored: NamesRow = body(item, WHAT)?;
        from_doc(&stored.doc, WHAT)
    }

    /// Keeps these names and no others. Repeating is safe.
    pub async fn put_group_names(
        &self,
        connection: ConnectionId,
        names: &BTreeMap<EntraGroupId, String>,
    ) -> Result<(), StoreError> {
        let cut: BTreeMap<EntraGroupId, String> = names
            .iter()
            .map(|(id, name)| (*id, name.chars().take(MAX_NAME).collect()))
            .collect();
        let stored = NamesRow { doc: to_doc(&cut)? };
        self.put(
            row(&Key::group_names(connection), &stored)?,
            "storing the names of groups",
        )
        .await
    }
}
