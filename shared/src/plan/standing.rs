//! Where one person stands: wanted, leaving, or not our business. The rules of the settings, nothing else.

use crate::domain::binding::LeavingCause;
use crate::domain::entra_user::EntraUser;
use crate::domain::ids::EntraUserId;
use crate::domain::operation_record::Reason;
use crate::domain::settings::{DeleteWhen, ScopeKind, UserScope, UserSettings};

use super::snapshot::DirectorySnapshot;

/// Where one person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Should have an extension.
    Wanted,
    /// Has an extension and should not have it any more.
    Leaving(LeavingCause),
    /// Has none and should have none.
    NotWanted(Reason),
}

/// Judges a person whom the directory has. `has_extension`: a binding exists.
pub fn of_present(
    user: &EntraUser,
    has_extension: bool,
    directory: &DirectorySnapshot,
    settings: &UserSettings,
) -> Standing {
    let disabled_deletes = settings.delete_when.contains(&DeleteWhen::Disabled);
    let enabled_only = settings.scope.only_enabled && !has_extension;
    if !user.account_enabled && (disabled_deletes || enabled_only) {
        return leaving_or(
            has_extension,
            LeavingCause::AccountDisabled,
            Reason::AccountDisabled,
        );
    }
    if !in_scope(user, directory, &settings.scope) {
        return leaving_or(has_extension, LeavingCause::OutOfScope, Reason::OutOfScope);
    }
    Standing::Wanted
}

fn leaving_or(has_extension: bool, cause: LeavingCause, reason: Reason) -> Standing {
    if has_extension {
        Standing::Leaving(cause)
    } else {
        Standing::NotWanted(reason)
    }
}

fn in_scope(user: &EntraUser, directory: &DirectorySnapshot, scope: &UserScope) -> bool {
    chosen(user, &directory.scope_members, scope) && !directory.excluded_members.contains(&user.id)
}

fn chosen(user: &EntraUser, members: &std::collections::BTreeSet<EntraUserId>, scope: &UserScope) -> bool {
    match scope.kind {
        ScopeKind::All => true,
        ScopeKind::Types => scope.types.contains(&user.user_type),
        ScopeKind::Groups => members.contains(&user.id),
    }
}
