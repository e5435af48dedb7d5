//! Wires the presence poll to the Lambda runtime.

use std::process::ExitCode;
use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use invocation::Traced;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use presence_poll::{MARGIN, handle};
use shared::deadline::Deadline;
use shared::presence_poll::{EVERY, Poller};
use shared::settings::{EXIT_CODE, PresencePollSettings, Vars};
use shared::telemetry;
use shared::wiring::engine;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = match PresencePollSettings::read(&Vars::new(std::env::vars_os())) {
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

async fn serve(settings: PresencePollSettings) -> anyhow::Result<()> {
    telemetry::init(&settings.log)?;
    let poller = &Arc::new(Poller::new(engine(&settings.engine).await?, EVERY));
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        let deadline = Deadline::before(event.context.deadline, MARGIN);
        Ok::<SqsBatchResponse, lambda_runtime::Error>(handle(poller, event.payload, &deadline).await)
    };
    let runtime = Runtime::new(service_fn(handler)).layer(Traced);
    runtime.run().await.map_err(anyhow::Error::from_boxed)
}
