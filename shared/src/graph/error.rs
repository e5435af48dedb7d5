//! From an answer that is no success to a [`DirectoryError`]. No text that Microsoft sent reaches an error but its
//! error code and request id, cut to harmless characters.

use std::error::Error;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::http::harmless;
use crate::ports::DirectoryError;

/// The reason behind a failure, without addresses and bodies.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// Codes that say that a change cursor is dead, in lower case: Graph is not constant in its spelling.
const LOST_STATE: [&str; 4] = [
    "syncstatenotfound",
    "resyncrequired",
    "syncstateinvalid",
    "syncstateexpired",
];
/// Codes that say that a page link is dead and the list has to be read from its start.
const LOST_PAGE: [&str; 2] = [
    "directory_expiredpagetoken",
    "directorypagetokennotfoundexception",
];
/// How deep inner errors are looked into.
const DEPTH: usize = 5;

/// A refusal by Graph that repeating the request does not cure.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    /// The outermost code first.
    pub codes: Vec<String>,
    pub request_id: String,
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// Graph said no.
    Refused(Refusal),
    /// There was no answer to judge.
    Directory(DirectoryError),
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl Failure {
    /// The error of a call to which a refusal has no special meaning.
    pub fn into_error(self, doing: &str, permission: &str) -> DirectoryError {
        match self {
            Self::Directory(error) => error,
            Self::Refused(refusal) if refusal.status == StatusCode::FORBIDDEN => {
                DirectoryError::PermissionMissing {
                    permission: permission.to_owned(),
                }
            }
            Self::Refused(refusal) => unexpected(format!("{doing}: {}", refusal.words())),
        }
    }
}

impl Refusal {
    /// Reads what the body says; any body will do.
    pub fn new(status: StatusCode, request_id: &str, body: &[u8]) -> Self {
        let codes = serde_json::from_slice::<ErrorBody>(body)
            .map(|b| b.error.codes())
            .unwrap_or_default();
        Self {
            status,
            codes,
            request_id: harmless(request_id),
        }
    }

    /// Whether the change cursor is lost, by its documented signs.
    pub fn is_lost_state(&self) -> bool {
        self.status == StatusCode::GONE
            || (matches!(self.status.as_u16(), 400 | 404) && self.has_code(&LOST_STATE))
    }

    /// Whether the list must be read from its start.
    pub fn is_lost_page(&self) -> bool {
        self.status.is_client_error() && self.has_code(&LOST_PAGE)
    }

    /// Status, code and request id.
    pub fn words(&self) -> String {
        let code = self.codes.first().map_or("no code", String::as_str);
        let id = if self.request_id.is_empty() {
            "none"
        } else {
            &self.request_id
        };
        format!("{} {code} (request-id {id})", self.status.as_u16())
    }

    /// Whether one of its codes is one of these, which are in lower case.
    pub fn has_code(&self, wanted: &[&str]) -> bool {
        self.codes
            .iter()
            .any(|code| wanted.contains(&code.to_ascii_lowercase().as_str()))
    }
}

/// An answer outside the documentation.
pub(super) fn unexpected(doing: String) -> DirectoryError {
    DirectoryError::Unexpected { doing, source: None }
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: Option<String>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<Box<ErrorObject>>,
}

impl ErrorObject {
    fn codes(self) -> Vec<String> {
        let mut codes = Vec::new();
        let mut next = Some(self);
        while let Some(error) = next.take() {
            codes.extend(error.code.as_deref().map(harmless));
            next = error.inner.map(|inner| *inner).filter(|_| codes.len() < DEPTH);
        }
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::new(StatusCode::from_u16(status).unwrap(), "7f3a-1", body.as_bytes())
    }

    #[test]
    fn both_spellings_of_the_inner_error_are_read() {
        for spelling in ["innerError", "innererror"] {
            let body =
                format!(r#"{{"error":{{"code":"BadRequest","{spelling}":{{"code":"resyncRequired"}}}}}}"#);
            assert!(refusal(400, &body).is_lost_state(), "{spelling}");
        }
    }

    #[test]
    fn lost_state_shows_in_four_ways() {
        let body = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"secret words"}}}}"#);
        assert!(refusal(410, "").is_lost_state());
        assert!(refusal(400, &body("SyncStateNotFound")).is_lost_state());
        assert!(refusal(404, &body("syncStateInvalid")).is_lost_state());
        assert!(!refusal(404, &body("Request_ResourceNotFound")).is_lost_state());
        assert!(!refusal(403, &body("syncStateNotFound")).is_lost_state());
    }

    #[test]
    fn any_body_survives_and_none_is_repeated() {
        for body in [
            "",
            "<html>502 secret</html>",
            "null",
            "{\"error\":\"text\"}",
            "[1,2",
        ] {
            let words = refusal(500, body).words();
            assert_eq!(words, "500 no code (request-id 7f3a-1)", "{body}");
        }
        let words = refusal(400, r#"{"error":{"code":"Bad <script>\n","message":"secret"}}"#).words();
        assert_eq!(words, "400 Badscript (request-id 7f3a-1)");
    }
}
