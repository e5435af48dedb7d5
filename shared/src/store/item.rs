//! Items as the table holds them: typed rows through serde, instants as nanoseconds since 1970. An absent value is an
//! absent attribute, because an index key may not be null.

pub(super) use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Cause, StoreError, corrupt};
use super::keys::Key;

/// An item.
#[expect(clippy::disallowed_types, reason = "the SDK's own shape of an item")]
pub(super) type Row = std::collections::HashMap<String, AttributeValue>;

/// A row at a place.
pub(super) fn row(key: &Key, body: &impl Serialize) -> Result<Row, StoreError> {
    let mut row: Row = serde_dynamo::to_item(body).map_err(corrupt("item to be written"))?;
    row.retain(|_, value| !value.is_null());
    row.extend(key.row());
    Ok(row)
}

/// The typed body of a row.
pub(super) fn body<T: DeserializeOwned>(row: Row, what: &'static str) -> Result<T, StoreError> {
    serde_dynamo::from_item(row).map_err(corrupt(what))
}

/// A domain value as one JSON text: cheaper in bytes than a map, and its shape stays the domain's own business.
pub(super) fn to_doc(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(corrupt("value to be written"))
}

/// The reverse of [`to_doc`].
pub(super) fn from_doc<T: DeserializeOwned>(doc: &str, what: &'static str) -> Result<T, StoreError> {
    // The words of a serde_json error may quote the value; its place is enough to find it.
    serde_json::from_str(doc).map_err(|error| StoreError::Corrupt {
        what,
        source: Cause(format!("{:?} at column {}", error.classify(), error.column())),
    })
}

/// A text attribute.
#[expect(
    clippy::needless_pass_by_value,
    reason = "ids are copied and texts borrowed at every call"
)]
pub(super) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Nanoseconds since 1970; instants after 2262 count as the end of that year.
pub(super) fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// The reverse of [`nanos`].
pub(super) fn instant(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos))
        .expect("64 bits of nanoseconds lie within the range of instants")
}

/// When an item may be deleted by the table, in the seconds that its TTL wants.
pub(super) fn expiry(from: Timestamp, days: i64) -> i64 {
    from.as_second().saturating_add(days.saturating_mul(86_400))
}
