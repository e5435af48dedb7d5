//! `connector`: the functions of the product in one process, for a demo and for people who host it themselves.

mod cli;
mod data_dir;
mod demo;
mod host;
mod serve;
mod server;
mod signals;
mod simulate;
mod timer;
mod token;
mod worker;

use std::process::ExitCode;

use clap::Parser;
use shared::secrets::FileKeyError;
use shared::settings::{EXIT_CODE, SettingsError};

use crate::data_dir::DataDirError;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("connector: {error:#}");
            if says_settings_are_wrong(&error) {
                ExitCode::from(EXIT_CODE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// A value that is wrong, or a place that it names and that cannot be used.
fn says_settings_are_wrong(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<SettingsError>()
            || cause.is::<FileKeyError>()
            || matches!(cause.downcast_ref(), Some(DataDirError::Unusable { .. }))
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_key_or_a_folder_that_cannot_be_used_is_a_wrong_setting() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "short").unwrap();
        let refused = shared::secrets::FileKeySealer::load_or_create(&key)
            .err()
            .unwrap();
        let wrapped = Err::<(), _>(refused).context("starting").unwrap_err();
        assert!(says_settings_are_wrong(&wrapped));
        let no_folder = data_dir::DataDir::open(&key.join("below a file")).unwrap_err();
        assert!(says_settings_are_wrong(&no_folder.into()));
        assert!(!says_settings_are_wrong(&anyhow::anyhow!("a port is taken")));
    }
}
