//! One page of one group's members: where it is, and what an answer to it means. A group is gone only by a 404.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::Error as _;

use super::batch::{PartAnswer, PartBody};
use super::error::unexpected;
use super::groups::PERMISSION;
use super::retry::parse_retry_after;
use super::wire::{IdPage, Page};
use crate::domain::ids::{EntraGroupId, EntraUserId};
use crate::ports::{DirectoryError, GroupMembers};

/// Pages of one group; a million members.
const MAX_PAGES: usize = 1_100;

/// A page still to be read.
#[derive(Debug)]
pub(super) struct Part {
    pub group: EntraGroupId,
    /// Below the base.
    pub path: String,
    seen: BTreeSet<String>,
}

/// What came of asking for a [`Part`].
#[derive(Debug)]
pub(super) enum Step {
    Page(Page<EntraUserId>),
    NoSuchGroup,
    /// Throttled or failed; with the server's advice.
    Again(Option<Duration>),
}

impl Part {
    pub fn first(group: EntraGroupId) -> Self {
        let path =
            format!("/groups/{group}/transitiveMembers/microsoft.graph.user?$select=id&$top=999&$count=true");
        Self {
            group,
            path,
            seen: BTreeSet::new(),
        }
    }

    /// The page behind a link.
    pub fn next(mut self, path: String) -> Result<Self, DirectoryError> {
        if !self.seen.insert(path.clone()) || self.seen.len() > MAX_PAGES {
            return Err(unexpected(
                "reading group members: the pages do not end".to_owned(),
            ));
        }
        self.path = path;
        Ok(self)
    }

    /// Adds a page's people to the group's.
    pub fn keep(&self, people: Vec<EntraUserId>, answer: &mut BTreeMap<EntraGroupId, GroupMembers>) {
        if let Some(GroupMembers::People(known)) = answer.get_mut(&self.group) {
            known.extend(people);
        }
    }

    /// What the answer within a batch means.
    pub fn judge(&self, answer: PartAnswer, now: Timestamp) -> Result<Step, DirectoryError> {
        let retry_after = answer
            .header("retry-after")
            .and_then(|text| parse_retry_after(&text, now));
        let odd = |detail: &str| {
            unexpected(format!(
                "reading group members: group {}: {} {detail}",
                self.group, answer.status
            ))
        };
        match answer.status {
            200 => match answer.body {
                PartBody::Page(page) => {
                    let page = page
                        .into_page(EntraUserId::parse)
                        .map_err(|_| odd("with an id that is no GUID"))?;
                    Ok(Step::Page(page))
                }
                PartBody::Word(_) | PartBody::Other => Err(odd("without a page")),
            },
            404 => Ok(Step::NoSuchGroup),
            403 => Err(DirectoryError::PermissionMissing {
                permission: PERMISSION.to_owned(),
            }),
            408 | 423 | 424 | 429 | 500 | 502 | 503 | 504 | 509 => Ok(Step::Again(retry_after)),
            _ => Err(odd("within a batch")),
        }
    }
}

/// Parses a page of members.
pub(super) fn member_page(body: &[u8]) -> serde_json::Result<Page<EntraUserId>> {
    let page: IdPage = serde_json::from_slice(body)?;
    page.into_page(EntraUserId::parse)
        .map_err(|_| serde_json::Error::custom("a member whose id is no GUID"))
}
