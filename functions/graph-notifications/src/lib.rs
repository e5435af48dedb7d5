//! What Microsoft Graph tells us.
//!
//! - Trigger: HTTP `POST /graph/notifications` and `POST /graph/lifecycle`, as API Gateway HTTP API and function URL events.
//! - Input: a handshake (`?validationToken=`) or a batch of notifications; output: the token, or 202 for a batch that is
//!   stored, 503 for one that is not.
//! - Needs: the table, the key of the secret words, the sync queue. Neither Graph nor the PBX.
//!
//! Nothing is acknowledged that is not stored, and nothing is asked of the table for a word that is forged.

mod handler;
mod handshake;
mod lenient;
mod payload;
mod refusal;
mod tally;
mod verify;

pub use handler::{NotificationsState, router};
pub use tally::Tally;
