//! Teams presence drives extension presence: once a minute, who shows something else than the last time, and onto their
//! extensions with it. Only a change is carried, once; so what a person sets by hand stays until Teams changes.
//!
//! | file | is for |
//! |---|---|
//! | `poll` | one message of the queue: who is at it, and how it ended |
//! | `round` | one poll, from the settings to the counts |
//! | `gather` | who takes part, as settings, bindings, choices and groups say |
//! | `roster` | who sits where, kept full and in order (pure) |
//! | `seats` | the stored people with how far they have come; ids stay in memory between polls |
//! | `observe` | what they show in Teams |
//! | `decide` | what is to be written, and what an answer or a silence means (pure) |
//! | `carry` | the writes |
//! | `failure` | what a failure means: a sentence, a wait |

mod carry;
mod decide;
mod failure;
mod gather;
mod observe;
mod poll;
mod roster;
mod round;
mod seats;

use std::time::Duration;

pub use poll::{PollEnd, PollError, poll_due, tell_of_silence};

use crate::sync_run::Engine;
use seats::Memory;

/// From one poll to the next.
pub const EVERY: Duration = Duration::from_mins(1);

/// Polls presence. One a process: it remembers whose presence is carried.
pub struct Poller {
    /// What it works on.
    pub engine: Engine,
    /// From one poll of a connection to the next.
    pub every: Duration,
    memory: Memory,
}

impl Poller {
    /// With an empty memory.
    pub fn new(engine: Engine, every: Duration) -> Self {
        Self {
            engine,
            every,
            memory: Memory::default(),
        }
    }
}
