//! Reads a list of the PBX to its end. A list is whole or an error: pages must add up to the total that each of them
//! states.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;

use super::client::PbxClient;
use super::error::{Fault, code};
use super::transport::Call;
use super::wire::{Page, count};

/// Asked for in this order: the most that any list is documented to take, then what clients are known to use with
/// success. A firmware may refuse a size or silently give less.
const PAGE_SIZES: [usize; 3] = [10_000, 1_000, 100];

/// A list that changes under the reader is read once more.
const LIST_TRIES: usize = 2;

/// A row that a list shows.
pub(super) trait ListedRow: DeserializeOwned + Send {
    /// The PBX's key: no row is on two pages.
    fn id(&self) -> i64;
}

/// Which rows to list.
#[derive(Clone, Copy)]
pub(super) struct Listing<'a> {
    pub endpoint: &'static str,
    /// For searches.
    pub search: Option<&'a str>,
}

impl Listing<'_> {
    fn call(self, page: usize, size: usize) -> Call {
        let call = Call::read(self.endpoint);
        let call = match self.search {
            Some(text) => call.with("search_value", text),
            None => call,
        };
        call.with("page", page.to_string())
            .with("page_size", size.to_string())
            .with("sort_by", "id")
            .with("order_by", "asc")
            .long()
    }
}

/// Rows gathered page by page.
struct Gathered<R> {
    total: usize,
    rows: BTreeMap<i64, R>,
}

impl<R: ListedRow> Gathered<R> {
    /// Whether the page fits what was gathered: same total, as many rows as must stand on it, none seen before.
    fn take(&mut self, total: usize, rows: Vec<R>, wanted: usize) -> bool {
        let mut fits = total == self.total && rows.len() == wanted;
        for row in rows {
            fits &= self.rows.insert(row.id(), row).is_none();
        }
        fits
    }
}

impl PbxClient {
    /// Every row, sorted by the PBX's key.
    pub(super) async fn read_listing<R: ListedRow>(&self, listing: Listing<'_>) -> Result<Vec<R>, Fault> {
        for _ in 0..LIST_TRIES {
            if let Some(rows) = self.read_pages(listing).await? {
                return Ok(rows);
            }
        }
        Err(Fault::Garbled("the pages of the list do not add up".to_owned()))
    }

    /// `None`: the pages do not fit together.
    async fn read_pages<R: ListedRow>(&self, listing: Listing<'_>) -> Result<Option<Vec<R>>, Fault> {
        let (total, first) = self.first_page::<R>(listing).await?;
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
            .map(|page| async move { Ok::<_, Fault>((page, self.page::<R>(listing, page, size).await?)) })
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

    async fn first_page<R: ListedRow>(&self, listing: Listing<'_>) -> Result<(usize, Vec<R>), Fault> {
        let mut refused = None;
        for size in PAGE_SIZES {
            match self.page(listing, 1, size).await {
                Err(fault) if fault.code() == Some(code::PARAMETER) => refused = Some(fault),
                read => return read,
            }
        }
        Err(refused.unwrap_or_else(|| Fault::Garbled("no page size is taken".to_owned())))
    }

    async fn page<R: ListedRow>(
        &self,
        listing: Listing<'_>,
        page: usize,
        size: usize,
    ) -> Result<(usize, Vec<R>), Fault> {
        let answer: Page<R> = self.ask(&listing.call(page, size)).await?;
        let total = count(answer.total_number).map_err(Fault::Garbled)?;
        Ok((total, answer.data))
    }
}
