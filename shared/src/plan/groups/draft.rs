//! Each group alone: what it should be on the PBX against what it is there. Names, which groups compete for, are settled
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::group_binding::{BoundGroup, GroupBinding};
use crate::domain::ids::{EntraGroupId, PbxGroupId};
use crate::domain::operation_record::Reason;
use crate::domain::pbx_group::{GroupDigest, GroupValues, PbxGroup};
use crate::domain::settings::{GroupTarget, ScopeKind};

use super::choose::{chosen, in_scope};
use super::names::{self, Named};
use super::operation::{GroupChange, GroupOperation, GroupSkipped};
use super::own::{is_same, owners};
use super::world::{GroupPolicy, GroupWorld};

/// What is known of one group so far.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    /// An operation.
    Do(Box<GroupOperation>),
    /// Left alone.
    Skip(Box<GroupSkipped>),
    /// In step, perhaps with a remark.
    InStep { remark: Option<Box<GroupSkipped>> },
}

impl Draft {
    pub fn left_alone(skipped: GroupSkipped) -> Self {
        Self::Skip(Box::new(skipped))
    }
}

/// What a group is to be, and remarks on the way there.
struct Wish {
    values: GroupValues,
    /// Of values that break a rule of the PBX.
    notes: Vec<String>,
    /// Another group has the bare name.
    marked: bool,
    /// People in it whom the PBX does not know.
    strangers: Option<String>,
}

impl Wish {
    /// What is said with an operation.
    fn remarks(&self) -> Vec<String> {
        let marked = self
            .marked
            .then(|| "another group has the same name, so part of the id stands behind it".to_owned());
        let notes = self.notes.iter().cloned();
        notes.chain(marked).chain(self.strangers.clone()).collect()
    }
}

/// What every group that has a place is to be on the PBX.
pub fn wanted(world: &GroupWorld, policy: &GroupPolicy) -> BTreeMap<EntraGroupId, GroupValues> {
    let names = names::of_all(&in_scope(world, policy));
    let values = |id: EntraGroupId| Some((id, wish(id, names.get(&id)?, world).values));
    chosen(world, policy).into_iter().filter_map(values).collect()
}

/// Drafts for every group in the scope, and for every one of ours.
pub(super) fn all(world: &GroupWorld, policy: &GroupPolicy) -> BTreeMap<EntraGroupId, Draft> {
    let scope = in_scope(world, policy);
    let names = names::of_all(&scope);
    let places: BTreeSet<EntraGroupId> = chosen(world, policy).into_iter().collect();
    let mut drafts = BTreeMap::new();
    for group in &scope {
        let Some(own) = names.get(&group.id) else { continue };
        let draft = if places.contains(&group.id) {
            placed(group.id, own, world, policy)
        } else {
            beyond(group.id, own, world)
        };
        drafts.insert(group.id, draft);
    }
    let unwanted = world.bindings.values().filter(|b| !drafts.contains_key(&b.group));
    let leaving: Vec<_> = unwanted.map(|b| (b.group, leaving(b, world, policy))).collect();
    drafts.extend(leaving);
    drafts.extend(missing(world, policy));
    drafts
}

/// Groups that the settings name and that cannot be synced, without anything of ours.
fn missing(world: &GroupWorld, policy: &GroupPolicy) -> Vec<(EntraGroupId, Draft)> {
    let scope = &policy.groups.scope;
    if scope.kind != ScopeKind::Groups {
        return Vec::new();
    }
    let unbound = scope
        .group_ids
        .iter()
        .filter(|id| !world.bindings.contains_key(id));
    let skip = |id: &EntraGroupId| {
        let (name, reason, detail) = match world.groups.get(id) {
            Some(group) if group.kind.is_some() => return None,
            Some(group) => (
                group.name.clone(),
                Reason::OutOfScope,
                "it is a distribution list",
            ),
            None => (
                id.to_string(),
                Reason::GroupDeleted,
                "take it out of groups.scope",
            ),
        };
        let skipped = GroupSkipped {
            group: *id,
            name,
            reason,
            detail: detail.to_owned(),
            target: None,
        };
        Some((*id, Draft::left_alone(skipped)))
    };
    unbound.filter_map(skip).collect()
}

