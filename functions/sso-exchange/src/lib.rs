//! Microsoft sign-in for people who have an extension.
//!
//! - Trigger: HTTP `GET /login`, `GET /sso/callback`, `POST /sso/token`, `GET /me`, `POST /me/presence`,
//!   `POST /me/sign-out`, as API Gateway HTTP API and function URL events.
//! - Input: a browser, or a client built on the Linkus SDK (OAuth 2.0, authorization code with PKCE); output: redirects,
//!   pages, and for a code the login signature of one extension.
//! - Needs: the table, the keys of the secrets in it, Microsoft's sign-in, the Linkus SDK side of the PBX. Not Graph.
//!
//! A person is known by tenant and object id alone, and is asked about anew at every step: whoever may no longer sign in
//! gets no further, however far they had come.

mod admit;
mod callback;
mod form;
mod login;
mod me;
mod presence_form;
mod routes;
mod state;
mod token;

pub use routes::router;
pub use state::SsoState;
