//! The template for AWS against the code: routes, environment, table, queues and roles are what the functions need, and no
//! more. Deploying it is tried elsewhere; here is what a reader of both would compare.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod document;
mod environment;
mod functions;
mod hardening;
mod metrics;
mod roles;
mod routes;
mod table;
mod traces;
