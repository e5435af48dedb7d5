//! One file an endpoint: what it refuses, what it does, and the statuses in one place.

pub mod bindings;
pub mod client_secret;
pub mod connection_create;
pub mod connection_delete;
pub mod connection_input;
pub mod connection_list;
pub mod connection_read;
pub mod connection_update;
pub mod explain;
pub mod healthz;
pub mod history;
pub mod lookup;
pub mod openapi_json;
pub mod operations;
pub mod operations_csv;
pub mod operations_of_run;
pub mod settings_read;
pub mod settings_write;
pub mod sync_run_approve;
pub mod sync_run_cancel;
pub mod sync_run_list;
pub mod sync_run_read;
pub mod sync_run_reject;
pub mod sync_run_start;
pub mod verdict;
