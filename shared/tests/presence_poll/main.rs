//! The presence poll over a real table, between two sides that lose, repeat and break off as a test orders.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod counting;
mod polls;
mod property;
#[path = "../store_support/mod.rs"]
mod store_support;
mod support;
