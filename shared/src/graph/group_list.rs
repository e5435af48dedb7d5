//! What groups there are and how they are called. A list is whole or an error, and so is a search page by page.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde::de::Error as _;
use url::Url;

use super::by_ids::Wanted;
use super::client::{Call, GraphClient};
use super::error::Failure;
use super::groups::PERMISSION;
use super::pages::Chain;
use super::wire::Page;
use crate::domain::entra_group::EntraGroup;
use crate::domain::ids::EntraGroupId;
use crate::ports::{DirectoryError, GroupPage};

/// What a sync reads of a group.
const PROPERTIES: &str = "id,displayName,groupTypes,securityEnabled";
const LISTING: &str = "reading all groups";
const BY_ID: &str = "reading groups by id";
const SEARCHING: &str = "searching groups";

/// Groups by id.
pub(super) type Groups = BTreeMap<EntraGroupId, EntraGroup>;

#[derive(Deserialize)]
struct GroupRows {
    value: Vec<GroupRow>,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
}

/// Without its marks a group of ours would look like a distribution list, so they may not be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupRow {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    group_types: Vec<String>,
    security_enabled: bool,
}

fn group(row: GroupRow) -> serde_json::Result<EntraGroup> {
    let unified = row.group_types.iter().any(|word| word == "Unified");
    Ok(EntraGroup {
        id: EntraGroupId::parse(&row.id)
            .map_err(|_| serde_json::Error::custom("a group whose id is no GUID"))?,
        name: row.display_name.unwrap_or_default(),
        kind: EntraGroup::kind_of(unified, row.security_enabled),
    })
}

fn group_page(body: &[u8]) -> serde_json::Result<Page<EntraGroup>> {
    let rows: GroupRows = serde_json::from_slice(body)?;
    Ok(Page {
        items: rows.value.into_iter().map(group).collect::<Result<_, _>>()?,
        next_link: rows.next_link,
        delta_link: None,
    })
}

impl GraphClient {
    pub(super) async fn read_all_groups(&self) -> Result<Groups, DirectoryError> {
        let patience = self.patience();
        let mut may_restart = true;
        loop {
            let mut groups = Groups::new();
            let first = self.get(&format!("/groups?$select={PROPERTIES}&$top=999"), false, LISTING)?;
            let chain = Chain {
                first,
                patience: &patience,
            };
            let read = self.read_chain(chain, group_page, |page| {
                groups.extend(page.into_iter().map(|group| (group.id, group)));
            });
            match read.await {
                Ok(_) => return Ok(groups),
                // Links of repeated answers can be dead; the list then is read from its start.
                Err(Failure::Refused(refusal)) if refusal.is_lost_page() && may_restart => {
                    may_restart = false;
                }
                Err(failure) => return Err(failure.into_error(LISTING, PERMISSION)),
            }
        }
    }

    pub(super) async fn read_groups_by_id(
        &self,
        ids: &BTreeSet<EntraGroupId>,
    ) -> Result<Groups, DirectoryError> {
        let wanted = Wanted {
            kind: "group",
            select: PROPERTIES,
            yielding: true,
            doing: BY_ID,
            permission: PERMISSION,
        };
        let mut groups = Groups::new();
        let ids = ids.iter().map(ToString::to_string);
        self.read_by_ids(ids, &wanted, group_page, |page| {
            groups.extend(page.into_iter().map(|group| (group.id, group)));
        })
        .await?;
        Ok(groups)
    }

    pub(super) async fn read_group_page(
        &self,
        search: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, DirectoryError> {
        let call = self.get(&search_path(search, limit, cursor), true, SEARCHING)?;
        let page = self
            .fetch(&call, &self.patience(), group_page)
            .await
            .map_err(|failure| failure.into_error(SEARCHING, PERMISSION))?;
        Ok(GroupPage {
            groups: page.items.into_iter().filter(|g| g.kind.is_some()).collect(),
            next: page.next_link.as_deref().and_then(skip_token),
        })
    }

    fn get<'a>(&self, path: &str, advanced: bool, doing: &'a str) -> Result<Call<'a>, DirectoryError> {
        Ok(Call {
            url: self.url(path)?,
            method: Method::GET,
            body: None,
            advanced,
            yielding: !advanced,
            doing,
        })
    }
}

/// Made of our own words, an encoded search text and an encoded token: whatever a caller gives as a cursor, nothing but
/// groups is ever asked for.
fn search_path(search: &str, limit: usize, cursor: Option<&str>) -> String {
    let mut path = format!("/groups?$select={PROPERTIES}&$count=true&$orderby=displayName&$top={limit}");
    let words: String = search.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    if !words.trim().is_empty() {
        let clause = format!("\"displayName:{}\"", words.trim());
        path.push_str("&$search=");
        path.extend(utf8_percent_encode(&clause, NON_ALPHANUMERIC));
    }
    if let Some(token) = cursor {
        path.push_str("&$skiptoken=");
        path.extend(utf8_percent_encode(token, NON_ALPHANUMERIC));
    }
    path
}

fn skip_token(link: &str) -> Option<String> {
    let url = Url::parse(link).ok()?;
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case("$skiptoken"));
    found.map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_asks_for_groups_and_nothing_else() {
        let path = search_path("a\"&$top=1 b", 50, Some("x&$select=*"));
        assert!(path.starts_with("/groups?$select=id,"));
        assert!(
            path.ends_with("&$search=%22displayName%3Aa%26%24top%3D1%20b%22&$skiptoken=x%26%24select%3D%2A")
        );
        assert!(!search_path(" \" ", 50, None).contains("$search"));
    }

    #[test]
    fn a_group_without_its_marks_is_an_error_and_not_a_distribution_list() {
        let whole = br#"{"value":[{"id":"00000000-0000-4000-8000-000000000001","displayName":null,"groupTypes":["Unified"],"securityEnabled":false}]}"#;
        let page = group_page(whole).unwrap();
        assert_eq!(page.items[0].name, "");
        assert!(page.items[0].kind.is_some());
        let bare = br#"{"value":[{"id":"00000000-0000-4000-8000-000000000001","displayName":"Sales","groupTypes":[]}]}"#;
        assert!(group_page(bare).is_err());
        let null = br#"{"value":[{"id":"00000000-0000-4000-8000-000000000001","groupTypes":null,"securityEnabled":null}]}"#;
        assert!(group_page(null).is_err());
    }

    #[test]
    fn the_place_of_the_next_page_is_read_off_its_link() {
        let link = "https://graph.example/v1.0/groups?$top=2&$skiptoken=a%3Db";
        assert_eq!(skip_token(link).as_deref(), Some("a=b"));
        assert_eq!(skip_token("https://graph.example/v1.0/groups"), None);
    }
}
