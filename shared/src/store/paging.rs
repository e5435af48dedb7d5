//! Reading lists page by page. A cursor says of which list it is and where in it to go on, so one of another list or
//! connection is refused; a page that ends the list has none.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::Store;
use super::error::{StoreError, unavailable};
use super::item::{Row, text};
use super::keys::Partition;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn try_map<U>(
        self,
        each: impl FnMut(T) -> Result<U, StoreError>,
    ) -> Result<Page<U>, StoreError> {
        Ok(Page {
            items: self.items.into_iter().map(each).collect::<Result<_, _>>()?,
            next_cursor: self.next_cursor,
        })
    }
}

/// What to read of a partition, table or index alike.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    index: Option<&'static str>,
    hash: (&'static str, AttributeValue),
    range: Option<Range>,
    filter: Option<Range>,
    newest_first: bool,
    of_late: bool,
}

#[derive(Debug, Clone)]
struct Range {
    text: String,
    values: Vec<(&'static str, AttributeValue)>,
}

/// How many times as many rows are asked for, each time that a filter left too few.
const FURTHER: i32 = 16;
/// As many rows of some 250 bytes as a page of the table holds, which ends at a megabyte.
const WHOLE_PAGE: i32 = 4_096;

/// Parts of the key that the partition does not give.
type Place = Vec<(String, String)>;

impl Listing {
    pub(super) fn of(partition: &Partition) -> Self {
        Self {
            index: None,
            hash: ("pk", partition.value()),
            range: None,
            filter: None,
            newest_first: false,
            of_late: false,
        }
    }

    pub(super) fn of_index(index: &'static str, hash: &'static str, value: AttributeValue) -> Self {
        Self {
            index: Some(index),
            hash: (hash, value),
            range: None,
            filter: None,
            newest_first: false,
            of_late: false,
        }
    }

    pub(super) fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// At half the price; may be a moment old.
    pub(super) fn of_late(mut self) -> Self {
        self.of_late = true;
        self
    }

    pub(super) fn starting_with(mut self, prefix: &str) -> Self {
        self.range = Some(Range {
            text: "begins_with(sk, :prefix)".to_owned(),
            values: vec![(":prefix", text(prefix))],
        });
        self
    }

    /// Both ends included.
    pub(super) fn between(mut self, name: &str, from: AttributeValue, to: AttributeValue) -> Self {
        self.range = Some(Range {
            text: format!("{name} BETWEEN :from AND :to"),
            values: vec![(":from", from), (":to", to)],
        });
        self
    }

    pub(super) fn filtered(
        mut self,
        text: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Self {
        self.filter = Some(Range {
            text: text.to_owned(),
            values: values.into_iter().collect(),
        });
        self
    }

    fn request(&self, store: &Store) -> QueryFluentBuilder {
        let mut condition = format!("{} = :hash", self.hash.0);
        let mut request = store
            .client()
            .query()
            .table_name(store.table())
            .set_index_name(self.index.map(str::to_owned))
            // An index cannot be read consistently.
            .consistent_read(self.index.is_none() && !self.of_late)
            .scan_index_forward(!self.newest_first)
            .expression_attribute_values(":hash", self.hash.1.clone());
        if let Some(range) = &self.range {
            condition = format!("{condition} AND {}", range.text);
        }
        for (name, value) in self.range.iter().chain(&self.filter).flat_map(|r| &r.values) {
            request = request.expression_attribute_values(*name, value.clone());
        }
        request
            .key_condition_expression(condition)
            .set_filter_expression(self.filter.as_ref().map(|filter| filter.text.clone()))
    }

    /// The attributes of a start key beside the hash.
    fn place_names(&self) -> &'static [&'static str] {
        match self.index {
            None => &["sk"],
            Some(_) => &["object_at", "pk", "sk"],
        }
    }

    fn start_key(&self, cursor: &str) -> Result<Row, StoreError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(cursor)
            .map_err(|_| StoreError::BadCursor)?;
        let (list, place): (String, Place) =
            serde_json::from_slice(&bytes).map_err(|_| StoreError::BadCursor)?;
        if list != self.name() {
            return Err(StoreError::BadCursor);
        }
        let names: Vec<&str> = place.iter().map(|(name, _)| name.as_str()).collect();
        if names != self.place_names() || place.iter().any(|(_, value)| value.is_empty()) {
            return Err(StoreError::BadCursor);
        }
        let mut key: Row = place
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect();
        key.insert(self.hash.0.to_owned(), self.hash.1.clone());
        Ok(key)
    }

    fn cursor(&self, last: &Row) -> Result<String, StoreError> {
        let place: Place = self
            .place_names()
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), last.get(*name)?.as_s().ok()?.clone())))
            .collect();
        let bytes = serde_json::to_vec(&(self.name(), place)).map_err(super::error::corrupt("cursor"))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Tells this list from others, and nobody anything else.
    fn name(&self) -> String {
        let (attribute, value) = &self.hash;
        let index = self.index.unwrap_or("table");
        let whole = format!("{index} {attribute} {}", value.as_s().map_or("", String::as_str));
        hex::encode(&Sha256::digest(whole)[..6])
    }
}

impl Store {
    /// Up to `limit` rows. One row more is asked for, so that a last page that is exactly full is known to be the last.
    pub(super) async fn page(
        &self,
        listing: &Listing,
        limit: usize,
        cursor: Option<&str>,
        doing: &'static str,
    ) -> Result<Page<Row>, StoreError> {
        let limit = limit.max(1);
        let mut ask = i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX);
        let mut start = cursor.map(|cursor| listing.start_key(cursor)).transpose()?;
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let request = listing
                .request(self)
                .limit(ask)
                .set_exclusive_start_key(start.take());
            let answer = self.patiently(|| request.clone().send()).await;
            // A made-up place that the table itself refuses is a bad cursor, not an outage.
            let answer = answer.map_err(|error| refused_place(cursor, error, doing))?;
            rows.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if rows.len() > limit || start.is_none() {
                break;
            }
            // A filter drops rows after the limit is counted. Most often it drops few; where it drops many, whole pages
            // are soon read.
            if listing.filter.is_some() && ask < WHOLE_PAGE {
                ask = ask.saturating_mul(FURTHER).min(WHOLE_PAGE);
            }
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|row| listing.cursor(row))
            .transpose()?;
        Ok(Page {
            items: rows,
            next_cursor,
        })
    }

    /// Hands every row to `each`, holding one page of the table's at a time.
    pub(super) async fn each_row(
        &self,
        listing: &Listing,
        doing: &'static str,
        mut each: impl FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let request = listing.request(self).set_exclusive_start_key(start.take());
            let answer = self
                .patiently(|| request.clone().send())
                .await
                .map_err(unavailable(doing))?;
            answer
                .items
                .unwrap_or_default()
                .into_iter()
                .try_for_each(&mut each)?;
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}

type QueryFailure = aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::query::QueryError>;

fn refused_place(cursor: Option<&str>, error: QueryFailure, doing: &'static str) -> StoreError {
    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
    let invalid = error
        .as_service_error()
        .is_some_and(|refused| refused.code() == Some("ValidationException"));
    if invalid && cursor.is_some() {
        return StoreError::BadCursor;
    }
    unavailable(doing)(error)
}
