//! Why a person has the extension they have, or none.

use serde::Serialize;
use shared::domain::entra_user::{EntraUser, UserType};
use shared::domain::ids::EntraUserId;
use shared::domain::operation_record::OperationRecord;

use super::binding::BindingView;
use crate::use_cases::{Explanation, RuleResult};

/// One person, explained.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExplanationView {
    user: PersonView,
    /// Every rule in the order it is applied.
    rules: Vec<RuleView>,
    /// The first rule that speaks against an extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'static str>,
    /// The extension that serves this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<BindingView>,
    /// What a run would do now, or why it would do nothing; absent if the person is in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<OperationRecord>,
    /// The last thing that went wrong with this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<OperationRecord>,
}

/// A person as the directory says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonView {
    id: EntraUserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<String>,
    account_enabled: bool,
    user_type: UserType,
}

/// One rule applied to one person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RuleView {
    /// A stable code.
    rule: &'static str,
    /// Whether it speaks for an extension.
    passed: bool,
    /// Whether it is the first that speaks against one.
    deciding: bool,
    /// What it looked at, to a person.
    detail: String,
}

impl ExplanationView {
    /// Of this explanation.
    pub fn of(explanation: Explanation) -> Self {
        let Explanation {
            user,
            rules,
            binding,
            would,
            last_error,
        } = explanation;
        Self {
            user: PersonView::of(user),
            decided_by: rules.iter().find(|rule| rule.deciding).map(|rule| rule.rule),
            rules: rules.into_iter().map(RuleView::of).collect(),
            binding: binding.as_ref().and_then(BindingView::of),
            would,
            last_error,
        }
    }
}

impl PersonView {
    fn of(user: EntraUser) -> Self {
        Self {
            id: user.id,
            name: user.display_name,
            user_principal_name: user.user_principal_name,
            mail: user.mail,
            account_enabled: user.account_enabled,
            user_type: user.user_type,
        }
    }
}

impl RuleView {
    fn of(result: RuleResult) -> Self {
        let RuleResult {
            rule,
            passed,
            deciding,
            detail,
        } = result;
        Self {
            rule,
            passed,
            deciding,
            detail,
        }
    }
}
