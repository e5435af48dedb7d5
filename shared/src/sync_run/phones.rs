//! Reads the PBX, as far as what the directory said needs it.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Task;
use super::collect_error::CollectError;
use crate::domain::binding::Binding;
use crate::domain::entra_user::EntraUser;
use crate::domain::extension::{Capacity, Extension, ExtensionRow};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::mapping::address_key;
use crate::plan::snapshot::{DirectorySnapshot, PhoneSystemSnapshot};
use crate::ports::{PhoneSystem, PhoneSystemError};

/// Stands until a plan wants to create something, which is when the PBX is asked.
pub(super) const NOT_READ: Capacity = Capacity {
    extensions: 0,
    used: 0,
};

pub(super) async fn list(
    pbx: &dyn PhoneSystem,
) -> Result<BTreeMap<ExtensionId, ExtensionRow>, PhoneSystemError> {
    Ok(pbx
        .list_extensions()
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect())
}

/// What was read in full needs no row beside it. What was asked for by its key and answered counts as listed either way:
/// a list that is read page by page misses a row when another one before it is deleted meanwhile.
pub(super) fn drop_rows_read_in_full(
    rows: &mut BTreeMap<ExtensionId, ExtensionRow>,
    details: &BTreeMap<ExtensionId, Extension>,
) {
    rows.retain(|id, _| !details.contains_key(id));
}

/// Extensions beyond the bound ones that must be known in full: with the address of somebody who has none, and with the
/// number of an unfinished create.
pub(super) fn candidates(
    directory: &DirectorySnapshot,
    bindings: &BTreeMap<EntraUserId, Binding>,
    rows: &BTreeMap<ExtensionId, ExtensionRow>,
    take_over: bool,
) -> BTreeSet<ExtensionId> {
    let unfinished: BTreeSet<&str> = bindings
        .values()
        .filter(|b| b.bound().is_none())
        .map(|b| b.number.as_str())
        .collect();
    let without = |user: &&EntraUser| take_over && bindings.get(&user.id).is_none_or(|b| b.bound().is_none());
    let addresses: BTreeSet<String> = directory
        .users
        .values()
        .filter(without)
        .filter_map(address_key)
        .collect();
    let bound: BTreeSet<ExtensionId> = bindings
        .values()
        .filter_map(|b| Some(b.bound()?.extension))
        .collect();
    let wanted = |row: &&ExtensionRow| {
        !bound.contains(&row.id)
            && (unfinished.contains(row.number.as_str())
                || addresses.contains(&row.email.to_ascii_lowercase()))
    };
    rows.values().filter(wanted).map(|row| row.id).collect()
}

impl Task<'_> {
    /// The PBX as far as these people need it: no list of extensions unless somebody needs a new one.
    pub async fn phones_of(
        &self,
        directory: &DirectorySnapshot,
        bindings: &BTreeMap<EntraUserId, Binding>,
    ) -> Result<PhoneSystemSnapshot, CollectError> {
        let covered = |binding: &&Binding| directory.coverage.covers(binding.user);
        let bound: BTreeSet<ExtensionId> = bindings
            .values()
            .filter(covered)
            .filter_map(|b| Some(b.bound()?.extension))
            .collect();
        let mut details: BTreeMap<ExtensionId, Extension> =
            self.phone_system().extension_details(&bound).await?;
        let unfinished = bindings.values().filter(covered).any(|b| b.bound().is_none());
        let newcomer = directory.users.keys().any(|id| !bindings.contains_key(id));
        if !unfinished && !newcomer && details.len() == bound.len() {
            return Ok(PhoneSystemSnapshot {
                rows: None,
                details,
                capacity: NOT_READ,
            });
        }
        let mut rows = list(self.phone_system()).await?;
        let more = candidates(directory, bindings, &rows, self.users.bind_same_email);
        details.extend(self.phone_system().extension_details(&more).await?);
        drop_rows_read_in_full(&mut rows, &details);
        Ok(PhoneSystemSnapshot {
            rows: Some(rows),
            details,
            capacity: NOT_READ,
        })
    }
}
