//! Microsoft Graph, read only. [`GraphClient`] is the [`crate::ports::Directory`] of one tenant.
//! A read that did not see its last page is an error, never a shorter list.

mod account;
mod application;
mod batch;
mod by_ids;
mod client;
mod delta;
mod directory;
mod error;
mod group_list;
mod groups;
mod hidden_groups;
mod links;
mod mailbox_accounts;
mod mailbox_refusal;
mod mailbox_wire;
mod mailboxes;
mod members;
mod number_path;
mod pages;
mod permissions;
mod presence;
mod report;
mod retry;
mod sign_in;
mod subscriptions;
mod throttle;
mod token;
mod users;
mod wire;

pub use client::{GraphClient, GraphConfig};
