//! The Admin API: connections, their settings, sync runs and what those did.
//!
//! - Trigger: HTTP (`/api/v1/*`, `/healthz`, `/openapi.json`), as API Gateway HTTP API and function URL events.
//! - Input: JSON and an API token; output: JSON, or problem+json for every refusal.
//! - Needs: the table, the keys of the secrets in it, the sync queue, and both sides of a connection under test.
//!
//! `routes` says once which call there is and who may make it; router, OpenAPI document and the tests follow it.

mod access;
mod api;
mod body;
mod by_name;
mod caller;
mod connect;
mod console;
mod headers;
mod openapi;
mod probe;
mod problem;
mod query;
mod read_only;
mod routes;
mod settings_document;
mod state;
mod token;
mod use_cases;
mod view;

pub use access::Access;
pub use console::listing as page_listing;
pub use headers::router;
pub use openapi::document as openapi_document;
pub use routes::listing as route_listing;
pub use state::AdminState;
pub use token::{InvalidTokenHash, NewToken, TokenHash, create_token};
