//! Reads extensions: all of them as rows, some of them in full.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::client::PbxClient;
use super::error::{Fault, code};
use super::listing::{ListedRow, Listing};
use super::system::reading;
use super::transport::Call;
use super::wire::{Data, Detail, Row};
use crate::domain::extension::{Extension, ExtensionRow};
use crate::domain::ids::ExtensionId;
use crate::domain::number::ExtensionNumber;
use crate::ports::PhoneSystemError;

/// Ids in one `extension/query`: keeps the URL under 2 KB.
const QUERY_BATCH: usize = 100;

impl ListedRow for Row {
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
        self.get(row.id).await.map_err(reading("extension/get"))
    }

    pub(super) async fn details(
        &self,
        ids: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, Extension>, PhoneSystemError> {
        let ids: Vec<ExtensionId> = ids.iter().copied().collect();
        let batches: Vec<Vec<ExtensionId>> = ids.chunks(QUERY_BATCH).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.batch(batch))
            .buffer_unordered(self.limiter.most())
            .try_fold(BTreeMap::new(), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            })
            .await
            .map_err(reading("extension/query"))
    }

    async fn batch(&self, ids: Vec<ExtensionId>) -> Result<BTreeMap<ExtensionId, Extension>, Fault> {
        let joined = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let call = Call::read("extension/query").with("ids", joined).long();
        let found = match self.ask::<Data<Vec<Detail>>>(&call).await {
            Ok(answer) => answer.data.into_iter().map(Extension::from).collect(),
            // One that is missing, or more than it takes, makes some firmware refuse or cut the whole batch.
            Err(fault)
                if matches!(
                    fault.code(),
                    Some(code::NOT_FOUND | code::PARTIAL | code::PARAMETER)
                ) =>
            {
                self.one_by_one(&ids).await?
            }
            Err(fault) => return Err(fault),
        };
        let asked: BTreeSet<ExtensionId> = ids.into_iter().collect();
        Ok(found
            .into_iter()
            .filter(|extension| asked.contains(&extension.id))
            .map(|extension| (extension.id, extension))
            .collect())
    }

    async fn one_by_one(&self, ids: &[ExtensionId]) -> Result<Vec<Extension>, Fault> {
        let found: Vec<Option<Extension>> = stream::iter(ids.to_vec())
            .map(|id| self.get(id))
            .buffer_unordered(self.limiter.most())
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn get(&self, id: ExtensionId) -> Result<Option<Extension>, Fault> {
        let call = Call::read("extension/get").with("id", id.to_string());
        match self.ask::<Data<Detail>>(&call).await {
            Ok(answer) => Ok(Some(answer.data.into())),
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
