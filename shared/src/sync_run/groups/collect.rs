//! Reads groups of both sides, as much as the run needs: everything in a full run, nothing where nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::domain::connection::Firmware;
use crate::domain::entra_group::EntraGroup;
use crate::domain::group_binding::GroupBinding;
use crate::domain::ids::{EntraGroupId, ExtensionId, PbxGroupId};
use crate::domain::pbx_group::{GroupDigest, PbxGroup};
use crate::domain::settings::{GroupTarget, ScopeKind};
use crate::domain::sync_run::{RunMode, SyncRun};
use crate::plan::groups::world::{GroupPolicy, GroupWorld, People};
use crate::plan::groups::{chosen, wanted};
use crate::ports::{Cursor, Directory, GroupMembers, PhoneSystemError};
use crate::store::StoreError;
use crate::sync_run::collect::CursorKind;
use crate::sync_run::collect_error::CollectError;
use crate::sync_run::part::Basis;

/// How thoroughly the PBX is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Every group of ours, so that what was changed there is found.
    Full,
    /// Those that are to be changed.
    Changed,
}

/// What of the groups a run has to read, if anything.
pub(super) async fn depth(
    basis: &Basis<'_>,
    run: &SyncRun,
    seen: &str,
) -> Result<Option<Depth>, CollectError> {
    let cursor = stored_cursor(basis).await?;
    if run.request.user.is_none() && run.request.mode == RunMode::Full {
        if cursor.is_none() && !run.request.dry_run {
            basis.news.begin(basis.sides.directory.as_ref()).await?;
        }
        return Ok(Some(Depth::Full));
    }
    let mut changed = basis.store().groups_mark(basis.connection.id).await?.as_deref() != Some(seen);
    if run.request.user.is_none() {
        changed |= basis.pending.any_group() || basis.pending.others;
        changed |= groups_moved(basis, cursor).await?;
    }
    Ok(changed.then_some(Depth::Changed))
}

async fn stored_cursor(basis: &Basis<'_>) -> Result<Option<Cursor>, StoreError> {
    let kind = CursorKind::Groups.key();
    let stored = basis.store().cursor(basis.connection.id, kind).await?;
    let rules = basis.settings.rules_fingerprint();
    Ok(stored.filter(|c| c.fingerprint == rules).map(|c| c.cursor))
}

/// Whether any group changed since the last run, as far as the directory knows.
async fn groups_moved(basis: &Basis<'_>, cursor: Option<Cursor>) -> Result<bool, CollectError> {
    let directory = basis.sides.directory.as_ref();
    if let Some(cursor) = cursor
        && let Some(groups) = basis.news.since(cursor, directory).await?
    {
        return Ok(!groups.is_empty());
    }
    basis.news.begin(directory).await?;
    Ok(true)
}

/// A fingerprint of what decides about groups beside the groups themselves: who has which extension, and the rules.
pub(super) fn seen(basis: &Basis<'_>, people: &People) -> String {
    let mut hash = Sha256::new();
    // Settings are plain data with text keys, so this is never empty.
    hash.update(serde_json::to_vec(&basis.settings.groups).unwrap_or_default());
    for (user, own) in &people.extensions {
        hash.update(user.as_uuid().as_bytes());
        hash.update(own.id.0.to_be_bytes());
    }
    hex::encode(hash.finalize())
}

/// Reads both sides.
pub(super) async fn read(
    basis: &Basis<'_>,
    policy: &GroupPolicy,
    people: People,
    depth: Depth,
) -> Result<GroupWorld, CollectError> {
    let target = policy.groups.target;
    may_be_had(basis, target).await?;
    let rows = async { Ok::<_, CollectError>(basis.sides.groups.list_groups(target).await?) };
    let (groups, rows) = tokio::try_join!(groups(basis.sides.directory.as_ref(), policy), rows)?;
    let (own, strays) = bindings(basis, target).await?;
    let mut world = GroupWorld {
        groups,
        rows: rows.into_iter().map(|row| (row.id, row)).collect(),
        bindings: own,
        strays,
        people,
        ..GroupWorld::default()
    };
    read_members(basis.sides.directory.as_ref(), policy, &mut world).await?;
    let people = world.people.extensions.values().map(|own| own.id).collect();
    world.details = basis
        .sides
        .groups
        .group_details(target, &to_be_read(&world, policy, depth), &people)
        .await?;
    world.stray_details = strays_there(basis, policy, &world.strays, &people).await?;
    Ok(world)
}

