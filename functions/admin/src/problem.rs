//! Refusals as RFC 9457 `application/problem+json`. The type of a problem is stable; its words are for people and
//! never name anything inside: causes go to the log, once, here.

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::app_certificate::CertificateProblem;
use shared::domain::ids::ConnectionId;
use shared::domain::settings_check::FieldProblem;
use shared::store::StoreError;
use shared::telemetry::chain;

/// What kind of refusal, and with it status, type and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Malformed,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PbxInUse,
    ReadOnly,
    PlanChanged,
    Stale,
    TooLarge,
    UnsupportedMediaType,
    Validation,
    PreconditionRequired,
    Internal,
    Unavailable,
}

impl Kind {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PbxInUse,
        Self::ReadOnly,
        Self::PlanChanged,
        Self::Stale,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Validation,
        Self::PreconditionRequired,
        Self::Internal,
        Self::Unavailable,
    ];

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Malformed => (
                S::BAD_REQUEST,
                "/problems/malformed",
                "The request cannot be read",
            ),
            Self::Unauthorized => (
                S::UNAUTHORIZED,
                "/problems/unauthorized",
                "A valid token is needed",
            ),
            Self::Forbidden => (
                S::FORBIDDEN,
                "/problems/forbidden",
                "The token's role is not enough",
            ),
            Self::NotFound => (S::NOT_FOUND, "/problems/not-found", "There is no such thing here"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "/problems/method-not-allowed",
                "This method is not offered here",
            ),
            Self::Conflict => (
                S::CONFLICT,
                "/problems/conflict",
                "Not possible in the present state",
            ),
            Self::PbxInUse => (
                S::CONFLICT,
                "/problems/pbx-in-use",
                "This PBX is in another connection",
            ),
            Self::ReadOnly => (
                S::CONFLICT,
                "/problems/read-only",
                "These settings are read-only now",
            ),
            Self::PlanChanged => (
                S::CONFLICT,
                "/problems/plan-changed",
                "The removals are other ones now",
            ),
            Self::Stale => (
                S::PRECONDITION_FAILED,
                "/problems/stale",
                "Somebody else saved before",
            ),
            Self::TooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "/problems/too-large",
                "The body is too large",
            ),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "/problems/unsupported-media-type",
                "The body must be JSON",
            ),
            Self::Validation => (
                S::UNPROCESSABLE_ENTITY,
                "/problems/validation",
                "Some values must be mended",
            ),
            Self::PreconditionRequired => (
                S::PRECONDITION_REQUIRED,
                "/problems/precondition-required",
                "The header If-Match is needed",
            ),
            Self::Internal => (
                S::INTERNAL_SERVER_ERROR,
                "/problems/internal",
                "Something broke here",
            ),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "/problems/unavailable", "Try again later"),
        }
    }
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable, for programs.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation")]
    kind: &'static str,
    /// The type in words.
    title: &'static str,
    /// The HTTP status again.
    status: u16,
    /// This case, for a person.
    detail: String,
    /// Each wrong field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

impl Problem {
    /// A refusal of a kind, with a sentence for a person.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, name, title) = kind.parts();
        Self {
            kind: name,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// Wrong fields, all of them.
    pub fn validation(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} values must be mended", many.len()),
        };
        Self {
            errors,
            ..Self::new(Kind::Validation, detail)
        }
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldProblem::new(pointer, detail)])
    }

    /// What the path names does not exist.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no such {what}"))
    }

    /// One PBX, one directory.
    pub fn pbx_in_use(connection: ConnectionId) -> Self {
        Self::new(
            Kind::PbxInUse,
            format!("this PBX is in connection {connection}; a PBX takes one directory at a time"),
        )
    }

    /// Something outside is down; the cause goes to the log.
    pub fn unavailable(what: &str, cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), "{what} could not be used");
        Self::new(
            Kind::Unavailable,
            format!("{what} cannot be used at the moment; try again later"),
        )
    }

    /// A fault of this program or of its data; the cause goes to the log.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), "a request failed by a fault of ours");
        Self::new(
            Kind::Internal,
            "the request could not be completed; the log says why",
        )
    }
}

impl Problem {
    /// This case, for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Each wrong field.
    pub fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }

    /// Key of the words for its kind.
    pub fn words_key(&self) -> String {
        self.kind.trim_start_matches('/').replace("problems/", "problem-")
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Of a stored certificate; those that somebody sends are judged before.
impl From<CertificateProblem> for Problem {
    fn from(error: CertificateProblem) -> Self {
        Self::internal(&error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::BadCursor => Self::field("/cursor", "is not a cursor that this list gave out"),
            StoreError::Unavailable { .. } => Self::unavailable("the table", &error),
            StoreError::Conflict { .. } => Self::new(
                Kind::Conflict,
                "something else changed this at the same moment; read it again and repeat",
            ),
            StoreError::Missing { .. } => Self::not_found("connection or sync run"),
            StoreError::PbxInUse { connection } => Self::pbx_in_use(*connection),
            StoreError::NumberTaken { .. } | StoreError::Corrupt { .. } | StoreError::Sealing { .. } => {
                Self::internal(&error)
            }
        }
    }
}
