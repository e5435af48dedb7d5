//! The Admin API as its callers meet it: the whole router over a real table, with both sides of a connection faked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod alerts;
mod connections;
mod document;
mod events;
mod fake_sides;
mod forms;
mod harness;
mod lifecycle;
mod pages;
mod records;
mod runs;
mod secrecy;
mod sessions;
mod settings;
mod updates;
