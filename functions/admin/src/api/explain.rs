//! `GET /api/v1/connections/{id}/explain`: why a person has an extension, or has none.

use axum::Json;
use axum::extract::{Path, State};

use super::lookup;
use crate::AdminState;
use crate::problem::Problem;
use crate::query::Query;
use crate::use_cases::{ExplainError, explain};
use crate::view::explanation::ExplanationView;

/// Longest name that Entra gives a user.
const MAX_USER: usize = 256;

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::NoSuchConnection => Self::not_found("connection"),
            ExplainError::Store(error) => error.into(),
            error @ (ExplainError::Collect(_) | ExplainError::Directory(_) | ExplainError::Sides(_)) => {
                Self::unavailable("one side of the connection", &error)
            }
        }
    }
}

/// Every rule from scope to number for one person; the first that decided is marked.
#[utoipa::path(
    get, path = "/api/v1/connections/{id}/explain",
    params(
        ("id" = String, Path),
        ("user" = String, Query, description = "object id or user principal name", min_length = 1, max_length = 256),
    ),
    responses((status = 200, body = ExplanationView)),
)]
pub async fn explain_person(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<ExplanationView>, Problem> {
    let user = query.required("user");
    if user.len() > MAX_USER {
        query.wrong("user", "must be an object id or a user principal name");
    }
    query.finish()?;
    let connection = lookup::asked(&state.engine.store, &id).await?;
    let explanation = explain(&state.engine, connection.id, user.trim()).await?;
    explanation
        .map(|explanation| Json(ExplanationView::of(explanation)))
        .ok_or_else(|| Problem::not_found("person in the directory"))
}
