//! The PBX client against a simulated PBX: stateful, strict, and broken on demand. Time is the test's own; nothing
//! leaves this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod answers;
mod certificates;
mod contacts;
mod groups;
mod mail;
mod reads;
mod support;
mod tokens;
mod writes;
