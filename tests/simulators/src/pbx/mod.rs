//! A simulated phone system (P-Series, Software Edition) behind its Open API, stateful and never kinder
//! than the documentation. Everything a test may do to it beside the API goes through [`Pbx`] or `/_sim`.

mod admin;
mod behaviour;
mod call;
mod config;
mod contacts;
mod endpoints;
mod envelope;
mod extension;
mod extension_rules;
mod extension_views;
mod extensions;
mod faults;
mod gate;
mod groups;
mod handle;
mod hub;
mod linkus;
mod organizations;
mod phonebooks;
mod portal;
mod presence;
mod seed;
mod server;
mod socket;
mod state;
mod system;
mod tokens;
mod validation;
mod view;
mod webhooks;

pub use behaviour::{Behaviour, MemberShape, TooMany};
pub use config::{Config, Credentials, KeyPair, People, Person, Settings};
pub use contacts::Contact;
pub use envelope::{Refusal, code};
pub use extension::{Extension, Monitor};
pub use faults::{Fault, FaultKind, Times};
pub use groups::Group;
pub use handle::{Error, Pbx, Running};
pub use hub::{Delivered, Webhook, WebhookMethod};
pub use organizations::Organization;
pub use phonebooks::Phonebook;
pub use presence::{CallEnd, Caller, PRESENCES};
pub use server::router;
pub use state::{Counters, Mail, Write};
pub use webhooks::signature as webhook_signature;
