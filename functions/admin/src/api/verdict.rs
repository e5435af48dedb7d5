//! The refusals that approve, reject and cancel have in common.

use axum::Json;
use axum::http::StatusCode;

use crate::problem::{Kind, Problem};
use crate::use_cases::VerdictError;
use crate::view::sync_run::SyncRunAccepted;

/// 202 with the run's id.
pub type Accepted = (StatusCode, Json<SyncRunAccepted>);

impl From<VerdictError> for Problem {
    fn from(error: VerdictError) -> Self {
        match error {
            VerdictError::NoSuchRun => Self::not_found("sync run"),
            VerdictError::NotHeld => Self::new(Kind::Conflict, "no removals of this run wait for a verdict"),
            VerdictError::AlreadyOver => Self::new(Kind::Conflict, "this run is over"),
            VerdictError::Changed { because } => Self::new(
                Kind::PlanChanged,
                format!("{because}; look at the held removals again before you approve them"),
            ),
            VerdictError::NotRunning => Self::new(
                Kind::Conflict,
                "the connection is switched off: enable it, then look at the held removals again",
            ),
            VerdictError::AnotherWaits => Self::new(
                Kind::Conflict,
                "another run waits: approve again when it has ended",
            ),
            error @ VerdictError::Judge(_) => Self::unavailable("one side of the connection", &error),
            VerdictError::Store(error) => error.into(),
        }
    }
}
