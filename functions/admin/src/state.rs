//! What every handler runs on. Links come from configuration alone, never from a request.

use shared::alerts::Outlets;
use web::Door;

use crate::token::TokenHash;
use crate::use_cases::Engine;

/// Everything the Admin API runs on. Clone is cheap.
#[derive(Clone)]
pub struct AdminState {
    /// Table, both sides, clock and queue.
    pub engine: Engine,
    /// What alerts may reach.
    pub alerts: Outlets,
    /// Hash of a token with role admin that is not in the table.
    pub bootstrap: Option<TokenHash>,
    /// Browsers to Microsoft and back, and the origin the world reaches us at.
    pub door: Door,
}

impl AdminState {
    /// Where Microsoft sends the browser back after consent.
    pub fn redirect_uri(&self) -> String {
        self.door.link(crate::connect::CALLBACK)
    }

    /// Where Microsoft sends the browser back after a person's sign-in.
    pub fn sso_redirect_uri(&self) -> String {
        self.door.link("/sso/callback")
    }
}
