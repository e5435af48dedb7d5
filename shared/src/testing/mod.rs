//! What tests of every crate start from.

pub mod table;
