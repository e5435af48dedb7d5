//! What keeps a page from being shown. Words for people, the cause in the log, nothing of the inside.

use axum::http::StatusCode;
use axum::response::Response;
use shared::store::StoreError;
use shared::telemetry::chain;
use web::Language;

use super::guard::refusal;
use crate::problem::Problem;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// What the path names does not exist.
    #[error("there is no such thing here")]
    NotFound,
    /// A use case refused.
    #[error("the use case refused")]
    Refused(Problem),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        if problem.status() == StatusCode::NOT_FOUND {
            Self::NotFound
        } else {
            Self::Refused(problem)
        }
    }
}

impl PageError {
    pub fn answer(&self, language: Language) -> Response {
        match self {
            Self::NotFound => refusal(language, StatusCode::NOT_FOUND, "refused-not-found"),
            // Its cause was logged where the problem was made.
            Self::Refused(problem) => refusal(language, problem.status(), &problem.words_key()),
            Self::Store(error @ StoreError::Unavailable { .. }) => {
                tracing::error!(error = %chain(error), "the table could not be used for a page");
                refusal(language, StatusCode::SERVICE_UNAVAILABLE, "sign-in-broken")
            }
            Self::Store(StoreError::BadCursor) => {
                refusal(language, StatusCode::BAD_REQUEST, "refused-not-found")
            }
            Self::Store(error) => {
                tracing::error!(error = %chain(error), "a page failed by a fault of ours");
                refusal(language, StatusCode::INTERNAL_SERVER_ERROR, "sign-in-broken")
            }
        }
    }
}

/// The page, or the page that says why there is none.
pub fn shown(made: Result<Response, PageError>, language: Language) -> Response {
    made.unwrap_or_else(|error| error.answer(language))
}
