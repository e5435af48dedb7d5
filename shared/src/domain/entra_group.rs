//! What the directory says of a group, reduced to what a sync needs.

use super::ids::EntraGroupId;
use super::settings::GroupType;

/// One group as Microsoft Graph returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraGroup {
    /// Immutable object id.
    pub id: EntraGroupId,
    /// Up to 256 characters; not unique.
    pub name: String,
    /// `None` for a distribution list, which is no group of people for a phone system.
    pub kind: Option<GroupType>,
}

impl EntraGroup {
    /// The kind of a group with these marks: Microsoft 365 groups are marked, the others are told by what they may do.
    pub fn kind_of(unified: bool, security_enabled: bool) -> Option<GroupType> {
        match (unified, security_enabled) {
            (true, _) => Some(GroupType::Microsoft365),
            (false, true) => Some(GroupType::Security),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: 84, 85
    #[test]
    fn mail_enabled_security_groups_are_security_groups_and_distribution_lists_are_nothing() {
        assert_eq!(EntraGroup::kind_of(true, true), Some(GroupType::Microsoft365));
        assert_eq!(EntraGroup::kind_of(true, false), Some(GroupType::Microsoft365));
        assert_eq!(EntraGroup::kind_of(false, true), Some(GroupType::Security));
        assert_eq!(EntraGroup::kind_of(false, false), None);
    }
}
