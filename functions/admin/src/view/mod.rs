//! What the Admin API answers, field for field as the contract has it. Nothing secret has a place in these shapes.

pub mod binding;
pub mod certificate;
pub mod connection;
pub mod explanation;
pub mod notifications;
pub mod phonebook;
pub mod presence;
pub mod sync_run;

use serde::Serialize;

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Listing<T> {
    /// The items, in a stable order.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}
