//! The properties of the Microsoft Graph user resource that a list of users may be asked for. Naming one that only a
//! single user has would make every read of the directory fail, so settings are checked against this list.

/// Selectable on lists and in change reads with `User.Read.All` alone.
const PLAIN: [&str; 54] = [
    "accountEnabled",
    "ageGroup",
    "businessPhones",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "createdDateTime",
    "creationType",
    "department",
    "displayName",
    "employeeHireDate",
    "employeeId",
    "employeeType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "faxNumber",
    "givenName",
    "id",
    "imAddresses",
    "isResourceAccount",
    "jobTitle",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "refreshTokensValidFromDateTime",
    "securityIdentifier",
    "showInAddressList",
    "signInSessionsValidFromDateTime",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
    "deletedDateTime",
    "isManagementRestricted",
];

/// Properties with fields of their own. The extension attributes are checked by pattern.
const NESTED: [(&str, &[&str]); 4] = [
    ("authorizationInfo", &["certificateUserIds"]),
    ("employeeOrgData", &["costCenter", "division"]),
    ("identities", &["issuer", "issuerAssignedId", "signInType"]),
    (EXTENSION_ATTRIBUTES, &[]),
];

const EXTENSION_ATTRIBUTES: &str = "onPremisesExtensionAttributes";

/// Graph answers 501 when a list is asked for these, refuses them in change reads, or wants a further permission.
const SINGLE_USER_ONLY: [&str; 17] = [
    "aboutMe",
    "birthday",
    "customSecurityAttributes",
    "deviceEnrollmentLimit",
    "employeeLeaveDateTime",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "passwordProfile",
    "pastProjects",
    "preferredName",
    "print",
    "responsibilities",
    "schools",
    "signInActivity",
    "skills",
];

/// Whether a number rule may name `path`: a property of the user resource, or a field inside one after a `.`. The
/// error says what is wrong and, where there is one, which name was probably meant.
pub fn valid_number_property(path: &str) -> Result<(), String> {
    let (property, field) = path.split_once('.').map_or((path, None), |(p, f)| (p, Some(f)));
    match field {
        None => valid_plain(property),
        Some(field) => valid_field(property, field),
    }
}

fn valid_plain(property: &str) -> Result<(), String> {
    if PLAIN.contains(&property) || is_directory_extension(property) {
        return Ok(());
    }
    if let Some((name, fields)) = NESTED.iter().find(|(name, _)| *name == property) {
        let example = fields.first().unwrap_or(&"extensionAttribute1");
        return Err(format!(
            "{name} has fields of its own: name one of them, for example {name}.{example}"
        ));
    }
    Err(refuse_property(property))
}

fn valid_field(property: &str, field: &str) -> Result<(), String> {
    if property == EXTENSION_ATTRIBUTES {
        return valid_extension_attribute(field);
    }
    let Some((name, fields)) = NESTED.iter().find(|(name, _)| *name == property) else {
        return Err(match valid_plain(property) {
            Ok(()) => format!("{property} has no fields of its own: leave out what follows the dot"),
            Err(refusal) => refusal,
        });
    };
    if fields.contains(&field) {
        return Ok(());
    }
    let right = fields.iter().find(|right| right.eq_ignore_ascii_case(field));
    Err(right.map_or_else(
        || format!("{name} has the fields {}", fields.join(", ")),
        |right| format!("letter case counts: {name}.{right} is probably meant"),
    ))
}

fn valid_extension_attribute(field: &str) -> Result<(), String> {
    let number = field
        .strip_prefix("extensionAttribute")
        .filter(|n| !n.starts_with(['0', '+']));
    let in_range = number
        .and_then(|n| n.parse::<u8>().ok())
        .is_some_and(|n| (1..=15).contains(&n));
    if in_range {
        return Ok(());
    }
    Err(format!(
        "{EXTENSION_ATTRIBUTES} has the fields extensionAttribute1 to extensionAttribute15"
    ))
}

fn refuse_property(property: &str) -> String {
    if let Some(name) = SINGLE_USER_ONLY
        .iter()
        .find(|name| name.eq_ignore_ascii_case(property))
    {
        return format!("Microsoft Graph does not give {name} when users are listed");
    }
    let nested = NESTED.iter().map(|(name, _)| name);
    let meant = PLAIN
        .iter()
        .chain(nested)
        .find(|name| name.eq_ignore_ascii_case(property));
    meant.map_or_else(
        || "this is not a property of the Microsoft Graph user resource".to_owned(),
        |name| format!("letter case counts: {name} is probably meant"),
    )
}

/// `extension_<application id without hyphens>_<name>`: a property that an organisation added to its users.
fn is_directory_extension(property: &str) -> bool {
    let Some((app, name)) = property
        .strip_prefix("extension_")
        .and_then(|rest| rest.split_once('_'))
    else {
        return false;
    };
    let plain_name = !name.is_empty() && name.len() <= 200;
    app.len() == 32
        && app.bytes().all(|b| b.is_ascii_hexdigit())
        && plain_name
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_the_user_resource_are_accepted() {
        for good in [
            "mobilePhone",
            "businessPhones",
            "employeeId",
            "onPremisesExtensionAttributes.extensionAttribute15",
            "employeeOrgData.costCenter",
            "identities.issuerAssignedId",
            "extension_0123456789abcdef0123456789abcdef_extNo",
        ] {
            assert_eq!(valid_number_property(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            ".",
            "phone",
            "mobilePhone.",
            "mobilePhone.x",
            "skills",
            "mailboxSettings.timeZone",
            "signInActivity",
            "onPremisesExtensionAttributes",
            "onPremisesExtensionAttributes.extensionAttribute0",
            "onPremisesExtensionAttributes.extensionAttribute16",
            "onPremisesExtensionAttributes.extensionAttribute01",
            "onPremisesExtensionAttributes.extensionAttribute1.x",
            "extension_1_a",
            "id,displayName",
            "mail&$filter=x",
        ] {
            assert!(valid_number_property(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_letter_case_gets_a_hint() {
        let hint = |path: &str| valid_number_property(path).unwrap_err();
        assert!(hint("mobilephone").contains("mobilePhone"));
        assert!(hint("employeeOrgData.costcenter").contains("employeeOrgData.costCenter"));
        assert!(hint("AboutMe").contains("aboutMe"));
    }
}
