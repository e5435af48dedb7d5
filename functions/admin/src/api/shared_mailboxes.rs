//! `GET /api/v1/connections/{id}/directory/shared-mailboxes`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::mailbox::MailboxAccount;

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::use_cases::{PickError, SharedMailboxes, shared_mailboxes};

/// Longest text that is searched for.
const MAX_SEARCH: usize = 254;

/// Shared mailboxes to choose from. One that is not here can always be named by its address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SharedMailboxList {
    items: Vec<MailboxAccount>,
    /// Always null: the list is whole as far as accounts were asked.
    next_cursor: Option<String>,
    /// Whether every account that fits was asked what its mailbox is for. If not, the same call again asks further.
    complete: bool,
    /// The permission without which accounts cannot be asked, if it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_permission: Option<String>,
}

/// Shared mailboxes whose name or address begins with a text.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/directory/shared-mailboxes",
    params(("id" = String, Path), ("search" = Option<String>, Query, description = "how the name or the address begins")),
    responses((status = 200, body = SharedMailboxList)),
)]
pub async fn list_shared_mailboxes(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<SharedMailboxList>, Problem> {
    let search = query.text("search");
    if search.as_ref().is_some_and(|text| text.len() > MAX_SEARCH) {
        query.wrong("search", "takes at most 254 characters");
    }
    query.finish()?;
    let connection = lookup::asked(&state.engine.store, &id).await?;
    let search = search.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let list = match shared_mailboxes(&state.engine, connection.id, search).await {
        Ok(SharedMailboxes { found, complete }) => SharedMailboxList {
            items: found,
            next_cursor: None,
            complete,
            missing_permission: None,
        },
        // A fact for the admin rather than a failure: addresses can be typed.
        Err(PickError::Directory(shared::ports::DirectoryError::PermissionMissing { permission })) => {
            SharedMailboxList {
                items: Vec::new(),
                next_cursor: None,
                complete: false,
                missing_permission: Some(permission),
            }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Json(list))
}
