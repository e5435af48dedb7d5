//! Which changes concern us: those of people who have an extension, of people who should have one now, and of groups that
//! the rules name. Everything else in the directory triggers nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::change::ChangedObject;
use crate::domain::entra_user::UserChange;
use crate::domain::ids::EntraUserId;
use crate::domain::settings::UserSettings;
use crate::plan::snapshot::{Coverage, DirectorySnapshot};
use crate::plan::standing::{Standing, of_present};
use crate::sync_run::membership::Membership;

/// The people among `changes` who matter. `members` need only be right where groups decide about somebody without an
/// extension.
pub(super) fn people(
    changes: &[UserChange],
    bound: &BTreeSet<EntraUserId>,
    members: Membership,
    settings: &UserSettings,
) -> BTreeSet<ChangedObject> {
    let directory = DirectorySnapshot {
        users: BTreeMap::new(),
        coverage: Coverage::Only(BTreeSet::new()),
        scope_members: members.scope,
        excluded_members: members.excluded,
    };
    let matters = |change: &&UserChange| match change {
        UserChange::Removed(id) => bound.contains(id),
        UserChange::Present(user) => {
            bound.contains(&user.id) || of_present(user, false, &directory, settings) == Standing::Wanted
        }
    };
    changes
        .iter()
        .filter(matters)
        .map(|change| ChangedObject::User(id_of(change)))
        .collect()
}

/// Whose change it is.
pub(super) fn id_of(change: &UserChange) -> EntraUserId {
    match change {
        UserChange::Present(user) => user.id,
        UserChange::Removed(id) => *id,
    }
}