fn wish(id: EntraGroupId, named: &Named, world: &GroupWorld) -> Wish {
    let nobody = BTreeSet::new();
    let people = world.members.get(&id).unwrap_or(&nobody);
    let members: BTreeSet<_> = people
        .iter()
        .filter_map(|user| Some(world.people.extensions.get(user)?.id))
        .collect();
    let without = people.len() - members.len().min(people.len());
    let coming = people.iter().filter(|u| world.people.coming.contains(u)).count();
    let strangers = (without > 0).then(|| strangers(without, coming));
    Wish {
        values: GroupValues {
            name: named.name.clone(),
            members,
        },
        notes: named.notes.clone(),
        marked: named.marked,
        strangers,
    }
}

fn strangers(without: usize, coming: usize) -> String {
    let left_out = format!("{without} of its people have no extension");
    if coming == 0 {
        left_out
    } else {
        format!("{left_out}; {coming} of them get one first")
    }
}

fn placed(id: EntraGroupId, named: &Named, world: &GroupWorld, policy: &GroupPolicy) -> Draft {
    let binding = world.bindings.get(&id);
    if named.name.is_empty() {
        let detail = "the name has no character that the PBX takes".to_owned();
        return Draft::left_alone(skipped(id, named, binding, Reason::FieldInvalid, detail));
    }
    let wish = wish(id, named, world);
    let Some(binding) = binding else {
        return create(id, wish, policy.groups.target, Reason::NewInScope);
    };
    match ours(binding, Some(&named.name), world, policy) {
        Found::Ours {
            bound,
            group,
            recovered,
        } => compare(binding, &bound, group, wish, recovered),
        Found::Gone if binding.bound().is_none() => {
            create(id, wish, policy.groups.target, Reason::NewInScope)
        }
        Found::Gone => create(id, wish, policy.groups.target, Reason::DeletedOnPbx),
        Found::NotRead => in_step(id, wish, binding.bound().map(|bound| bound.id)),
    }
}

fn beyond(id: EntraGroupId, named: &Named, world: &GroupWorld) -> Draft {
    let detail = "the PBX takes 63 extension groups, those made there included".to_owned();
    Draft::left_alone(skipped(
        id,
        named,
        world.bindings.get(&id),
        Reason::CapacityReached,
        detail,
    ))
}

fn skipped(
    id: EntraGroupId,
    named: &Named,
    binding: Option<&GroupBinding>,
    reason: Reason,
    detail: String,
) -> GroupSkipped {
    GroupSkipped {
        group: id,
        name: named.name.clone(),
        reason,
        detail,
        target: binding.and_then(|b| Some(b.bound()?.id)),
    }
}

fn create(id: EntraGroupId, wish: Wish, target: GroupTarget, reason: Reason) -> Draft {
    let name = wish.values.name.clone();
    let notes = wish.remarks();
    let change = GroupChange::Create { after: wish.values };
    operation(id, name, target, change, reason, notes)
}

/// Whether the group of a binding is still there, and is still the same one.
enum Found<'w> {
    Ours {
        bound: BoundGroup,
        group: &'w PbxGroup,
        recovered: bool,
    },
    Gone,
    /// This run did not look.
    NotRead,
}

fn ours<'w>(
    binding: &GroupBinding,
    wanted: Option<&str>,
    world: &'w GroupWorld,
    policy: &GroupPolicy,
) -> Found<'w> {
    let Some(bound) = binding.bound() else {
        return unfinished(binding, world, policy);
    };
    if !world.rows.contains_key(&bound.id) {
        return Found::Gone;
    }
    match world.details.get(&bound.id) {
        Some(group) if is_same(binding, bound, group, wanted, &world.people) => Found::Ours {
            bound: bound.clone(),
            group,
            recovered: false,
        },
        Some(_) => Found::Gone,
        None => Found::NotRead,
    }
}

/// A create was about to be sent when nothing had the name: it happened if something has it now, and holds nobody but our
/// people.
fn unfinished<'w>(binding: &GroupBinding, world: &'w GroupWorld, policy: &GroupPolicy) -> Found<'w> {
    let owners = owners(world, policy);
    let own: BTreeSet<_> = world.people.extensions.values().map(|own| own.id).collect();
    let beside = |id: &PbxGroupId| world.rows.get(id).is_some_and(|row| row.beside);
    let found = world.details.values().find(|group| {
        group.name == binding.name
            && beside(&group.id)
            && !owners.contains_key(&group.id)
            && !group.everyone
            && group.members.keys().all(|member| own.contains(member))
    });
    found.map_or(Found::Gone, |group| Found::Ours {
        bound: BoundGroup {
            id: group.id,
            written: GroupDigest::of(&group.values()),
            bound_at: policy.now,
            written_at: policy.now,
        },
        group,
        recovered: true,
    })
}