/// What is to be deleted of the other target is looked at first: its key may be a stranger's by now.
async fn strays_there(
    basis: &Basis<'_>,
    policy: &GroupPolicy,
    strays: &[GroupBinding],
    people: &BTreeSet<ExtensionId>,
) -> Result<Option<BTreeMap<PbxGroupId, PbxGroup>>, CollectError> {
    let ids: BTreeSet<PbxGroupId> = strays.iter().filter_map(|b| Some(b.bound()?.id)).collect();
    let target = strays.first().map(|stray| stray.target);
    let Some(target) = target.filter(|_| policy.groups.delete_when_out_of_scope && !ids.is_empty()) else {
        return Ok(Some(BTreeMap::new()));
    };
    match basis.sides.groups.group_details(target, &ids, people).await {
        Ok(there) => Ok(Some(there)),
        Err(PhoneSystemError::NotInThisFirmware { .. } | PhoneSystemError::SwitchedOff { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The groups that the rules may choose from.
pub(super) async fn groups(
    directory: &dyn Directory,
    policy: &GroupPolicy,
) -> Result<BTreeMap<EntraGroupId, EntraGroup>, CollectError> {
    let scope = &policy.groups.scope;
    Ok(match scope.kind {
        ScopeKind::All | ScopeKind::Types => directory.list_groups().await?,
        ScopeKind::Groups if scope.group_ids.is_empty() => BTreeMap::new(),
        ScopeKind::Groups => {
            directory
                .groups_by_id(&scope.group_ids.iter().copied().collect())
                .await?
        }
    })
}

/// Bindings of the present target, and all others.
type Bindings = (BTreeMap<EntraGroupId, GroupBinding>, Vec<GroupBinding>);

async fn bindings(basis: &Basis<'_>, target: GroupTarget) -> Result<Bindings, StoreError> {
    let all = basis.store().group_bindings(basis.connection.id).await?;
    let (own, strays): (Vec<_>, Vec<_>) = all.into_iter().partition(|b| b.target == target);
    Ok((own.into_iter().map(|b| (b.group, b)).collect(), strays))
}

/// Who is in the groups that get a place. One that was deleted since the list was read makes room for another.
pub(super) async fn read_members(
    directory: &dyn Directory,
    policy: &GroupPolicy,
    world: &mut GroupWorld,
) -> Result<(), CollectError> {
    loop {
        let unread: BTreeSet<EntraGroupId> = chosen(world, policy)
            .into_iter()
            .filter(|group| !world.members.contains_key(group))
            .collect();
        if unread.is_empty() {
            return Ok(());
        }
        for (group, members) in directory.group_members(&unread).await? {
            match members {
                GroupMembers::People(people) => {
                    world.members.insert(group, people);
                }
                GroupMembers::NoSuchGroup => {
                    world.groups.remove(&group);
                }
            }
        }
    }
}

/// Groups on the PBX to be read in full: ours, and what an unfinished create may have left.
fn to_be_read(world: &GroupWorld, policy: &GroupPolicy, depth: Depth) -> BTreeSet<PbxGroupId> {
    let wanted = wanted(world, policy);
    let unfinished: BTreeSet<&str> = world
        .bindings
        .values()
        .filter(|binding| binding.bound().is_none())
        .map(|binding| binding.name.as_str())
        .collect();
    let differs = |binding: &GroupBinding| {
        let bound = binding.bound()?;
        let row = world.rows.get(&bound.id)?;
        let in_step = wanted.get(&binding.group).is_some_and(|values| {
            bound.written == GroupDigest::of(values) && row.name == values.name && binding.name == values.name
        });
        (depth == Depth::Full || !in_step).then_some(bound.id)
    };
    let left = world
        .rows
        .values()
        .filter(|row| unfinished.contains(row.name.as_str()))
        .map(|row| row.id);
    world.bindings.values().filter_map(differs).chain(left).collect()
}

/// Older firmware has no extension groups that an API may write. What it can do was found out when the connection was made,
/// and is looked at again where it was not enough.
async fn may_be_had(basis: &Basis<'_>, target: GroupTarget) -> Result<(), CollectError> {
    let connection = basis.connection;
    if target == GroupTarget::Organization || connection.pbx.capabilities.extension_groups {
        return Ok(());
    }
    let capabilities = basis.sides.phone_system.capabilities().await?;
    if !capabilities.extension_groups {
        return Err(CollectError::NotPossible(
            "extension groups need a newer firmware of the PBX; with this one, departments can be written: choose \
             organization as groups.target"
                .to_owned(),
        ));
    }
    let Some(mut stored) = basis.store().connection(connection.id).await? else {
        return Ok(());
    };
    stored.value.pbx.runs(Firmware {
        version: basis.sides.phone_system.information().await?.firmware_version,
        capabilities,
    });
    match basis.store().save_connection(&stored).await {
        // Somebody changed the connection meanwhile; the next run finds out again.
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
