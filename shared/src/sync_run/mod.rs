//! sync_run.
