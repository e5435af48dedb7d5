//! The simulated PBX, asked over real HTTP as its clients ask it.

mod admin;
mod contacts;
mod envelope;
mod events;
mod extensions;
mod faults;
mod groups;
mod linkus;
mod organizations;
mod support;
mod tokens;
