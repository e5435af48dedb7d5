//! The words of the product: plain values, no I/O, no waiting, nothing of AWS or HTTP.

pub mod binding;
pub mod change;
pub mod client_state;
pub mod connection;
pub mod console_access;
pub mod cookie_key;
pub mod entra_user;
pub mod extension;
pub mod graph_properties;
pub mod ids;
pub mod mapping;
pub mod number;
pub mod operation_record;
pub mod permissions;
pub mod role;
pub mod schedule;
pub mod secret_warning;
pub mod settings;
pub mod settings_check;
pub mod subscription;
pub mod sync_run;
