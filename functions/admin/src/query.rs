//! Query strings: every key known, each once. A wrong one is named by its key, like a field of a body.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use jiff::Timestamp;
use shared::domain::settings_check::FieldProblem;

use crate::body::push_key;
use crate::problem::Problem;

/// Items of a page if the caller names no number.
const DEFAULT_LIMIT: usize = 100;
/// Most items of a page.
const MAX_LIMIT: usize = 1000;

/// The pairs of a query string.
pub struct Query {
    pairs: BTreeMap<String, String>,
    problems: Vec<FieldProblem>,
}

/// Which part of a list is wanted.
pub struct PageRequest {
    /// At most so many items.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RawQuery(text) = RawQuery::from_request_parts(parts, state)
            .await
            .unwrap_or_else(|never| match never {});
        Ok(Self::parse(text.as_deref().unwrap_or("")))
    }
}

impl Query {
    fn parse(text: &str) -> Self {
        let mut query = Self {
            pairs: BTreeMap::new(),
            problems: Vec::new(),
        };
        for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if query.pairs.contains_key(key.as_ref()) {
                query.refuse(&key, "is given twice");
            }
            query.pairs.insert(key.into_owned(), value.into_owned());
        }
        query
    }

    fn refuse(&mut self, key: &str, detail: &str) {
        let mut pointer = String::new();
        push_key(&mut pointer, key);
        self.problems.push(FieldProblem::new(pointer, detail));
    }

    /// Takes a text out.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.pairs.remove(key)
    }

    /// Takes a text out that must be there.
    pub fn required(&mut self, key: &str) -> String {
        let text = self.text(key).unwrap_or_default();
        if text.trim().is_empty() {
            self.refuse(key, "is needed");
        }
        text
    }

    /// Takes an instant out.
    pub fn instant(&mut self, key: &str) -> Option<Timestamp> {
        let text = self.text(key)?;
        let instant = text.parse().ok();
        if instant.is_none() {
            self.refuse(
                key,
                "write an instant as RFC 3339, for example 2026-01-31T00:00:00Z",
            );
        }
        instant
    }

    /// Takes out one of a few words.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(key, &format!("must be one of {}", known.join(", ")));
        }
        found
    }

    /// Takes `limit` and `cursor` out.
    pub fn page(&mut self) -> PageRequest {
        let limit = match self.text("limit").map(|text| text.parse::<usize>()) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                self.refuse("limit", "must be a number from 1 to 1000");
                DEFAULT_LIMIT
            }
        };
        PageRequest {
            limit,
            cursor: self.text("cursor"),
        }
    }

    /// Adds a problem of a pair that was taken out.
    pub fn wrong(&mut self, key: &str, detail: &str) {
        self.refuse(key, detail);
    }

    /// Refuses what was wrong and every pair that nobody took out.
    pub fn finish(mut self) -> Result<(), Problem> {
        for key in std::mem::take(&mut self.pairs).into_keys() {
            self.refuse(&key, "is not a parameter of this call");
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::validation(self.problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_twice_given_and_bad_values_are_all_named() {
        let mut query = Query::parse("limit=0&cursor=a&cursor=b&from=yesterday&role=admin");
        let _ = query.page();
        assert!(query.instant("from").is_none());
        let pointers: Vec<String> = query.problems.iter().map(|p| p.pointer.clone()).collect();
        assert_eq!(pointers, ["/cursor", "/limit", "/from"]);
        assert!(query.finish().is_err());
    }

    #[test]
    fn a_page_has_a_hundred_items_unless_told_otherwise() {
        let mut query = Query::parse("");
        assert_eq!(query.page().limit, 100);
        assert!(query.finish().is_ok());
        let mut query = Query::parse("limit=1000");
        assert_eq!(query.page().limit, 1000);
    }
}
