//! Which object of the directory is served by which object of the PBX.

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::binding::{Binding, BoundExtension, LeavingCause, Stage};

/// What a binding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingKind {
    /// A person and their extension.
    User,
    /// A group and its extension group.
    Group,
    /// A person's contacts and their phonebook.
    Contact,
    /// A shared mailbox and its phonebook.
    Mailbox,
}

/// How a binding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingState {
    /// Kept in step.
    Bound,
    /// The person left; the extension is kept, for a time or for good.
    Leaving,
}

/// A binding.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BindingView {
    kind: BindingKind,
    /// Object id in the directory.
    entra_id: String,
    /// The PBX's key.
    target_id: String,
    /// Extension number.
    number: String,
    name: String,
    state: BindingState,
    /// Why the person leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaving_because: Option<LeavingCause>,
    #[schema(value_type = String, format = DateTime)]
    bound_at: Timestamp,
    /// When the fields were last written.
    #[schema(value_type = String, format = DateTime)]
    last_synced_at: Timestamp,
}

impl BindingView {
    /// `None` for an extension that is only intended: it may not exist.
    pub fn of(binding: &Binding) -> Option<Self> {
        let (bound, state, leaving_because): (&BoundExtension, _, _) = match &binding.stage {
            Stage::Intended { .. } => return None,
            Stage::Bound(bound) => (bound, BindingState::Bound, None),
            Stage::Leaving { bound, cause, .. } => (bound, BindingState::Leaving, Some(*cause)),
        };
        Some(Self {
            kind: BindingKind::User,
            entra_id: binding.user.to_string(),
            target_id: bound.extension.to_string(),
            number: binding.number.to_string(),
            name: binding.name.clone(),
            state,
            leaving_because,
            bound_at: bound.bound_at,
            last_synced_at: bound.written_at,
        })
    }
}
