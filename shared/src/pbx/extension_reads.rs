//! Reads extensions. A list is whole or an error: pages must add up to the total that each of them states.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::client::PbxClient;
use super::error::{Fault, code};
use super::system::reading;
use super::transport::Call;
use super::wire::{Data, Detail, Page, Row, count};
use crate::domain::extension::{Extension, ExtensionRow};
use crate::domain::ids::ExtensionId;
use crate::domain::number::ExtensionNumber;
use crate::ports::PhoneSystemError;

/// Asked for in this order: the most that any list is documented to take, then what clients are known to use with
/// success. A firmware may refuse a size or silently give less.
const PAGE_SIZES: [usize; 3] = [10_000, 1_000, 100];

/// Ids in one `extension/query`: keeps the URL under 2 KB.
const QUERY_BATCH: usize = 100;

/// A list that changes under the reader is read once more.
const LIST_TRIES: usize = 2;

/// Which rows to list.
#[derive(Clone, Copy)]
enum Listing<'a> {
    All,
    Matching(&'a str),
}

impl Listing<'_> {
    fn call(self, page: usize, size: usize) -> Call {
        let call = match self {
            Self::All => Call::read("extension/list"),
            Self::Matching(text) => Call::read("extension/search").with("search_value", text),
        };
        call.with("page", page.to_string())
            .with("page_size", size.to_string())
            .with("sort_by", "id")
            .with("order_by", "asc")
            .long()
    }
}

/// Rows gathered page by page.
struct Gathered {
    total: usize,
    rows: BTreeMap<ExtensionId, ExtensionRow>,
}

impl Gathered {
    /// Whether the page fits what was gathered: same total, as many rows as must stand on it, none seen before.
    fn take(&mut self, total: usize, rows: Vec<Row>, wanted: usize) -> bool {
        let mut fits = total == self.total && rows.len() == wanted;
        for row in rows {
            let row = ExtensionRow::from(row);
            fits &= self.rows.insert(row.id, row).is_none();
        }
        fits
    }
}

impl PbxClient {
    pub(super) async fn list(&self) -> Result<Vec<ExtensionRow>, PhoneSystemError> {
        self.read_listing(Listing::All)
            .await
            .map_err(reading("extension/list"))
    }

    /// The row of exactly this number; the search itself matches parts of every column.
    pub(super) async fn find_row(
        &self,
        number: &ExtensionNumber,
    ) -> Result<Option<ExtensionRow>, PhoneSystemError> {
        let rows = match self.read_listing(Listing::Matching(number.as_str())).await {
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => return Ok(None),
            read => read.map_err(reading("extension/search"))?,
        };
        Ok(rows.into_iter().find(|row| row.number == number.as_str()))
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

    async fn read_listing(&self, listing: Listing<'_>) -> Result<Vec<ExtensionRow>, Fault> {
        for _ in 0..LIST_TRIES {
            if let Some(rows) = self.read_pages(listing).await? {
                return Ok(rows);
            }
        }
        Err(Fault::Garbled("the pages of the list do not add up".to_owned()))
    }

    /// `None`: the pages do not fit together.
    async fn read_pages(&self, listing: Listing<'_>) -> Result<Option<Vec<ExtensionRow>>, Fault> {
        let (total, first) = self.first_page(listing).await?;
        // However many were asked for, this is how many the PBX puts on a page.
        let size = first.len();
        let mut gathered = Gathered {
            total,
            rows: BTreeMap::new(),
        };
        if !gathered.take(total, first, size) || size > total || (size == 0 && total > 0) {
            return Ok(None);
        }
        let last = if size == 0 { 1 } else { total.div_ceil(size) };
        let mut pages = stream::iter(2..=last)
            .map(|page| async move { Ok::<_, Fault>((page, self.page(listing, page, size).await?)) })
            .buffered(self.limiter.most());
        while let Some((page, (total, rows))) = pages.try_next().await? {
            let wanted = size.min(gathered.total.saturating_sub((page - 1) * size));
            if !gathered.take(total, rows, wanted) {
                return Ok(None);
            }
        }
        drop(pages);
        Ok(Some(gathered.rows.into_values().collect()))
    }

    async fn first_page(&self, listing: Listing<'_>) -> Result<(usize, Vec<Row>), Fault> {
        let mut refused = None;
        for size in PAGE_SIZES {
            match self.page(listing, 1, size).await {
                Err(fault) if fault.code() == Some(code::PARAMETER) => refused = Some(fault),
                read => return read,
            }
        }
        Err(refused.unwrap_or_else(|| Fault::Garbled("no page size is taken".to_owned())))
    }

    async fn page(&self, listing: Listing<'_>, page: usize, size: usize) -> Result<(usize, Vec<Row>), Fault> {
        let answer: Page<Row> = self.ask(&listing.call(page, size)).await?;
        let total = count(answer.total_number).map_err(Fault::Garbled)?;
        Ok((total, answer.data))
    }
}
