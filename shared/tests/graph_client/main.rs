//! The Graph client against the simulated Microsoft cloud, over loopback. Time is the simulator's.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod changes;
mod correlation;
mod groups;
mod mailboxes;
mod permissions;
mod sign_in;
mod stub;
mod support;
mod throttle;
mod users;
mod wire;
