//! The three lists that a run's operations are kept in, read as one in a stable order: what was tried, what was left alone,
//! what waits for a verdict.

use shared::domain::operation_record::OperationRecord;
use shared::domain::sync_run::{RunState, SyncRun};
use shared::store::{Store, StoreError};

use crate::problem::Problem;
use crate::query::PageRequest;

/// Records read at once for an export.
const EXPORT_PAGE: usize = 1000;

/// Where a page begins: within the records, or so far into the two other lists.
enum Position {
    Records(Option<String>),
    Rest(usize),
}

impl Position {
    fn parse(cursor: Option<&str>) -> Result<Self, Problem> {
        let wrong = || Problem::field("/cursor", "is not a cursor that this list gave out");
        match cursor.map(|cursor| cursor.split_once('.').ok_or_else(wrong)) {
            None => Ok(Self::Records(None)),
            Some(Ok(("records", cursor))) => Ok(Self::Records(Some(cursor.to_owned()))),
            Some(Ok(("rest", offset))) => offset.parse().map(Self::Rest).map_err(|_| wrong()),
            Some(_) => Err(wrong()),
        }
    }
}

/// One page and the next one's cursor.
pub async fn page(
    store: &Store,
    run: &SyncRun,
    page: &PageRequest,
) -> Result<(Vec<OperationRecord>, Option<String>), Problem> {
    let (mut items, offset) = match Position::parse(page.cursor.as_deref())? {
        Position::Rest(offset) => (Vec::new(), offset),
        Position::Records(cursor) => {
            let found = store
                .records_of_run(run.connection, run.id, page.limit, cursor.as_deref())
                .await?;
            if let Some(next) = found.next_cursor {
                return Ok((found.items, Some(format!("records.{next}"))));
            }
            (found.items, 0)
        }
    };
    let rest = rest(store, run).await?;
    let room = page.limit.saturating_sub(items.len());
    let end = offset.saturating_add(room).min(rest.len());
    let more = end < rest.len();
    items.extend(rest.into_iter().take(end).skip(offset));
    Ok((items, more.then(|| format!("rest.{end}"))))
}

/// All of them.
pub async fn all(store: &Store, run: &SyncRun) -> Result<Vec<OperationRecord>, StoreError> {
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let found = store
            .records_of_run(run.connection, run.id, EXPORT_PAGE, cursor.as_deref())
            .await?;
        items.extend(found.items);
        match found.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    items.extend(rest(store, run).await?);
    Ok(items)
}

async fn rest(store: &Store, run: &SyncRun) -> Result<Vec<OperationRecord>, StoreError> {
    let mut rest = match &run.skips {
        // Lists of equal content are kept once, under the run that met them first.
        Some(digest) => store.skips(run.connection, digest).await?,
        None => Vec::new(),
    };
    for skip in &mut rest {
        skip.run = run.id;
    }
    // After the verdict each of them is a record.
    if run.state == RunState::Held {
        rest.extend(store.held(run.connection, run.id).await?);
    }
    Ok(rest)
}
