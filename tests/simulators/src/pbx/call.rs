//! One API call after the transport was dealt with, and the parameters read from it.
//! A parameter that cannot be read is refused by name, never replaced by a default.

use std::collections::BTreeMap;

use serde_json::Value;

use super::behaviour::{Behaviour, TooMany};
use super::envelope::{Fields, Refusal, code};

/// The application whose credentials a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Application {
    Api,
    Sdk,
}

/// What a handler sees.
#[derive(Clone, Default)]
pub struct Call {
    pub query: BTreeMap<String, String>,
    pub body: Fields,
    /// Made by a person in the web portal: no token, and what only the portal can do is allowed.
    pub portal: bool,
}

impl Call {
    /// A call made in the portal.
    pub fn portal(body: Fields) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let query = body
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect();
        Self {
            query,
            body,
            portal: true,
        }
    }

    /// `id` of the query string.
    pub fn query_id(&self) -> Result<u32, Refusal> {
        self.query
            .get("id")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Refusal::parameter("id"))
    }

    /// `id` of the body.
    pub fn body_id(&self) -> Result<u32, Refusal> {
        self.body
            .get("id")
            .and_then(as_id)
            .ok_or_else(|| Refusal::parameter("id"))
    }

    /// `ids` of the query string, comma separated.
    pub fn query_ids(&self, behaviour: &Behaviour) -> Result<Vec<u32>, Refusal> {
        let wrong = || Refusal::parameter("ids");
        let text = self
            .query
            .get("ids")
            .filter(|ids| !ids.is_empty())
            .ok_or_else(wrong)?;
        let mut ids: Vec<u32> = text
            .split(',')
            .map(|id| id.trim().parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        let most = behaviour.max_query_ids.unwrap_or(usize::MAX);
        if ids.len() > most && behaviour.too_many_query_ids == TooMany::Refuse {
            return Err(wrong());
        }
        ids.truncate(most);
        Ok(ids)
    }
}

/// An id as a JSON number.
pub fn as_id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

/// Which rows of a list are wanted, and in what order.
pub struct Page {
    number: usize,
    size: usize,
    /// One of the names the endpoint allows.
    pub sort_by: Option<String>,
    descending: bool,
    /// Lower-case text of a `search` call.
    pub search: String,
}

/// Rows on a page: unless said otherwise, and at most.
#[derive(Clone, Copy)]
pub struct PageSize {
    pub default: usize,
    pub max: usize,
}

impl PageSize {
    /// For every list but contacts.
    pub fn usual(behaviour: &Behaviour) -> Self {
        Self {
            default: behaviour.page_size_default,
            max: behaviour.page_size_max,
        }
    }
}

impl Page {
    /// Reads the paging parameters of a call.
    pub fn read(call: &Call, sortable: &[&str], size: PageSize, strict: bool) -> Result<Self, Refusal> {
        let number = positive(call, "page", 1)?;
        let size = positive(call, "page_size", size.default)?.min(size.max);
        let sort_by = match call.query.get("sort_by").filter(|name| !name.is_empty()) {
            Some(name) if sortable.contains(&name.as_str()) => Some(name.clone()),
            Some(_) if strict => return Err(Refusal::parameter("sort_by")),
            _ => None,
        };
        let descending = match call.query.get("order_by").map(String::as_str) {
            None | Some("" | "asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Refusal::parameter("order_by")),
        };
        let search = call
            .query
            .get("search_value")
            .map(|text| text.to_lowercase())
            .unwrap_or_default();
        Ok(Self {
            number,
            size,
            sort_by,
            descending,
            search,
        })
    }

    /// The rows of this page out of all rows, which come in ascending order.
    pub fn cut<T>(&self, rows: Vec<T>) -> Vec<T> {
        let start = (self.number - 1).saturating_mul(self.size);
        if self.descending {
            rows.into_iter().rev().skip(start).take(self.size).collect()
        } else {
            rows.into_iter().skip(start).take(self.size).collect()
        }
    }

    /// Whether one of a row's columns contains the searched text.
    pub fn matches(&self, columns: &[&str]) -> bool {
        self.search.is_empty()
            || columns
                .iter()
                .any(|text| contains_ignoring_case(text, &self.search))
    }
}

fn positive(call: &Call, key: &str, default: usize) -> Result<usize, Refusal> {
    match call.query.get(key).filter(|text| !text.is_empty()) {
        None => Ok(default.max(1)),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| Refusal::naming(code::PARAMETER, [key])),
    }
}

/// Searches without copying where the text is ASCII: lists are long.
fn contains_ignoring_case(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        let (text, lower) = (text.as_bytes(), lower.as_bytes());
        text.windows(lower.len())
            .any(|part| part.eq_ignore_ascii_case(lower))
    } else {
        text.to_lowercase().contains(lower)
    }
}