fn compare(
    binding: &GroupBinding,
    bound: &BoundGroup,
    group: &PbxGroup,
    wish: Wish,
    recovered: bool,
) -> Draft {
    let digest = GroupDigest::of(&wish.values);
    let is_so = group.is(&wish.values);
    let stale = bound.written != digest || binding.name != wish.values.name || recovered;
    if is_so && !stale {
        return in_step(binding.group, wish, Some(bound.id));
    }
    let notes = wish.remarks();
    let after = wish.values;
    let name = after.name.clone();
    let change = if is_so {
        GroupChange::Note {
            bound: bound.clone(),
            values: after,
        }
    } else {
        GroupChange::Update {
            bound: bound.clone(),
            before: group.clone(),
            after,
        }
    };
    let reason = if recovered {
        Reason::Recovered
    } else if bound.written == digest {
        Reason::Drift
    } else {
        Reason::AttributesChanged
    };
    operation(binding.group, name, binding.target, change, reason, notes)
}

fn in_step(id: EntraGroupId, wish: Wish, target: Option<PbxGroupId>) -> Draft {
    let reason = if wish.notes.is_empty() {
        Reason::MembersWithoutExtension
    } else {
        Reason::FieldInvalid
    };
    let sentences: Vec<String> = wish.notes.into_iter().chain(wish.strangers).collect();
    let remark = (!sentences.is_empty()).then(|| {
        Box::new(GroupSkipped {
            group: id,
            name: wish.values.name,
            reason,
            detail: sentences.join("; "),
            target,
        })
    });
    Draft::InStep { remark }
}

fn leaving(binding: &GroupBinding, world: &GroupWorld, policy: &GroupPolicy) -> Draft {
    let scope = &policy.groups.scope;
    // Of groups that the rules name, others are not asked for.
    let asked_for = scope.kind != ScopeKind::Groups || scope.group_ids.contains(&binding.group);
    let reason = if policy.switched_off {
        Reason::SwitchedOff
    } else if asked_for && !world.groups.contains_key(&binding.group) {
        Reason::GroupDeleted
    } else {
        Reason::OutOfScope
    };
    let there = match ours(binding, None, world, policy) {
        Found::Ours { bound, .. } => Some(bound.id),
        Found::NotRead => binding.bound().map(|bound| bound.id),
        Found::Gone => None,
    };
    let delete = policy.groups.delete_when_out_of_scope;
    Draft::Do(Box::new(removal(binding, there, delete, reason)))
}

/// What was made for another target than the settings name now. Only what is to be deleted is looked at.
pub(super) fn stray(binding: &GroupBinding, world: &GroupWorld, policy: &GroupPolicy) -> GroupOperation {
    let delete = policy.groups.delete_when_out_of_scope;
    let is_ours = |bound: &BoundGroup| match &world.stray_details {
        Some(details) if delete => details
            .get(&bound.id)
            .is_some_and(|group| is_same(binding, bound, group, None, &world.people)),
        _ => true,
    };
    let there = binding
        .bound()
        .filter(|bound| is_ours(bound))
        .map(|bound| bound.id);
    let reason = if policy.switched_off {
        Reason::SwitchedOff
    } else {
        Reason::OutOfScope
    };
    removal(binding, there, delete, reason)
}

fn removal(
    binding: &GroupBinding,
    there: Option<PbxGroupId>,
    delete: bool,
    reason: Reason,
) -> GroupOperation {
    let change = match there {
        Some(id) if !delete => GroupChange::Release { id },
        there => GroupChange::Delete { id: there },
    };
    blank(
        binding.group,
        binding.name.clone(),
        binding.target,
        change,
        reason,
    )
}

fn operation(
    group: EntraGroupId,
    name: String,
    target: GroupTarget,
    change: GroupChange,
    reason: Reason,
    notes: Vec<String>,
) -> Draft {
    Draft::Do(Box::new(GroupOperation {
        notes,
        ..blank(group, name, target, change, reason)
    }))
}

fn blank(
    group: EntraGroupId,
    name: String,
    target: GroupTarget,
    change: GroupChange,
    reason: Reason,
) -> GroupOperation {
    GroupOperation {
        group,
        name,
        target,
        change,
        reason,
        notes: Vec::new(),
        before: None,
        after: None,
        relies_on: Vec::new(),
        phase: 0,
    }
}
