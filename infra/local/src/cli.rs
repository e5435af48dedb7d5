//! The command line. Every decision that needs words is in the help of the command it belongs to.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use shared::domain::role::Role;
use shared::settings::{LocalMode, LocalSettings, VARIABLES, Variable, Vars};
use shared::telemetry;

use crate::{demo, serve, simulate, token};

/// Keeps the extensions of a Yeastar P-Series PBX in step with the people of a Microsoft Entra tenant.
///
/// Without a command: a demo with a simulated tenant and a simulated PBX, all in this process.
#[derive(Debug, Parser)]
#[command(name = "connector", version, after_long_help = settings_help())]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the connector against the addresses of the settings, with its table in the data directory.
    #[command(after_long_help = settings_help())]
    Serve,
    /// Run one simulator on its own.
    Simulate(Simulate),
    /// API tokens.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// Which side.
    pub side: Side,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8181 for graph, 127.0.0.1:8182 for pbx]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Equal seeds give equal people.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many people the tenant has, or the PBX is licensed for.
    #[arg(long, default_value_t = 100)]
    pub users: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Microsoft Graph and Microsoft sign-in.
    Graph,
    /// The PBX's Open API.
    Pbx,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make an API token and print it, this once. Works while `serve` runs, too.
    Create(TokenCreate),
}

#[derive(Debug, Args)]
pub struct TokenCreate {
    /// What the token may do: viewer reads; operator also runs, approves and pauses; admin does everything.
    #[arg(long)]
    pub role: RoleName,
    /// What it is for, as lists show it.
    #[arg(long, default_value = "command line")]
    pub name: String,
    /// Print a JSON object instead of the bare token.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    Admin,
    Operator,
    Viewer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Operator => Self::Operator,
            RoleName::Viewer => Self::Viewer,
        }
    }
}

/// Does what the command line asks for.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let vars = Vars::new(std::env::vars_os());
    match cli.command {
        None => demo::run(settings(&vars, LocalMode::Demo)?).await,
        Some(Command::Serve) => serve::run(settings(&vars, LocalMode::Serve)?).await,
        Some(Command::Simulate(what)) => simulate::run(&what).await,
        Some(Command::Token {
            command: TokenCommand::Create(what),
        }) => token::create(LocalSettings::read(&vars, LocalMode::Serve)?, what).await,
    }
}

fn settings(vars: &Vars, mode: LocalMode) -> anyhow::Result<LocalSettings> {
    let settings = LocalSettings::read(vars, mode)?;
    telemetry::init(&settings.log)?;
    Ok(settings)
}

/// The variables that this program reads, for the end of a help text.
fn settings_help() -> String {
    let mut text = "Settings (environment variables):\n".to_owned();
    let read_here = VARIABLES.iter().filter(|variable| {
        ["all", "serve", "demo"]
            .iter()
            .any(|role| variable.used_by.contains(role))
    });
    for Variable {
        name,
        meaning,
        default,
        ..
    } in read_here
    {
        text.extend(["  ", name, "\n          ", meaning, " [default: ", default, "]\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("connector").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in [
            "",
            "serve",
            "simulate graph",
            "simulate pbx --listen 127.0.0.1:0 --seed 7 --users 5",
            "token create --role admin",
            "token create --role operator --name ci --json",
            "token create --role viewer",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "run",
            "simulate",
            "simulate phone",
            "token create",
            "token create --role root",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn help_is_there_on_every_level_and_names_the_settings() {
        for line in [
            "--help",
            "serve --help",
            "simulate --help",
            "token --help",
            "token create --help",
        ] {
            let help = parse(line).unwrap_err();
            assert_eq!(help.kind(), clap::error::ErrorKind::DisplayHelp, "{line}");
        }
        let help = parse("--help").unwrap_err().to_string();
        for name in [
            "CONNECTOR_LISTEN",
            "CONNECTOR_DATA_DIR",
            "SECRETS_KEY",
            "GRAPH_BASE_URL",
            "RUST_LOG",
        ] {
            assert!(help.contains(name), "{name}");
        }
    }
}
