//! The use case, from a due connection to a finished run: each part of it collects, plans, checks, executes, records.
//! Planning again from the present state yields what is left, so a run may be cut anywhere.

pub mod approval;
mod close;
pub(crate) mod collect;
pub(crate) mod collect_error;
mod conduct;
pub mod consent;
pub mod contact_pickers;
mod contacts;
pub mod due;
mod effect;
mod execute;
pub mod explain;
mod explain_rules;
mod failure;
mod group_news;
pub(crate) mod groups;
mod hold;
mod judge;
mod lease;
pub mod lifecycle;
mod measure;
pub(crate) mod membership;
mod one_person;
mod outcome;
mod part;
mod phones;
pub mod request;
pub mod run;
mod same_pbx;
mod status;
mod stop;
mod teardown;
mod users;
pub mod visibility;
mod watch;

use std::sync::Arc;

use crate::ports::{Clock, SideFactory, SyncQueue};
use crate::store::Store;

/// Everything the use cases run on. A clone is cheap.
#[derive(Clone)]
pub struct Engine {
    /// The table.
    pub store: Store,
    /// Makes the clients of a connection.
    pub sides: Arc<dyn SideFactory>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where hints go.
    pub queue: Arc<dyn SyncQueue>,
}
