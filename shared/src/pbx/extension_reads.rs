//! Reads extensions: all of them as rows, some of them in full.

use std::collections::{BTreeMap, BTreeSet};

use super::by_ids::{EXTENSIONS, Identified};
use super::client::PbxClient;
use super::error::code;
use super::listing::{ListedRow, Listing};
use super::system::reading;
use super::wire::{Detail, Row};
use crate::domain::extension::{Extension, ExtensionRow};
use crate::domain::ids::ExtensionId;
use crate::domain::number::ExtensionNumber;
use crate::ports::PhoneSystemError;

impl ListedRow for Row {
    fn id(&self) -> i64 {
        self.key()
    }
}

impl Identified for Detail {
    fn id(&self) -> i64 {
        self.key()
    }
}

impl PbxClient {
    pub(super) async fn list(&self) -> Result<Vec<ExtensionRow>, PhoneSystemError> {
        let listing = Listing {
            endpoint: "extension/list",
            search: None,
        };
        let rows = self.read_listing::<Row>(listing).await;
        let rows = rows.map_err(reading(listing.endpoint))?;
        Ok(rows.into_iter().map(ExtensionRow::from).collect())
    }

    /// The row of exactly this number; the search itself matches parts of every column.
    pub(super) async fn find_row(
        &self,
        number: &ExtensionNumber,
    ) -> Result<Option<ExtensionRow>, PhoneSystemError> {
        let listing = Listing {
            endpoint: "extension/search",
            search: Some(number.as_str()),
        };
        let rows = match self.read_listing::<Row>(listing).await {
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => return Ok(None),
            read => read.map_err(reading(listing.endpoint))?,
        };
        let mut rows = rows.into_iter().map(ExtensionRow::from);
        Ok(rows.find(|row| row.number == number.as_str()))
    }

    pub(super) async fn lookup(
        &self,
        number: &ExtensionNumber,
    ) -> Result<Option<Extension>, PhoneSystemError> {
        let Some(row) = self.find_row(number).await? else {
            return Ok(None);
        };
        let found = self.read_by_id::<Detail>(EXTENSIONS, row.id.0).await;
        Ok(found.map_err(reading(EXTENSIONS.one))?.map(Extension::from))
    }

    pub(super) async fn details(
        &self,
        ids: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, Extension>, PhoneSystemError> {
        let ids = ids.iter().map(|id| id.0).collect();
        let found = self.read_by_ids::<Detail>(EXTENSIONS, ids).await;
        let found = found.map_err(reading(EXTENSIONS.many))?;
        let extensions = found.into_values().map(Extension::from);
        Ok(extensions.map(|extension| (extension.id, extension)).collect())
    }
}
