//! What a sync costs, as ratios to the least it could cost. Every figure is taken against the simulators in one run,
//! and none is asserted: a busy machine must not fail a build.

pub mod connector;
pub mod import;
pub mod memory;
pub mod pages;
pub mod presence;
pub mod requests;
pub mod row;
pub mod sign_in;
pub mod stage;
pub mod table;
mod table_count;
pub mod webhook;
