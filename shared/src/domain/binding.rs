//! Our record that this Entra user is served by this extension. Without one, an extension is never touched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::extension::FieldsDigest;
use super::ids::{EntraUserId, ExtensionId};
use super::number::ExtensionNumber;

/// A person's hold on an extension number, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Whose.
    pub user: EntraUserId,
    /// Reserved in the table for as long as the binding lives.
    pub number: ExtensionNumber,
    /// The person's name, for lists.
    pub name: String,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a binding has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// A create was about to be sent: the extension may or may not exist.
    Intended {
        /// When.
        at: Timestamp,
        /// Of the fields it was to get, by which it is recognised.
        wanted: FieldsDigest,
    },
    /// The extension is ours.
    Bound(BoundExtension),
    /// The person left; the extension lives until the days of grace are over, or for good where the settings keep it.
    Leaving {
        /// The extension.
        #[serde(flatten)]
        bound: BoundExtension,
        /// Since when.
        since: Timestamp,
        /// Why.
        cause: LeavingCause,
    },
}

/// The extension of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundExtension {
    /// The PBX's key.
    pub extension: ExtensionId,
    /// Of the fields as we last wrote or confirmed them.
    pub written: FieldsDigest,
    /// When the binding was made.
    pub bound_at: Timestamp,
    /// When the fields were last written.
    pub written_at: Timestamp,
}

/// Why a person leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeavingCause {
    /// The account was disabled.
    AccountDisabled,
    /// The account is gone from the directory.
    AccountDeleted,
    /// The rules no longer choose this person.
    OutOfScope,
}

impl Binding {
    /// The extension, unless it is only intended.
    pub fn bound(&self) -> Option<&BoundExtension> {
        match &self.stage {
            Stage::Intended { .. } => None,
            Stage::Bound(bound) | Stage::Leaving { bound, .. } => Some(bound),
        }
    }
}
