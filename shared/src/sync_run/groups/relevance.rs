//! Whether news of groups that are not ours make a difference to those that are. Asked between runs, without the PBX.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::collect::{groups, read_members};
use crate::domain::binding::Binding;
use crate::domain::group_binding::GroupBinding;
use crate::domain::ids::{EntraGroupId, EntraUserId, PbxGroupId};
use crate::domain::pbx_group::{GroupDigest, GroupValues, PbxGroupRow};
use crate::domain::settings::ConnectionSettings;
use crate::plan::groups::wanted;
use crate::plan::groups::world::{GroupPolicy, GroupWorld};
use crate::ports::Directory;
use crate::sync_run::collect_error::CollectError;
use crate::sync_run::users;

/// Whether somebody came into or fell out of a group of ours through one of `others`, or one of those is to become ours.
pub(crate) async fn would_move_groups(
    directory: &dyn Directory,
    settings: &ConnectionSettings,
    (people, ours): (&BTreeMap<EntraUserId, Binding>, Vec<GroupBinding>),
    others: &BTreeSet<EntraGroupId>,
) -> Result<bool, CollectError> {
    let policy = GroupPolicy {
        groups: settings.groups.clone(),
        safety: settings.safety.clone(),
        // Nothing that is asked here depends on it.
        now: Timestamp::UNIX_EPOCH,
        switched_off: false,
        last_good_managed: None,
    };
    let ours = ours.into_iter().filter(|b| b.target == settings.groups.target);
    let bindings: BTreeMap<EntraGroupId, GroupBinding> = ours.map(|b| (b.group, b)).collect();
    let mut world = GroupWorld {
        groups: groups(directory, &policy).await?,
        rows: rows(&bindings),
        bindings,
        people: users::people(people),
        ..GroupWorld::default()
    };
    read_members(directory, &policy, &mut world).await?;
    let differs = |(group, values): (EntraGroupId, GroupValues)| match world.bindings.get(&group) {
        Some(binding) => moved(binding, values),
        None => others.contains(&group),
    };
    Ok(wanted(&world, &policy).into_iter().any(differs))
}

/// The PBX as the bindings know it: enough to see who has a place.
fn rows(bindings: &BTreeMap<EntraGroupId, GroupBinding>) -> BTreeMap<PbxGroupId, PbxGroupRow> {
    let row = |binding: &GroupBinding| {
        let id = binding.bound()?.id;
        let row = PbxGroupRow {
            id,
            name: binding.name.clone(),
            beside: true,
        };
        Some((id, row))
    };
    bindings.values().filter_map(row).collect()
}

/// Who is in it; a new name of a group of ours is news of that group itself.
fn moved(binding: &GroupBinding, wanted: GroupValues) -> bool {
    let under_its_name = GroupValues {
        name: binding.name.clone(),
        ..wanted
    };
    binding
        .bound()
        .is_none_or(|bound| bound.written != GroupDigest::of(&under_its_name))
}
