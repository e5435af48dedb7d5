//! Why a run could not read what it has to decide on.

use crate::domain::ids::EntraGroupId;
use crate::ports::{DirectoryError, PhoneSystemError, SignInProblem};
use crate::store::StoreError;

/// Why nothing could be decided.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The directory could not be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The PBX could not be read.
    #[error(transparent)]
    PhoneSystem(#[from] PhoneSystemError),
    /// The table could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A group of the scope is gone: who belongs to it is not known, so nobody is judged by it.
    #[error(
        "the group {0} that the user scope names does not exist in Entra; choose another one in users.scope"
    )]
    NoSuchGroup(EntraGroupId),
    /// The same of the rules of personal contacts.
    #[error(
        "the group {0} that the contacts' scope names does not exist in Entra; choose another one in contacts.personal.scope"
    )]
    NoSuchContactGroup(EntraGroupId),
    /// Microsoft does not tell who is in a group of the rules, and shows it empty.
    #[error(
        "Entra hides who is in the group {0}; name a group with visible members in its place, or give the app Member.Read.Hidden"
    )]
    HiddenGroup(EntraGroupId),
    /// A stored setting that a newer check would not let pass.
    #[error("the setting {pointer} is not usable; save the settings again")]
    Setting {
        /// Which.
        pointer: &'static str,
    },
    /// Somebody put another PBX in the place of ours.
    #[error(
        "this is another PBX: serial number {found}, expected {expected}; give the connection the address of its own PBX, or disconnect it and connect this one"
    )]
    AnotherPbx {
        /// What it says.
        found: String,
        /// Of the connection.
        expected: String,
    },
    /// A part of the run needs what this PBX does not have.
    #[error("{0}")]
    NotPossible(String),
}

impl CollectError {
    /// Whether no other part of the run would get further.
    pub fn ends_the_run(&self) -> bool {
        match self {
            // Whoever connected must sign in again; the app itself gets on.
            Self::Directory(DirectoryError::SignInRefused { problem, .. }) => {
                *problem != SignInProblem::AccountMustSignIn
            }
            Self::PhoneSystem(error) => matches!(
                error,
                PhoneSystemError::Shut { .. } | PhoneSystemError::Unavailable { .. }
            ),
            Self::Store(_) | Self::AnotherPbx { .. } => true,
            Self::Directory(_)
            | Self::NoSuchGroup(_)
            | Self::NoSuchContactGroup(_)
            | Self::HiddenGroup(_)
            | Self::Setting { .. }
            | Self::NotPossible(_) => false,
        }
    }
}
