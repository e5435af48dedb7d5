//! `GET /api/v1/connections/{id}/pbx/phonebooks`.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::use_cases::{PickError, phonebooks};
use crate::view::Listing;
use crate::view::phonebook::PhonebookView;

impl From<PickError> for Problem {
    fn from(error: PickError) -> Self {
        match error {
            PickError::NoSuchConnection => Self::not_found("connection"),
            PickError::Store(error) => error.into(),
            error @ (PickError::Sides(_) | PickError::Directory(_)) => {
                Self::unavailable("Microsoft Graph", &error)
            }
            error @ (PickError::PhoneSystem(_) | PickError::Late) => Self::unavailable("the PBX", &error),
        }
    }
}

/// Every phonebook of the PBX: which of them contact sync keeps, and which need their visibility set in the portal.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/pbx/phonebooks",
    params(("id" = String, Path)),
    responses((status = 200, body = Listing<PhonebookView>)),
)]
pub async fn list_phonebooks(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<Listing<PhonebookView>>, Problem> {
    query.finish()?;
    let connection = lookup::asked(&state.engine.store, &id).await?;
    let found = phonebooks(&state.engine, connection.id).await?;
    Ok(Json(Listing {
        items: found.into_iter().map(PhonebookView::of).collect(),
        next_cursor: None,
    }))
}
