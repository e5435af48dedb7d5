//! What the calls of a connection's life have in common: their bodies, their refusals, their answer.

use axum::Json;
use serde::Deserialize;
use shared::domain::connection::Connection;
use shared::domain::part::Part;
use shared::domain::teardown::Ticked;
use shared::store::Versioned;

use crate::AdminState;
use crate::problem::{Kind, Problem};
use crate::use_cases::LifecycleError;
use crate::view::connection::ConnectionView;

/// Which part to pause.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PausePart {
    /// The part.
    pub part: Part,
    /// Delete from the PBX what was synced; otherwise all stays as it is.
    #[serde(default)]
    pub delete_synced: bool,
}

/// Which part to resume.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumePart {
    /// The part.
    pub part: Part,
}

/// What to delete from the PBX when a connection is switched off. Both are independent of each other.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SwitchOff {
    /// The extensions in sync with the users.
    pub delete_extensions: bool,
    /// The extension groups in sync with the groups.
    pub delete_extension_groups: bool,
}

impl From<SwitchOff> for Ticked {
    fn from(body: SwitchOff) -> Self {
        Self {
            extensions: body.delete_extensions,
            extension_groups: body.delete_extension_groups,
        }
    }
}

impl From<LifecycleError> for Problem {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::NoSuchConnection => Self::not_found("connection"),
            LifecycleError::Disconnected => Self::new(Kind::ReadOnly, error.to_string()),
            LifecycleError::BeingDisconnected | LifecycleError::RemovalsUnderWay => {
                Self::new(Kind::Conflict, error.to_string())
            }
            LifecycleError::NothingToDelete(_) => Self::field("/delete_synced", error.to_string()),
            LifecycleError::Settings(problems) => Self::validation(problems),
            LifecycleError::Store(error) => error.into(),
        }
    }
}

/// The connection as it is now.
pub async fn answer(
    state: &AdminState,
    connection: Versioned<Connection>,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(ConnectionView::load(state, connection.value).await?))
}
