//! Why somebody could not be signed in. What a person may read of it is one sentence; the rest is for the log, and none of
//! it holds a token, a code or a secret.

use std::error::Error;

/// Why a sign-in did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// The sign-in service could not be asked, or is throttled. Worth another try later.
    #[error("the sign-in service is not available: {doing}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// What the sign-in service publishes of itself is not what this tenant's service would say.
    #[error("the sign-in service describes itself wrongly: {0}")]
    Discovery(&'static str),
    /// The sign-in service refused a code, a refresh token or our app's proof of identity.
    #[error("the sign-in service refused: {sentence}")]
    Refused {
        /// The OAuth error code, for example `invalid_grant`.
        error: String,
        /// Microsoft's number, if it gave one.
        number: Option<u64>,
        /// For an admin.
        sentence: String,
    },
    /// The id_token proves nothing.
    #[error("the id_token is refused: {0}")]
    Token(#[from] TokenProblem),
    /// The app's own certificate cannot sign.
    #[error("the app's certificate cannot sign")]
    Certificate,
}

/// What is wrong with an id_token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// Not a compact JWT with a readable header and claims of the right types.
    #[error("it does not read")]
    Malformed,
    /// Any algorithm but RS256, or a header that brings its own key.
    #[error("its header asks for another way to verify it")]
    Header,
    /// No published key has its id.
    #[error("no published key made it")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("its signature is wrong")]
    Signature,
    /// The key is for another issuer.
    #[error("its key is another issuer's")]
    KeyIssuer,
    /// Made by somebody else.
    #[error("another issuer made it")]
    Issuer,
    /// Of another tenant.
    #[error("it is of another tenant")]
    Tenant,
    /// For another app.
    #[error("it is for another app")]
    Audience,
    /// Ended, or not valid yet.
    #[error("it is not valid at this time")]
    Time,
    /// Made for another sign-in.
    #[error("it answers another sign-in")]
    Nonce,
    /// An access token.
    #[error("it is no id_token")]
    Kind,
}
