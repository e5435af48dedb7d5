//! The Graph simulator through its socket: every rule it keeps is shown by a request that meets it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as loudly as tests")]
#![expect(clippy::panic, reason = "helpers of tests may fail as loudly as tests")]

mod admin;
mod batch;
mod delta;
mod faults;
mod groups;
mod lag;
mod mailboxes;
mod notifications;
mod objects;
mod presence;
mod seeded;
mod sign_in;
mod support;
mod throttle;
mod users;
