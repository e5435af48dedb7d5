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
use shared::settings::{EXIT_CODE, SettingsError};

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("connector: {error:#}");
            let wrong_settings = error.downcast_ref::<SettingsError>().is_some();
            if wrong_settings {
                ExitCode::from(EXIT_CODE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
