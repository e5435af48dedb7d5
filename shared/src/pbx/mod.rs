//! The phone system behind its Open API: one client that keeps to the PBX's limits and turns its answers into
//! domain words. A write is never repeated once it may have been carried out.

mod address;
mod by_ids;
mod client;
mod contact_book;
mod contact_wire;
mod contacts;
mod departments;
mod error;
mod extension_groups;
mod extension_reads;
mod extension_writes;
mod groups;
mod limiter;
mod linkus;
mod listing;
mod mail;
mod organization;
mod pace;
mod passwords;
mod patience;
mod phone_system;
mod phonebooks;
mod presence;
mod resolver;
mod sign_in;
mod system;
mod token;
mod token_memory;
mod transport;
mod wire;

pub use address::{AddressRefused, PbxAddress};
pub use client::{PbxClient, PbxConfig, PbxTimeouts, token_owner};
pub use linkus::LinkusClient;
pub use resolver::GuardedResolver;
pub use token_memory::InMemoryTokens;
