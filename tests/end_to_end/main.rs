//! The whole product against both simulated sides and a real table engine: change the other side's state, run what is
//! due, look at what became of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by stopping")]

mod account;
mod alert_page;
mod alerts;
mod anew;
mod browser;
mod canaries;
mod certificate;
mod connect;
mod console;
mod contacts;
mod correlation;
mod crash;
mod eavesdrop;
mod editions;
mod explain;
mod follow;
mod follow_groups;
mod follower;
mod groups;
mod guard;
mod hook;
mod hostile;
mod joiner;
mod leaver;
mod lifecycle;
mod mover;
mod office;
mod outage;
mod pages;
mod pickers;
mod presence;
mod proxy;
mod requests;
mod secret_end;
mod sign_in;
mod sign_in_counts;
mod stage;
mod still_due;
mod teardown;
