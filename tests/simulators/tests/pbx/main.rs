//! The simulated PBX, asked over real HTTP as its clients ask it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod admin;
mod contacts;
mod envelope;
mod events;
mod extensions;
mod faults;
mod groups;
mod linkus;
mod organizations;
mod support;
mod switches;
mod tokens;
