//! Wires the notifications to the Lambda runtime.

use std::process::ExitCode;
use std::sync::Arc;

use graph_notifications::{NotificationsState, router};
use invocation::Traced;
use lambda_http::Adapter;
use lambda_http::lambda_runtime::Runtime;
use shared::settings::{EXIT_CODE, NotificationsSettings, Vars};
use shared::telemetry;
use shared::wiring::inbox;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match NotificationsSettings::read(&Vars::new(std::env::vars_os())) {
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

async fn serve(settings: NotificationsSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let (inbox, key) = inbox(&settings).await?;
    let clock = Arc::clone(&inbox.clock);
    let state = NotificationsState::new(key, Arc::new(inbox), clock);
    let runtime = Runtime::new(Adapter::from(router(state))).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
