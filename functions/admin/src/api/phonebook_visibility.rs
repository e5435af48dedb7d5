//! `PUT /api/v1/connections/{id}/pbx/phonebooks/{phonebook}/visibility`: an admin's word that a phonebook was made visible
//! in the PBX portal. It changes nothing on the PBX, which does not tell.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use shared::domain::phonebook::PhonebookId;

use super::lookup;
use crate::AdminState;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::use_cases::{VisibilityError, say_shown};
use crate::view::phonebook::PhonebookVisibilityView;

/// Whether the visibility of a phonebook was set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhonebookVisibility {
    /// Whether those who shall see it do.
    visible: bool,
}

impl From<VisibilityError> for Problem {
    fn from(error: VisibilityError) -> Self {
        match error {
            VisibilityError::NotKept => Self::not_found("phonebook of contact sync"),
            VisibilityError::Store(error) => error.into(),
        }
    }
}

/// Takes down that the visibility of a phonebook was set in the PBX portal, or that it was not.
///
/// The PBX is neither asked nor changed. A phonebook that is made again needs its visibility anew.
#[utoipa::path(
    put, path = "/api/v1/connections/{id}/pbx/phonebooks/{phonebook}/visibility",
    params(("id" = String, Path), ("phonebook" = i64, Path, description = "the PBX's key of the phonebook")),
    request_body = PhonebookVisibility, responses((status = 200, body = PhonebookVisibilityView)),
)]
pub async fn write_phonebook_visibility(
    State(state): State<AdminState>,
    Path((id, phonebook)): Path<(String, String)>,
    JsonBody(wanted): JsonBody<PhonebookVisibility>,
) -> Result<Json<PhonebookVisibilityView>, Problem> {
    let connection = lookup::connection(&state.engine.store, &id).await?.value;
    let book = phonebook.parse().map(PhonebookId);
    let book = book.map_err(|_| VisibilityError::NotKept)?;
    let kept = say_shown(&state.engine, connection.id, book, wanted.visible).await?;
    Ok(Json(PhonebookVisibilityView::of(kept)))
}
