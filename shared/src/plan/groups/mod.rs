//! The decision about groups: which get a place on the PBX, how they are called there, who is in them. Pure, sorted,
//! repeatable, like the decision about people before it.

pub mod check;
mod choose;
mod claim;
mod draft;
mod names;
pub mod operation;
mod own;
pub mod words;
pub mod world;

use std::collections::BTreeMap;

use crate::domain::ids::EntraGroupId;

use draft::Draft;
use operation::{GroupOperation, GroupSkipped, Numbers};
use world::{GroupPolicy, GroupWorld};

pub use choose::chosen;
pub use draft::wanted;

/// What is to be done about groups, which are left alone and why, and how many are in step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPlan {
    /// Sorted by phase, kind, name and group; none of them does nothing.
    pub operations: Vec<GroupOperation>,
    /// Sorted by group.
    pub skipped: Vec<GroupSkipped>,
    /// Remarks on groups that are in step otherwise; they count as unchanged.
    pub remarks: Vec<GroupSkipped>,
    /// Groups in step.
    pub unchanged: u64,
}

impl GroupPlan {
    /// Whether carrying it out changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            operations,
            skipped: _,
            remarks: _,
            unchanged: _,
        } = self;
        operations.is_empty()
    }
}

/// Decides for every group that the rules choose, or that is ours.
pub fn plan(world: &GroupWorld, policy: &GroupPolicy) -> GroupPlan {
    let drafts = draft::all(world, policy);
    let settled = claim::names(drafts, world, policy);
    let mut plan = collect(settled);
    plan.operations.extend(
        world
            .strays
            .iter()
            .map(|stray| draft::stray(stray, world, policy)),
    );
    let numbers = Numbers::of(world);
    for operation in &mut plan.operations {
        operation.describe(&numbers, world);
    }
    plan.operations.sort_by(|a, b| key(a).cmp(&key(b)));
    plan
}

fn collect(drafts: BTreeMap<EntraGroupId, Draft>) -> GroupPlan {
    let mut plan = GroupPlan::default();
    for draft in drafts.into_values() {
        match draft {
            Draft::Do(operation) => plan.operations.push(*operation),
            Draft::Skip(skipped) => plan.skipped.push(*skipped),
            Draft::InStep { remark } => {
                plan.unchanged += 1;
                plan.remarks.extend(remark.map(|remark| *remark));
            }
        }
    }
    plan
}

fn key(
    operation: &GroupOperation,
) -> (
    u32,
    crate::domain::operation_record::OperationKind,
    &str,
    EntraGroupId,
) {
    (
        operation.phase,
        operation.kind(),
        operation.name.as_str(),
        operation.group,
    )
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod world_builder;
