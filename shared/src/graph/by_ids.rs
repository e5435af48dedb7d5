//! Objects by their ids, a thousand a call. Whoever is not there is left out without a word.

use reqwest::Method;

use super::client::{Call, GraphClient};
use super::pages::Chain;
use super::wire::Page;
use crate::ports::DirectoryError;

/// The most ids that one `getByIds` takes.
const IDS_PER_CALL: usize = 1_000;

/// What is asked of which kind of object.
pub(super) struct Wanted<'a> {
    /// `user` or `group`.
    pub kind: &'static str,
    /// Properties, with commas between.
    pub select: &'a str,
    /// As of [`Call`].
    pub yielding: bool,
    pub doing: &'static str,
    /// Without which it cannot be asked.
    pub permission: &'static str,
}

impl GraphClient {
    /// Hands every page of these objects to `take`.
    pub(super) async fn read_by_ids<T>(
        &self,
        ids: impl Iterator<Item = String>,
        wanted: &Wanted<'_>,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), DirectoryError> {
        let patience = self.patience();
        let ids: Vec<String> = ids.collect();
        for chunk in ids.chunks(IDS_PER_CALL) {
            let body = serde_json::json!({ "ids": chunk, "types": [wanted.kind] }).to_string();
            let first = Call {
                url: self.url(&format!("/directoryObjects/getByIds?$select={}", wanted.select))?,
                method: Method::POST,
                body: Some(body.into_bytes()),
                advanced: false,
                yielding: wanted.yielding,
                doing: wanted.doing,
            };
            let chain = Chain {
                first,
                patience: &patience,
            };
            self.read_chain(chain, &parse, &mut take)
                .await
                .map_err(|failure| failure.into_error(wanted.doing, wanted.permission))?;
        }
        Ok(())
    }
}
