//! Wires Microsoft sign-in to the Lambda runtime.

use std::process::ExitCode;

use invocation::Traced;
use lambda_http::Adapter;
use lambda_http::lambda_runtime::Runtime;
use shared::settings::{EXIT_CODE, SsoSettings, Vars};
use shared::telemetry;
use shared::wiring::engine;
use sso_exchange::{SsoState, router};
use web::Door;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match SsoSettings::read(&Vars::new(std::env::vars_os())) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EXIT_CODE);
        }
    };
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: SsoSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let engine = engine(&settings.engine).await?;
    let door = Door::of(
        &engine,
        &settings.engine.microsoft.login,
        settings.public_base_url,
    )?;
    let sides = engine.sides;
    let runtime = Runtime::new(Adapter::from(router(SsoState { door, sides }))).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
