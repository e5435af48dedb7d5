//! What tests of every crate start from.

pub mod logs;
pub mod table;
