//! The errors of the sign-in host: number, `error` and status belong together, so they stand in one table.

use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;

/// Number, status, `error` and text. What is not here is an `invalid_grant`.
const MEANINGS: &[(u32, u16, &str, &str)] = &[
    (
        7_000_215,
        401,
        "invalid_client",
        "Invalid client secret provided.",
    ),
    (
        7_000_222,
        401,
        "invalid_client",
        "The provided client secret keys are expired.",
    ),
    (70002, 401, "invalid_client", "Error validating credentials."),
    (
        700_027,
        401,
        "invalid_client",
        "Client assertion failed signature validation.",
    ),
    (
        7_000_218,
        401,
        "invalid_client",
        "The request body must contain 'client_assertion' or 'client_secret'.",
    ),
    (
        700_016,
        400,
        "unauthorized_client",
        "Application was not found in the directory.",
    ),
    (7_000_112, 400, "unauthorized_client", "Application is disabled."),
    (90002, 400, "invalid_request", "Tenant not found."),
    (
        900_023,
        400,
        "invalid_request",
        "Specified tenant identifier is neither a valid DNS name nor a GUID.",
    ),
    (
        9_001_023,
        400,
        "invalid_request",
        "The grant type isn't supported over this tenant segment.",
    ),
    (
        9_002_326,
        400,
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    ),
    (
        65001,
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application.",
    ),
    (
        54005,
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed.",
    ),
    (
        70008,
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired.",
    ),
    (
        70000,
        400,
        "invalid_grant",
        "The provided value for the grant is not valid.",
    ),
    (
        501_481,
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge.",
    ),
    (
        50173,
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked.",
    ),
    (
        50011,
        400,
        "invalid_client",
        "The redirect URI does not match the redirect URIs configured for the application.",
    ),
    (
        65004,
        400,
        "access_denied",
        "User declined to consent to access the app.",
    ),
    (
        90094,
        400,
        "consent_required",
        "Admin consent is required for the permissions requested.",
    ),
    (
        50058,
        400,
        "login_required",
        "Session information is not sufficient for single-sign-on.",
    ),
    (
        700_054,
        400,
        "unsupported_response_type",
        "response_type is not enabled for the application.",
    ),
    (
        900_144,
        400,
        "invalid_request",
        "The request body must contain a required parameter.",
    ),
    (
        70003,
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type.",
    ),
    (
        70011,
        400,
        "invalid_scope",
        "The provided value for 'scope' is not valid.",
    ),
    (
        700_022,
        400,
        "invalid_scope",
        "The scope names more than one resource.",
    ),
    (
        500_011,
        400,
        "invalid_resource",
        "The resource principal was not found in the tenant.",
    ),
    (
        50076,
        400,
        "interaction_required",
        "You must use multi-factor authentication.",
    ),
    (
        50079,
        400,
        "interaction_required",
        "You must use multi-factor authentication.",
    ),
    (
        50074,
        400,
        "interaction_required",
        "You must use multi-factor authentication.",
    ),
    (
        53003,
        400,
        "access_denied",
        "Access has been blocked by Conditional Access policies.",
    ),
    (
        50196,
        400,
        "invalid_request",
        "The server terminated an operation: a client request loop.",
    ),
    (90055, 429, "temporarily_unavailable", "Tenant is throttled."),
    (
        50033,
        503,
        "temporarily_unavailable",
        "A transient error has occurred.",
    ),
    (
        90006,
        503,
        "temporarily_unavailable",
        "A transient error has occurred.",
    ),
    (
        90024,
        503,
        "temporarily_unavailable",
        "A transient error has occurred.",
    ),
    (
        90033,
        503,
        "server_error",
        "A transient error has occurred. Please try again.",
    ),
];

/// A refusal by its AADSTS number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInError {
    pub code: u32,
    pub detail: String,
}

/// What goes into every error besides its number.
pub struct Trace {
    pub id: String,
    pub correlation: String,
    pub at: Timestamp,
    pub origin: String,
}

impl SignInError {
    pub fn new(code: u32, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// `error` and `error_description` as a browser carries them back.
    pub fn for_browser(&self, trace: &Trace) -> (String, String) {
        let (_, error, meaning) = self.meaning();
        let at = trace.at.strftime("%Y-%m-%d %H:%M:%SZ");
        let words = format!(
            "AADSTS{}: {meaning} {} Trace ID: {} Timestamp: {at}",
            self.code, self.detail, trace.id
        );
        (error.to_owned(), words)
    }

    fn meaning(&self) -> (u16, &'static str, &'static str) {
        let known = MEANINGS.iter().find(|(code, ..)| *code == self.code);
        let unknown = (400, "invalid_grant", "The grant is not valid.");
        known.map_or(unknown, |(_, status, error, meaning)| (*status, *error, *meaning))
    }

    pub fn into_answer(self, trace: &Trace) -> Answer {
        let (status, error, meaning) = self.meaning();
        let code = self.code;
        let at = trace.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!(
            "AADSTS{code}: {meaning} {} Trace ID: {} Correlation ID: {} Timestamp: {at}",
            self.detail, trace.id, trace.correlation
        );
        Answer::with_status(
            status,
            json!({
                "error": error, "error_description": description, "error_codes": [code], "timestamp": at,
                "trace_id": trace.id, "correlation_id": trace.correlation,
                "error_uri": format!("{}/error?code={code}", trace.origin),
            }),
        )
    }
}
