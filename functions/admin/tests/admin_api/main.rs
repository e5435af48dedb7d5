//! The Admin API as its callers meet it: the whole router over a real table, with both sides of a connection faked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod alerts;
mod connections;
mod document;
mod door;
mod events;
mod fake_sides;
mod forms;
mod harness;
mod lifecycle;
mod mended;
mod moved_pbx;
mod pages;
mod pbx_access;
mod reach;
mod records;
mod runs;
mod secrecy;
mod sessions;
mod settings;
mod updates;
