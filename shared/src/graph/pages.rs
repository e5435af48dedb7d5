//! Reads a chain of pages to its end: the page without a next link is the only way to finish. A chain that repeats a
//! link or never ends is an error.

use std::collections::BTreeSet;

use reqwest::Method;
use url::Url;

use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::links::same_server;
use super::retry::Patience;
use super::wire::Page;
use crate::ports::DirectoryError;

/// More pages than the largest tenants have: a million users in change pages of 200.
const MAX_PAGES: usize = 5_000;

/// A list to read.
pub(super) struct Chain<'a> {
    pub first: Call<'a>,
    pub patience: &'a Patience,
}

impl GraphClient {
    /// Hands every page's items to `take`, in order, and returns the delta link of the last page.
    pub(super) async fn read_chain<T>(
        &self,
        chain: Chain<'_>,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<Option<String>, Failure> {
        let Chain {
            first: mut call,
            patience,
        } = chain;
        let mut seen = BTreeSet::from([call.url.to_string()]);
        loop {
            let page = self.fetch(&call, patience, &parse).await?;
            take(page.items);
            let Some(link) = page.next_link else {
                return Ok(page.delta_link);
            };
            if page.delta_link.is_some() {
                return Err(unexpected(format!("{}: a page with both kinds of link", call.doing)).into());
            }
            call.url = self.next_url(&link, call.doing)?;
            call.method = Method::GET;
            call.body = None;
            if !seen.insert(link) || seen.len() > MAX_PAGES {
                return Err(unexpected(format!("{}: the pages do not end", call.doing)).into());
            }
        }
    }

    /// The URL behind a link of Graph's, if our token may go there.
    pub(super) fn next_url(&self, link: &str, doing: &str) -> Result<Url, DirectoryError> {
        same_server(&self.base, link)
            .ok_or_else(|| unexpected(format!("{doing}: a link to another server was refused")))
    }
}
