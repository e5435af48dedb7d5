//! The connector in one sentence: **collect** what Entra says, **plan** what the PBX should change, **check** the plan,
//! **execute** it, **record** what happened.
//!
//! - `domain`: words and pure rules (mapping, schedule, settings).
//! - `plan`: the decision, pure and repeatable.
//! - `sync_run`: the use case, from a due connection to a finished run.
//! - `changes`: what follows the directory between the scheduled runs.
//! - `secret_care`: the end of an app's secret, told in time.
//! - `alerts`: what an admin is told of unasked.
//! - `presence_poll`: the other use case, from a due minute to presences that follow Teams.
//! - `ports`: what the use cases need of the outside.
//! - `graph`, `pbx`, `store`: Microsoft Graph, the phone system, the table.
//! - `sso`: people who sign in with Microsoft.
//! - `account_grant`: the refresh token of whoever connected.
//! - `app_proof`, `app_certificate`, `aadsts`: how our app signs in with Microsoft, and how that is refused.
//! - `queue`: hints from one function to another.
//! - `http`: how every one of our requests leaves the machine.
//! - `sides`, `wiring`: clients and engine, made of settings.
//! - `settings`, `telemetry`: environment and logs.
//! - `metrics`, `calls`, `trace`: which numbers in the log alarms read, how many calls a run made, which trace work belongs to.

pub mod aadsts;
pub mod account_grant;
pub mod alerts;
pub mod app_certificate;
pub mod app_proof;
pub mod calls;
pub mod changes;
pub mod clock;
pub mod deadline;
pub mod domain;
pub mod graph;
pub mod http;
pub mod metrics;
pub mod pbx;
pub mod plan;
pub mod ports;
pub mod presence_poll;
pub mod queue;
pub mod secret_care;
pub mod secrets;
pub mod settings;
pub mod sides;
pub mod sso;
pub mod store;
pub mod sync_run;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;
pub mod wiring;
