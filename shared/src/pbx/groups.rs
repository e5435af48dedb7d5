//! The groups of a PBX as the use cases know them, and what both kinds have in common.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::transport::Call;
use super::wire::{Created, Page, count};
use crate::domain::ids::{ExtensionId, PbxGroupId};
use crate::domain::pbx_group::{GroupPatch, GroupValues, PbxGroup, PbxGroupRow};
use crate::domain::settings::GroupTarget;
use crate::ports::{Deleted, PhoneGroups, PhoneSystemError};

/// Rows on a page: more than any PBX has groups, then what every list is known to take.
const PAGE_SIZES: [usize; 2] = [1_000, 100];
/// A list that changes under the reader is read once more.
const LIST_TRIES: usize = 2;

#[async_trait]
impl PhoneGroups for PbxClient {
    async fn list_groups(&self, target: GroupTarget) -> Result<Vec<PbxGroupRow>, PhoneSystemError> {
        match target {
            GroupTarget::ExtensionGroup => self.list_extension_groups().await,
            GroupTarget::Organization => self.list_departments().await,
        }
    }

    async fn group_details(
        &self,
        target: GroupTarget,
        ids: &BTreeSet<PbxGroupId>,
        people: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<PbxGroupId, PbxGroup>, PhoneSystemError> {
        match target {
            GroupTarget::ExtensionGroup => self.extension_group_details(ids).await,
            GroupTarget::Organization => self.department_details(ids, people).await,
        }
    }

    async fn create_group(
        &self,
        target: GroupTarget,
        wanted: &GroupValues,
    ) -> Result<PbxGroupId, PhoneSystemError> {
        match target {
            GroupTarget::ExtensionGroup => self.create_extension_group(wanted).await,
            GroupTarget::Organization => self.create_department(&wanted.name).await,
        }
    }

    async fn update_group(&self, target: GroupTarget, patch: &GroupPatch) -> Result<(), PhoneSystemError> {
        match target {
            GroupTarget::ExtensionGroup => self.update_extension_group(patch).await,
            GroupTarget::Organization => self.update_department(patch).await,
        }
    }

    async fn delete_group(&self, target: GroupTarget, id: PbxGroupId) -> Result<Deleted, PhoneSystemError> {
        let endpoint = match target {
            GroupTarget::ExtensionGroup => "extensiongroup/delete",
            GroupTarget::Organization => "organization/delete",
        };
        let call = Call::write(endpoint).with("id", id.to_string());
        match self.tell(&call).await {
            Ok(()) => Ok(Deleted::Now),
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(Deleted::Earlier),
            Err(fault) => Err(fault.explain(endpoint, Effect::Write)),
        }
    }
}

/// In which order a list is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By the PBX's key, where the list is documented to take it.
    ById,
    /// In its own: it is documented to take none, and some firmware refuses what it does not know.
    AsItComes,
}

/// What a row of a list is known by.
pub(super) trait Keyed {
    fn key(&self) -> i64;
}

impl PbxClient {
    /// All rows of a list, or an error: the pages must add up to the total that each of them states, in whatever order
    /// they come.
    pub(super) async fn read_rows<T>(&self, endpoint: &'static str, order: Order) -> Result<Vec<T>, Fault>
    where
        T: DeserializeOwned + Keyed + Send,
    {
        for _ in 0..LIST_TRIES {
            if let Some(rows) = self.read_rows_once(endpoint, order).await? {
                return Ok(rows);
            }
        }
        Err(Fault::Garbled("the pages of the list do not add up".to_owned()))
    }

    /// `None`: the pages do not fit together.
    async fn read_rows_once<T>(&self, endpoint: &'static str, order: Order) -> Result<Option<Vec<T>>, Fault>
    where
        T: DeserializeOwned + Keyed + Send,
    {
        let mut size = 0;
        let mut first = None;
        for candidate in PAGE_SIZES {
            size = candidate;
            match self.read_page_of(endpoint, order, (1, size)).await {
                Err(fault) if fault.code() == Some(code::PARAMETER) && candidate == PAGE_SIZES[0] => {}
                read => {
                    first = Some(read?);
                    break;
                }
            }
        }
        let Some((total, mut page)) = first else {
            return Ok(None);
        };
        let (mut rows, mut seen, mut number) = (Vec::new(), BTreeSet::new(), 1);
        loop {
            if page.iter().any(|row: &T| !seen.insert(row.key())) {
                return Ok(None);
            }
            let empty = page.is_empty();
            rows.extend(page);
            if rows.len() >= total {
                return Ok((rows.len() == total).then_some(rows));
            }
            if empty {
                return Ok(None);
            }
            number += 1;
            let (now, next) = self.read_page_of(endpoint, order, (number, size)).await?;
            if now != total {
                return Ok(None);
            }
            page = next;
        }
    }

    async fn read_page_of<T>(
        &self,
        endpoint: &'static str,
        order: Order,
        (page, size): (usize, usize),
    ) -> Result<(usize, Vec<T>), Fault>
    where
        T: DeserializeOwned,
    {
        let call = Call::read(endpoint)
            .with("page", page.to_string())
            .with("page_size", size.to_string())
            .long();
        let call = match order {
            Order::ById => call.with("sort_by", "id").with("order_by", "asc"),
            Order::AsItComes => call,
        };
        let answer: Page<T> = self.ask(&call).await?;
        let total = count(answer.total_number).map_err(Fault::Garbled)?;
        Ok((total, answer.data))
    }
}

/// The key of what was made. Some firmware answers without it: then the list tells.
pub(super) fn made(created: &Created) -> Option<PbxGroupId> {
    created.id.map(|id| PbxGroupId(id.0))
}

/// Nobody knows yet whether it was made.
pub(super) fn without_id(endpoint: &str) -> PhoneSystemError {
    PhoneSystemError::OutcomeUnknown {
        doing: format!("{endpoint}: the answer has no id"),
        source: None,
    }
}
