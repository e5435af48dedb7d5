//! Wires the sync run to the Lambda runtime.

use std::process::ExitCode;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use full_sync::{MARGIN, handle};
use invocation::Traced;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use shared::deadline::Deadline;
use shared::settings::{EXIT_CODE, FullSyncSettings, Vars};
use shared::telemetry;
use shared::wiring::engine;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match FullSyncSettings::read(&Vars::new(std::env::vars_os())) {
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

async fn serve(settings: FullSyncSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let engine = &engine(&settings.engine).await?;
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        let deadline = Deadline::before(event.context.deadline, MARGIN);
        Ok::<SqsBatchResponse, lambda_runtime::Error>(handle(engine, event.payload, &deadline).await)
    };
    let runtime = Runtime::new(service_fn(handler)).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
