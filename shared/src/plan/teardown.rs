//! Everything that is ours is taken away, whatever the directory says: deleted from the PBX, or let go.

use std::collections::BTreeMap;

use crate::domain::binding::Binding;
use crate::domain::ids::EntraUserId;
use crate::domain::operation_record::Reason;
use crate::domain::teardown::Removal;

use super::draft::{Draft, Found, operation, ours};
use super::operation::Change;
use super::snapshot::{Policy, World};

/// One removal for each binding.
pub(super) fn all<'w>(
    world: &'w World,
    policy: &Policy,
    removal: Removal,
) -> BTreeMap<EntraUserId, Draft<'w>> {
    let bindings = world.bindings.values();
    bindings
        .map(|binding| (binding.user, of(binding, world, policy, removal)))
        .collect()
}

fn of<'w>(binding: &Binding, world: &'w World, policy: &Policy, removal: Removal) -> Draft<'w> {
    let change = match removal {
        Removal::Release => match binding.bound() {
            Some(bound) => Change::Release {
                extension: bound.extension,
            },
            None => STRIKE_OFF,
        },
        Removal::Delete => match ours(binding, None, world, policy) {
            Found::Ours { extension, .. } => Change::Delete {
                extension: Some(extension.id),
                before: Some(extension.fields.clone()),
            },
            Found::Gone => STRIKE_OFF,
            Found::NotRead => return Draft::InStep { remark: None },
        },
    };
    operation(binding, change, Reason::SwitchedOff)
}

/// Nothing of ours is on the PBX; what remains is our record.
const STRIKE_OFF: Change = Change::Delete {
    extension: None,
    before: None,
};

#[cfg(test)]
#[path = "teardown_tests.rs"]
mod tests;
