//! In which order the operations run: what frees a number or an address before what wants it.
//! An operation whose forerunner is missing, or that waits for itself, is taken out and reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::EntraUserId;
use crate::domain::operation_record::{OperationKind, Reason};

use super::draft::Draft;
use super::operation::{Change, Operation, Skipped};

type Drafts<'w> = BTreeMap<EntraUserId, Draft<'w>>;

/// Sorting key of an operation.
pub(super) fn key(operation: &Operation) -> (u32, OperationKind, &str, EntraUserId) {
    (
        operation.phase,
        operation.kind(),
        operation.number.as_str(),
        operation.user,
    )
}

/// Gives every operation its phase.
pub(super) fn settle(mut drafts: Drafts<'_>) -> Drafts<'_> {
    loop {
        let phases = phases(&drafts);
        let stuck: Vec<EntraUserId> = operations(&drafts)
            .filter(|op| !phases.contains_key(&op.user))
            .map(|op| op.user)
            .collect();
        if stuck.is_empty() {
            apply(&mut drafts, &phases);
            return drafts;
        }
        for user in stuck {
            if let Some(draft) = drafts.get_mut(&user) {
                take_out(draft);
            }
        }
    }
}

fn operations<'d>(drafts: &'d Drafts<'_>) -> impl Iterator<Item = &'d Operation> {
    drafts.values().filter_map(|draft| match draft {
        Draft::Do(operation) => Some(operation.as_ref()),
        _ => None,
    })
}

/// The phase of every operation that can run at all: one after the last it relies on.
fn phases(drafts: &Drafts<'_>) -> BTreeMap<EntraUserId, u32> {
    let mut phases: BTreeMap<EntraUserId, u32> = BTreeMap::new();
    let mut waiting: BTreeSet<EntraUserId> = operations(drafts).map(|op| op.user).collect();
    loop {
        let ready: Vec<(EntraUserId, u32)> = operations(drafts)
            .filter(|op| waiting.contains(&op.user) && is_freed(op, drafts))
            .filter_map(|op| Some((op.user, phase_of(op, &phases)?)))
            .collect();
        if ready.is_empty() {
            return phases;
        }
        for (user, phase) in ready {
            waiting.remove(&user);
            phases.insert(user, phase);
        }
    }
}

/// Whether everyone it relies on really gives up what it wants.
fn is_freed(operation: &Operation, drafts: &Drafts<'_>) -> bool {
    let wanted = operation
        .fields_after()
        .map_or("", |fields| fields.email.as_str());
    operation.relies_on.iter().all(|user| match drafts.get(user) {
        Some(Draft::Do(earlier)) => match &earlier.change {
            Change::Delete { .. } => true,
            Change::Update { after, .. } => !after.email.eq_ignore_ascii_case(wanted),
            _ => false,
        },
        _ => false,
    })
}

fn phase_of(operation: &Operation, phases: &BTreeMap<EntraUserId, u32>) -> Option<u32> {
    let own = match operation.change {
        Change::Delete { .. } | Change::Release { .. } | Change::MarkLeaving { .. } | Change::Note { .. } => {
            0
        }
        Change::Update { .. } | Change::Bind { .. } => 1,
        Change::Create { .. } => 2,
    };
    let after = operation
        .relies_on
        .iter()
        .map(|user| phases.get(user).map(|phase| phase + 1));
    after
        .collect::<Option<Vec<u32>>>()
        .map(|after| after.into_iter().fold(own, u32::max))
}

fn apply(drafts: &mut Drafts<'_>, phases: &BTreeMap<EntraUserId, u32>) {
    for draft in drafts.values_mut() {
        if let Draft::Do(operation) = draft {
            operation.phase = phases.get(&operation.user).copied().unwrap_or(operation.phase);
        }
    }
}

fn take_out(draft: &mut Draft<'_>) {
    if let Draft::Do(operation) = draft {
        let has_extension = operation.extension().is_some();
        *draft = Draft::Skip(Box::new(Skipped {
            user: operation.user,
            name: operation.name.clone(),
            reason: Reason::DuplicateMail,
            detail: "the address is still with somebody who waits for another one".to_owned(),
            number: has_extension.then(|| operation.number.clone()),
        }));
    }
}
