//! Who gets which name: no two groups on a PBX have one, and one that somebody made there is not taken over. Also the order:
//! what frees a name before what wants it.

use std::collections::BTreeMap;

use crate::domain::ids::{EntraGroupId, PbxGroupId};
use crate::domain::operation_record::Reason;

use super::draft::Draft;
use super::operation::{GroupChange, GroupOperation, GroupSkipped};
use super::own::owners;
use super::world::{GroupPolicy, GroupWorld};

type Drafts = BTreeMap<EntraGroupId, Draft>;

/// Who has a name on the PBX.
#[derive(Clone, Copy)]
enum Holder {
    Ours(EntraGroupId),
    Others,
}

/// Settles every claim to a name, and gives every operation its phase. Each round takes a claim out, so it ends.
pub(super) fn names(mut drafts: Drafts, world: &GroupWorld, policy: &GroupPolicy) -> Drafts {
    let owners = owners(world, policy);
    loop {
        let holders = holders(&drafts, &owners, world);
        let refused = refusals(&mut drafts, &holders);
        if !refused.is_empty() {
            give_up(&mut drafts, &refused);
            continue;
        }
        let phases = phases(&drafts);
        let stuck: Vec<EntraGroupId> = operations(&drafts)
            .filter(|op| !phases.contains_key(&op.group))
            .map(|op| op.group)
            .collect();
        if stuck.is_empty() {
            return with_phases(drafts, &phases);
        }
        // A ring of groups that want each other's names has no first one.
        give_up(&mut drafts, &stuck);
    }
}

fn operations(drafts: &Drafts) -> impl Iterator<Item = &GroupOperation> {
    drafts.values().filter_map(|draft| match draft {
        Draft::Do(operation) => Some(operation.as_ref()),
        Draft::Skip(_) | Draft::InStep { .. } => None,
    })
}

fn holders(
    drafts: &Drafts,
    owners: &BTreeMap<PbxGroupId, EntraGroupId>,
    world: &GroupWorld,
) -> BTreeMap<String, Holder> {
    let mut owners = owners.clone();
    // A group that an unfinished create left belongs to who takes it up now.
    owners.extend(operations(drafts).filter_map(|op| Some((op.target_id()?, op.group))));
    let beside = world.rows.values().filter(|row| row.beside);
    beside
        .map(|row| {
            let holder = owners.get(&row.id).copied().map_or(Holder::Others, Holder::Ours);
            (row.name.clone(), holder)
        })
        .collect()
}

/// The groups that cannot get the name they want; the others learn whom they rely on.
fn refusals(drafts: &mut Drafts, holders: &BTreeMap<String, Holder>) -> Vec<EntraGroupId> {
    let gives_up: BTreeMap<EntraGroupId, bool> = operations(drafts)
        .map(|op| (op.group, gives_up_its_name(op)))
        .collect();
    let mut refused = Vec::new();
    for draft in drafts.values_mut() {
        let Draft::Do(operation) = draft else { continue };
        operation.relies_on.clear();
        let Some(wanted) = operation.name_after() else {
            continue;
        };
        match holders.get(wanted) {
            None => {}
            Some(Holder::Ours(group)) if *group == operation.group => {}
            Some(Holder::Ours(group)) if gives_up.get(group) == Some(&true) => {
                operation.relies_on.push(*group);
            }
            Some(Holder::Ours(_) | Holder::Others) => refused.push(operation.group),
        }
    }
    refused
}

fn gives_up_its_name(operation: &GroupOperation) -> bool {
    match &operation.change {
        GroupChange::Delete { .. } => true,
        GroupChange::Update { before, after, .. } => before.name != after.name,
        GroupChange::Create { .. } | GroupChange::Note { .. } | GroupChange::Release { .. } => false,
    }
}

const TAKEN: &str = "something on the PBX has it that is not synced from this group; rename one of the two";

fn give_up(drafts: &mut Drafts, groups: &[EntraGroupId]) {
    for group in groups {
        if let Some(draft) = drafts.get_mut(group) {
            keep_name(draft);
        }
    }
}

/// Without the name that a group wants it is not made, or keeps the one it has.
fn keep_name(draft: &mut Draft) {
    let Draft::Do(operation) = draft else { return };
    let target = operation.target_id();
    if let GroupChange::Update { before, after, .. } = &mut operation.change
        && !before.has_members(&after.members)
    {
        after.name.clone_from(&before.name);
        operation.name.clone_from(&before.name);
        operation.notes.push(format!("the name is not free: {TAKEN}"));
        return;
    }
    *draft = Draft::left_alone(GroupSkipped {
        group: operation.group,
        name: operation.name.clone(),
        reason: Reason::NameTaken,
        detail: TAKEN.to_owned(),
        target,
    });
}

/// The phase of every operation that can run at all: one after the last it relies on.
fn phases(drafts: &Drafts) -> BTreeMap<EntraGroupId, u32> {
    let mut phases: BTreeMap<EntraGroupId, u32> = BTreeMap::new();
    loop {
        let ready: Vec<(EntraGroupId, u32)> = operations(drafts)
            .filter(|op| !phases.contains_key(&op.group))
            .filter_map(|op| Some((op.group, phase_of(op, &phases)?)))
            .collect();
        if ready.is_empty() {
            return phases;
        }
        phases.extend(ready);
    }
}

fn phase_of(operation: &GroupOperation, phases: &BTreeMap<EntraGroupId, u32>) -> Option<u32> {
    let own = match operation.change {
        GroupChange::Delete { .. } | GroupChange::Release { .. } | GroupChange::Note { .. } => 0,
        GroupChange::Update { .. } => 1,
        GroupChange::Create { .. } => 2,
    };
    let after = operation
        .relies_on
        .iter()
        .map(|group| phases.get(group).map(|phase| phase + 1));
    after
        .collect::<Option<Vec<u32>>>()
        .map(|after| after.into_iter().fold(own, u32::max))
}

fn with_phases(mut drafts: Drafts, phases: &BTreeMap<EntraGroupId, u32>) -> Drafts {
    for draft in drafts.values_mut() {
        if let Draft::Do(operation) = draft {
            operation.phase = phases.get(&operation.group).copied().unwrap_or(operation.phase);
        }
    }
    drafts
}
