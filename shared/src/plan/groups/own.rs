//! Which groups on the PBX are ours. The key alone does not say it: a PBX that was set up anew gives the same keys again, to
//! groups that somebody makes there.

use std::collections::BTreeMap;

use crate::domain::group_binding::{BoundGroup, GroupBinding};
use crate::domain::ids::{EntraGroupId, ExtensionId, PbxGroupId};
use crate::domain::pbx_group::{GroupDigest, GroupValues, PbxGroup};

use super::choose::in_scope;
use super::names;
use super::world::{GroupPolicy, GroupWorld, People};

/// Groups on the PBX that are ours, and whose they are. One that was not read in full counts by its key.
pub(super) fn owners(world: &GroupWorld, policy: &GroupPolicy) -> BTreeMap<PbxGroupId, EntraGroupId> {
    let names = names::of_all(&in_scope(world, policy));
    let own = |binding: &GroupBinding| {
        let bound = binding.bound()?;
        let wanted = names.get(&binding.group).map(|named| named.name.as_str());
        let is_ours = world
            .details
            .get(&bound.id)
            .is_none_or(|group| is_same(binding, bound, group, wanted, &world.people));
        is_ours.then_some((bound.id, binding.group))
    };
    world.bindings.values().filter_map(own).collect()
}

/// Whether the group under the key of a binding is still the one that was bound. It has the name that we gave it last, or
/// the one it is to get, which a write that was cut may have left; or it was renamed there and still has its people.
pub(super) fn is_same(
    binding: &GroupBinding,
    bound: &BoundGroup,
    group: &PbxGroup,
    wanted: Option<&str>,
    people: &People,
) -> bool {
    group.name == binding.name
        || wanted == Some(group.name.as_str())
        || has_its_people(binding, bound, group, people)
}

/// Exactly the members that were last written, each an extension that was ours by then: keys of extensions start again as
/// well.
fn has_its_people(binding: &GroupBinding, bound: &BoundGroup, group: &PbxGroup, people: &People) -> bool {
    let as_written = GroupValues {
        name: binding.name.clone(),
        members: group.members.keys().copied().collect(),
    };
    let was_ours = |member: &ExtensionId| {
        let own = people.extensions.values().find(|own| own.id == *member);
        own.is_some_and(|own| own.since <= bound.written_at)
    };
    !group.members.is_empty()
        && GroupDigest::of(&as_written) == bound.written
        && group.members.keys().all(was_ours)
}
