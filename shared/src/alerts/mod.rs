//! Alerts: what is wrong with a connection is told unasked, once, again each day while it lasts, and when it is over.
//!
//! | file | is for |
//! |---|---|
//! | `judge` | what is wrong, as the facts have it (pure) |
//! | `decide` | what of it is news, and when to look again (pure) |
//! | `outbox` | what waits to be told: taken up, tried again, given up (pure) |
//! | `words` | the sentences, in both languages (pure) |
//! | `render` | a message as subject, text and JSON (pure) |
//! | `gather` | the facts, read |
//! | `attend` | one connection when it is due |
//! | `deliver` | a message on one channel |
//! | `history` | news as lines of the connection's history |
//! | `webhook` | the channel to an address of the admin's choice |
//! | `topic` | the channel to the topic of the installation |
//!
//! What is decided is stored before it is told, and struck off after; so it is told at least once, whatever is cut.

mod attend;
mod decide;
mod deliver;
mod gather;
mod history;
mod judge;
mod outbox;
mod render;
mod topic;
mod webhook;
mod words;

#[cfg(test)]
mod property_tests;

pub use attend::attend;
pub use deliver::{Outlets, Undelivered, send_test};
pub use topic::{AlertTopic, SnsTopic};
pub use webhook::{SIGNATURE_HEADER, WebhookAddress, new_secret};
pub use words::sentence;
