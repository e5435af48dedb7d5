//! Who the groups in the user rules speak of.

use std::collections::{BTreeMap, BTreeSet};

use super::collect_error::CollectError;
use crate::domain::binding::Binding;
use crate::domain::ids::{EntraGroupId, EntraUserId};
use crate::domain::settings::{ScopeKind, UserSettings};
use crate::ports::{Directory, GroupMembers};

/// Members of the scope's groups and of the excluded ones.
#[derive(Default)]
pub(crate) struct Membership {
    pub scope: BTreeSet<EntraUserId>,
    pub excluded: BTreeSet<EntraUserId>,
}

/// Who is in the groups that the rules name.
pub(crate) async fn membership(
    directory: &dyn Directory,
    users: &UserSettings,
) -> Result<Membership, CollectError> {
    let groups = users.groups_to_read();
    if groups.is_empty() {
        return Ok(Membership::default());
    }
    let mut membership = Membership::default();
    let read = directory.group_members(&groups).await?;
    none_hidden(directory, &read).await?;
    for (group, members) in read {
        let GroupMembers::People(people) = members else {
            return Err(CollectError::NoSuchGroup(group));
        };
        if users.scope.exclude_group_ids.contains(&group) {
            membership.excluded.extend(people.iter().copied());
        }
        if users.scope.kind == ScopeKind::Groups && users.scope.group_ids.contains(&group) {
            membership.scope.extend(people);
        }
    }
    Ok(membership)
}

/// A group that looks empty may be one whose members nobody may see; then nobody is judged by it.
pub(crate) async fn none_hidden(
    directory: &dyn Directory,
    read: &BTreeMap<EntraGroupId, GroupMembers>,
) -> Result<(), CollectError> {
    let empty = read
        .iter()
        .filter(|(_, members)| matches!(members, GroupMembers::People(people) if people.is_empty()));
    let empty: BTreeSet<EntraGroupId> = empty.map(|(group, _)| *group).collect();
    if empty.is_empty() {
        return Ok(());
    }
    match directory.hidden_among(&empty).await?.first() {
        Some(group) => Err(CollectError::HiddenGroup(*group)),
        None => Ok(()),
    }
}

/// People whose membership disagrees with what they have.
pub(crate) fn moved_by_groups(
    users: &UserSettings,
    members: &Membership,
    bindings: &BTreeMap<EntraUserId, Binding>,
) -> BTreeSet<EntraUserId> {
    let by_group = users.scope.kind == ScopeKind::Groups;
    let inside =
        |id: &EntraUserId| (!by_group || members.scope.contains(id)) && !members.excluded.contains(id);
    let fell_out = bindings.keys().copied().filter(|id| !inside(id));
    let came_in = members
        .scope
        .iter()
        .copied()
        .filter(|id| inside(id) && !bindings.contains_key(id));
    fell_out.chain(came_in).collect()
}
