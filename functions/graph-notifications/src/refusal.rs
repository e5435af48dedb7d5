//! What a caller gets who is not served: a status and a sentence that repeats nothing of what was sent.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    kind: &'static str,
    detail: &'static str,
}

impl Refusal {
    /// The request is not what Graph sends.
    pub fn bad(detail: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "/problems/malformed",
            detail,
        }
    }

    /// The body is packed, as Graph's never are.
    pub fn packed() -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            kind: "/problems/unsupported-media-type",
            detail: "send the body as it is, without a content-encoding",
        }
    }

    /// The body is larger than any of Graph's.
    pub fn too_large() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            kind: "/problems/too-large",
            detail: "a body may have 1 MiB and 1000 notifications",
        }
    }

    /// The body does not come to its end.
    pub fn too_slow() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            kind: "/problems/too-slow",
            detail: "the body did not arrive in time",
        }
    }

    /// It could not be stored; Graph comes again.
    pub fn not_stored() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            kind: "/problems/unavailable",
            detail: "not stored; send it again",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "type": self.kind,
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let headers = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, headers, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, http::HeaderValue::from_static("10"));
        }
        response
    }
}
