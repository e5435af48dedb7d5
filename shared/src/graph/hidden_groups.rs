//! Groups whose members Graph does not tell. To an app without `Member.Read.Hidden` such a group looks empty, so an empty one
//! is asked about before anybody is judged by it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::Error as _;

use super::by_ids::Wanted;
use super::client::GraphClient;
use super::groups::PERMISSION;
use super::wire::Page;
use crate::domain::ids::EntraGroupId;
use crate::ports::DirectoryError;

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
        let wanted = Wanted {
            kind: "group",
            select: "id,visibility",
            yielding: true,
            doing: "asking whether members are hidden",
            permission: PERMISSION,
        };
        let mut hidden = BTreeSet::new();
        let ids = groups.iter().map(ToString::to_string);
        self.read_by_ids(ids, &wanted, hidden_page, |page| hidden.extend(page))
            .await?;
        Ok(hidden)
    }
}
