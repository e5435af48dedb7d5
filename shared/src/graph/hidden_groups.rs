//! Groups whose members Graph does not tell. To an app without `Member.Read.Hidden` such a group looks empty, so an empty one
//! is asked about before anybody is judged by it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::Deserialize;
use serde::de::Error as _;

use super::client::{Call, GraphClient};
use super::groups::PERMISSION;
use super::pages::Chain;
use super::wire::Page;
use crate::domain::ids::EntraGroupId;
use crate::ports::DirectoryError;

const DOING: &str = "asking whether members are hidden";
const SELECT: &str = "$select=id,visibility";
/// The most ids that one `getByIds` takes.
const IDS_PER_CALL: usize = 1_000;
const HIDDEN: &str = "HiddenMembership";

#[derive(Deserialize)]
struct Rows {
    value: Vec<Row>,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    #[serde(default)]
    visibility: Option<String>,
}

/// The hidden ones of a page.
fn hidden_page(body: &[u8]) -> serde_json::Result<Page<EntraGroupId>> {
    let rows: Rows = serde_json::from_slice(body)?;
    let hidden = rows
        .value
        .into_iter()
        .filter(|row| row.visibility.as_deref() == Some(HIDDEN));
    let id = |row: Row| {
        EntraGroupId::parse(&row.id).map_err(|_| serde_json::Error::custom("a group whose id is no GUID"))
    };
    Ok(Page {
        items: hidden.map(id).collect::<Result<_, _>>()?,
        next_link: rows.next_link,
        delta_link: None,
    })
}

impl GraphClient {
    pub(super) async fn read_hidden_among(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeSet<EntraGroupId>, DirectoryError> {
        let patience = self.patience();
        let ids: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let mut hidden = BTreeSet::new();
        for chunk in ids.chunks(IDS_PER_CALL) {
            let body = serde_json::json!({ "ids": chunk, "types": ["group"] }).to_string();
            let first = Call {
                url: self.url(&format!("/directoryObjects/getByIds?{SELECT}"))?,
                method: Method::POST,
                body: Some(body.into_bytes()),
                advanced: false,
                yielding: true,
                doing: DOING,
            };
            let chain = Chain {
                first,
                patience: &patience,
            };
            self.read_chain(chain, hidden_page, |page| hidden.extend(page))
                .await
                .map_err(|failure| failure.into_error(DOING, PERMISSION))?;
        }
        Ok(hidden)
    }
}
