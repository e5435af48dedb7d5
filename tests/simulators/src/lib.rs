//! Stateful other sides behind HTTP: what a real system would remember, refuse and break.
//! A simulator is never kinder than the system it stands for.

pub mod clock;
pub mod graph;
pub mod pbx;
