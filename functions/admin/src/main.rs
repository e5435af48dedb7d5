//! Wires the Admin API to the Lambda runtime.

use std::process::ExitCode;

use admin::{AdminState, TokenHash, router};
use invocation::Traced;
use lambda_http::Adapter;
use lambda_http::lambda_runtime::Runtime;
use shared::settings::{AdminSettings, EXIT_CODE, Vars};
use shared::telemetry;
use shared::wiring::{engine, outlets};
use web::Door;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match AdminSettings::read(&Vars::new(std::env::vars_os())) {
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

async fn serve(settings: AdminSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let hash = settings.bootstrap.as_ref();
    let engine = engine(&settings.engine).await?;
    let door = Door::of(
        &engine,
        &settings.engine.microsoft.login,
        settings.public_base_url,
    )?;
    let state = AdminState {
        engine,
        alerts: outlets(settings.engine.policy, settings.alert_topic.as_ref()).await,
        bootstrap: hash.map(|hash| TokenHash::parse_hex(hash.as_hex())).transpose()?,
        door,
    };
    let runtime = Runtime::new(Adapter::from(router(state))).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
