//! The decision: from everything that was read to the operations that remain. Pure, sorted, repeatable;
//! nothing meaningful is left to decide when it is carried out.

mod by_address;
pub mod check;
mod claim;
mod compare;
pub mod contacts;
mod draft;
pub mod groups;
pub mod guard;
mod numbers;
pub mod operation;
mod order;
pub mod render;
pub mod snapshot;
pub(crate) mod standing;
mod teardown;
pub mod words;

use std::collections::BTreeMap;

use crate::domain::ids::EntraUserId;

use draft::Draft;
use operation::{Operation, Skipped};
use snapshot::{Policy, World};

/// What is to be done, who is left alone and why, and how many are in step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Sorted by phase, kind, number and person; none of them does nothing.
    pub operations: Vec<Operation>,
    /// Sorted by person.
    pub skipped: Vec<Skipped>,
    /// Remarks on people who are in step otherwise; they count as unchanged.
    pub remarks: Vec<Skipped>,
    /// People in step.
    pub unchanged: u64,
}

impl Plan {
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

/// Decides for every person that was seen, or whose absence is a fact.
pub fn plan(world: &World, policy: &Policy) -> Plan {
    if let Some(removal) = policy.removal {
        return collect(teardown::all(world, policy, removal));
    }
    let drafts = draft::all(world, policy);
    let claimed = claim::addresses(drafts, world, policy);
    let numbered = numbers::assign(claimed, world, policy);
    let settled = order::settle(numbered);
    collect(settled)
}

fn collect(drafts: BTreeMap<EntraUserId, Draft<'_>>) -> Plan {
    let mut plan = Plan::default();
    for draft in drafts.into_values() {
        match draft {
            Draft::Do(operation) => plan.operations.push(*operation),
            Draft::Skip(skipped) => plan.skipped.push(*skipped),
            Draft::InStep { remark } => {
                plan.unchanged += 1;
                plan.remarks.extend(remark.map(|remark| *remark));
            }
            Draft::Newcomer(newcomer) => plan.skipped.push(newcomer.without_number()),
        }
    }
    plan.operations.sort_by(|a, b| order::key(a).cmp(&order::key(b)));
    plan
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod world_builder;
