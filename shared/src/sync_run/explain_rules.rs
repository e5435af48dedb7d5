//! The rules that decide on an extension, each applied to one person.

use crate::domain::binding::Binding;
use crate::domain::entra_user::EntraUser;
use crate::domain::settings::{DeleteWhen, NumberRule, ScopeKind, UserSettings};
use crate::plan::snapshot::DirectorySnapshot;

/// One rule applied to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    /// Its name, a stable code.
    pub rule: &'static str,
    /// Whether it speaks for an extension.
    pub passed: bool,
    /// Whether it is the first that speaks against one.
    pub deciding: bool,
    /// What it looked at, to a person.
    pub detail: String,
}

/// Every rule in the order it is applied.
pub(super) fn rules(
    user: &EntraUser,
    binding: Option<&Binding>,
    directory: &DirectorySnapshot,
    settings: &UserSettings,
) -> Vec<RuleResult> {
    let checks = [
        ("users_enabled", settings.enabled, on_off(settings.enabled)),
        account(user, settings),
        scope(user, directory, settings),
        exclusion(user, directory),
        address(user),
        number(user, binding, settings),
    ];
    let mut decided = false;
    let mut results = Vec::new();
    for (rule, passed, detail) in checks {
        // Without an address the extension is made all the same.
        let deciding = !passed && !decided && rule != "address";
        decided |= deciding;
        results.push(RuleResult {
            rule,
            passed,
            deciding,
            detail,
        });
    }
    results
}

type Check = (&'static str, bool, String);

fn on_off(on: bool) -> String {
    (if on { "user sync is on" } else { "user sync is off" }).to_owned()
}

fn account(user: &EntraUser, settings: &UserSettings) -> Check {
    let counts = settings.scope.only_enabled || settings.delete_when.contains(&DeleteWhen::Disabled);
    let detail = match (user.account_enabled, counts) {
        (true, _) => "the account is enabled",
        (false, true) => "the account is disabled",
        (false, false) => "the account is disabled, which these settings do not mind",
    };
    ("account", user.account_enabled || !counts, detail.to_owned())
}

fn scope(user: &EntraUser, directory: &DirectorySnapshot, settings: &UserSettings) -> Check {
    let (passed, detail) = match settings.scope.kind {
        ScopeKind::All => (true, "everyone is chosen".to_owned()),
        ScopeKind::Types => {
            let chosen = settings.scope.types.contains(&user.user_type);
            (
                chosen,
                format!("the user type is {:?}", user.user_type).to_lowercase(),
            )
        }
        ScopeKind::Groups => {
            let member = directory.scope_members.contains(&user.id);
            let detail = if member {
                "in a chosen group"
            } else {
                "in none of the chosen groups"
            };
            (member, detail.to_owned())
        }
    };
    ("scope", passed, detail)
}

fn exclusion(user: &EntraUser, directory: &DirectorySnapshot) -> Check {
    let excluded = directory.excluded_members.contains(&user.id);
    let detail = if excluded {
        "in an excluded group"
    } else {
        "in no excluded group"
    };
    ("exclusion", !excluded, detail.to_owned())
}

fn address(user: &EntraUser) -> Check {
    match crate::domain::mapping::address_key(user) {
        Some(_) => ("address", true, "has an address the PBX takes".to_owned()),
        None => (
            "address",
            false,
            "has no address the PBX takes; the extension gets none".to_owned(),
        ),
    }
}

fn number(user: &EntraUser, binding: Option<&Binding>, settings: &UserSettings) -> Check {
    use crate::domain::mapping::{PropertyNumber, number_from_property};
    if let Some(binding) = binding {
        return ("number", true, format!("has the number {}", binding.number));
    }
    match &settings.number {
        NumberRule::Automatic { start, .. } => (
            "number",
            true,
            format!("gets the smallest free number from {start}"),
        ),
        NumberRule::Property {
            name,
            last_digits,
            reserved,
        } => match number_from_property(&user.number_values, *last_digits, reserved) {
            PropertyNumber::Found(number) => ("number", true, format!("{name} says {number}")),
            PropertyNumber::Empty => ("number", false, format!("{name} is empty")),
            PropertyNumber::NoneFits => ("number", false, format!("{name} holds no usable number")),
        },
    }
}
