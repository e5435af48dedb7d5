//! Which properties users and groups have, and what may be done with each. A name that is not in these
//! tables does not exist for the service.

/// How a property filters and what its absence looks like in a full object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Id,
    Text,
    /// Text that `endsWith` works on as well.
    Address,
    /// Text on which `startsWith` is an advanced query.
    Phone,
    Flag,
    Time,
    Strings,
    /// An object whose members filter as text.
    Nested,
    /// Returned, never filtered.
    Objects,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityType {
    User,
    Group,
}

use Kind::{Address, Flag, Id, Nested, Objects, Phone, Strings, Text, Time};

const USER: &[(&str, Kind)] = &[
    ("accountEnabled", Flag),
    ("ageGroup", Text),
    ("assignedLicenses", Objects),
    ("businessPhones", Strings),
    ("city", Text),
    ("companyName", Text),
    ("country", Text),
    ("createdDateTime", Time),
    ("creationType", Text),
    ("deletedDateTime", Time),
    ("department", Text),
    ("displayName", Text),
    ("employeeHireDate", Time),
    ("employeeId", Text),
    ("employeeType", Text),
    ("externalUserState", Text),
    ("faxNumber", Text),
    ("givenName", Text),
    ("id", Id),
    ("imAddresses", Strings),
    ("jobTitle", Text),
    ("mail", Address),
    ("mailNickname", Text),
    ("mobilePhone", Phone),
    ("officeLocation", Text),
    ("onPremisesExtensionAttributes", Nested),
    ("onPremisesImmutableId", Text),
    ("onPremisesSamAccountName", Text),
    ("onPremisesSyncEnabled", Flag),
    ("otherMails", Strings),
    ("postalCode", Text),
    ("preferredLanguage", Text),
    ("proxyAddresses", Strings),
    ("securityIdentifier", Text),
    ("state", Text),
    ("streetAddress", Text),
    ("surname", Text),
    ("usageLocation", Text),
    ("userPrincipalName", Address),
    ("userType", Text),
];

const GROUP: &[(&str, Kind)] = &[
    ("classification", Text),
    ("createdDateTime", Time),
    ("deletedDateTime", Time),
    ("description", Text),
    ("displayName", Text),
    ("expirationDateTime", Time),
    ("groupTypes", Strings),
    ("id", Id),
    ("isAssignableToRole", Flag),
    ("mail", Address),
    ("mailEnabled", Flag),
    ("mailNickname", Text),
    ("membershipRule", Text),
    ("membershipRuleProcessingState", Text),
    ("onPremisesLastSyncDateTime", Time),
    ("onPremisesSecurityIdentifier", Text),
    ("onPremisesSyncEnabled", Flag),
    ("preferredDataLocation", Text),
    ("preferredLanguage", Text),
    ("proxyAddresses", Strings),
    ("renewedDateTime", Time),
    ("resourceProvisioningOptions", Strings),
    ("securityEnabled", Flag),
    ("securityIdentifier", Text),
    ("theme", Text),
    ("visibility", Text),
];

const USER_DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Kept outside the directory store: a list answers 501, delta 400.
pub const SINGLE_USER_ONLY: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

/// All that `User.ReadBasic.All` shows.
pub const BASIC_USER: &[&str] = &[
    "displayName",
    "givenName",
    "id",
    "mail",
    "securityIdentifier",
    "surname",
    "userPrincipalName",
];

impl EntityType {
    fn table(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    /// The name in its own spelling and its kind; names compare without case, as the service does.
    pub fn property(self, name: &str) -> Option<(&'static str, Kind)> {
        self.table()
            .iter()
            .copied()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    pub fn default_select(self) -> Vec<&'static str> {
        match self {
            Self::User => USER_DEFAULT.to_vec(),
            Self::Group => GROUP.iter().map(|(name, _)| *name).collect(),
        }
    }

    pub fn odata_type(self) -> &'static str {
        match self {
            Self::User => "#microsoft.graph.user",
            Self::Group => "#microsoft.graph.group",
        }
    }

    pub fn type_name(self) -> &'static str {
        match self {
            Self::User => "microsoft.graph.user",
            Self::Group => "microsoft.graph.group",
        }
    }

    pub fn collection(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
        }
    }
}
