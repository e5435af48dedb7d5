//! The notifications as Microsoft Graph and others send them: the whole router, over a sink that is watched or over a real table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arbitrary;
mod events;
mod failures;
mod harness;
mod items;
mod refusals;
mod secrecy;
