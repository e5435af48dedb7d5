//! What every handler runs on. Links come from configuration alone, never from a request.

use shared::settings::WebOrigin;

use crate::token::TokenHash;
use crate::use_cases::Engine;

/// Everything the Admin API runs on. Clone is cheap.
#[derive(Clone)]
pub struct AdminState {
    /// Table, both sides, clock and queue.
    pub engine: Engine,
    /// Hash of a token with role admin that is not in the table.
    pub bootstrap: Option<TokenHash>,
    /// The origin the world reaches us at.
    pub public_base_url: WebOrigin,
}

impl AdminState {
    /// Where Microsoft sends the browser back after consent.
    pub fn redirect_uri(&self) -> String {
        self.link("connect/callback")
    }

    /// Where Microsoft sends the browser back after a person's sign-in.
    pub fn sso_redirect_uri(&self) -> String {
        self.link("sso/callback")
    }

    fn link(&self, path: &str) -> String {
        format!("{}/{path}", self.public_base_url)
    }
}
