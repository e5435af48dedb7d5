//! What a caller of the admin API may do. Each role holds all that the ones before it hold.

use serde::{Deserialize, Serialize};

/// What the holder of a token or session may do, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also runs, approves, pauses, resumes and sets people's presence.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// Whether a holder may do what asks for `needed`.
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn a_role_holds_all_that_the_ones_before_it_hold() {
        let allowed = [
            (Role::Viewer, [true, false, false]),
            (Role::Operator, [true, true, false]),
            (Role::Admin, [true, true, true]),
        ];
        for (role, expected) in allowed {
            let actual = [Role::Viewer, Role::Operator, Role::Admin].map(|needed| role.allows(needed));
            assert_eq!(actual, expected, "{role:?}");
        }
    }
}
