//! Wires the minute's look to the Lambda runtime.

use std::process::ExitCode;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use invocation::Traced;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use scheduler::{STEP, handle};
use shared::settings::{EXIT_CODE, SchedulerSettings, Vars};
use shared::telemetry;
use shared::wiring::{engine, outlets, presence_queue, surroundings};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match SchedulerSettings::read(&Vars::new(std::env::vars_os())) {
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

async fn serve(settings: SchedulerSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let engine = &engine(&settings.engine).await?;
    let address = settings.address();
    let presence = &presence_queue(settings.presence_queue.as_ref()).await;
    let alerts = outlets(settings.engine.policy, settings.alert_topic.as_ref()).await;
    let around = &surroundings(&engine.store, address, STEP, alerts).await?;
    let handler = |event: LambdaEvent<EventBridgeEvent>| async move {
        let sent = handle(engine, presence.as_ref(), around, event.payload).await;
        sent.map(drop).map_err(lambda_runtime::Error::from)
    };
    let runtime = Runtime::new(service_fn(handler)).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
