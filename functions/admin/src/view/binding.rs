//! Which object of the directory is served by which object of the PBX.

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::binding::{Binding, BoundExtension, LeavingCause, Stage};
use shared::domain::contact_binding::{ContactBinding, PhonebookBinding, PhonebookStage};
use shared::domain::group_binding::GroupBinding;
use shared::domain::settings::GroupTarget;

/// What a binding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingKind {
    /// A person and their extension.
    User,
    /// A group and its extension group.
    Group,
    /// A contact in Outlook and one on the PBX.
    Contact,
    /// A mailbox and its phonebook.
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
    pub kind: BindingKind,
    /// Object id in the directory; of a contact, its id in the mailbox.
    pub entra_id: String,
    /// The PBX's key.
    pub target_id: String,
    /// Extension number, of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What a group is on the PBX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<GroupTarget>,
    pub name: String,
    pub state: BindingState,
    /// Why the person leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaving_because: Option<LeavingCause>,
    #[schema(value_type = String, format = DateTime)]
    pub bound_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub last_synced_at: Timestamp,
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
            number: Some(binding.number.to_string()),
            target: None,
            name: binding.name.clone(),
            state,
            leaving_because,
            bound_at: bound.bound_at,
            last_synced_at: bound.written_at,
        })
    }

    /// The same of a group.
    pub fn of_group(binding: &GroupBinding) -> Option<Self> {
        let bound = binding.bound()?;
        Some(Self {
            kind: BindingKind::Group,
            entra_id: binding.group.to_string(),
            target_id: bound.id.to_string(),
            number: None,
            target: Some(binding.target),
            name: binding.name.clone(),
            state: BindingState::Bound,
            leaving_because: None,
            bound_at: bound.bound_at,
            last_synced_at: bound.written_at,
        })
    }

    /// `None` for a contact that is only intended.
    pub fn of_contact(binding: &ContactBinding) -> Option<Self> {
        let bound = binding.bound()?;
        Some(Self {
            kind: BindingKind::Contact,
            entra_id: binding.contact.to_string(),
            target_id: bound.id.to_string(),
            number: None,
            target: None,
            name: binding.name.clone(),
            state: BindingState::Bound,
            leaving_because: None,
            bound_at: bound.bound_at,
            last_synced_at: bound.written_at,
        })
    }

    /// `None` for a phonebook that is only intended.
    pub fn of_mailbox(binding: &PhonebookBinding) -> Option<Self> {
        let PhonebookStage::Bound {
            id,
            bound_at,
            written_at,
        } = binding.stage
        else {
            return None;
        };
        Some(Self {
            kind: BindingKind::Mailbox,
            entra_id: binding.mailbox.to_string(),
            target_id: id.to_string(),
            number: None,
            target: None,
            name: binding.name.clone(),
            state: BindingState::Bound,
            leaving_because: None,
            bound_at,
            last_synced_at: written_at,
        })
    }
}
