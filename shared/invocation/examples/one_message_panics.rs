//! A function whose work panics at each message that asks for it, in the shell of the functions that take messages. Below a
//! real runtime it shows what becomes of the other messages, of the next event and of the log.

use invocation::{Traced, each_message};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use shared::settings::{LogFormat, LogSettings};
use shared::telemetry;

#[derive(serde::Deserialize)]
struct Hint {
    /// What the panic says; without it the work ends well.
    panic: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(&LogSettings {
        format: LogFormat::Json,
        filter: "info".to_owned(),
        function: None,
    })?;
    let handler = |event: LambdaEvent<_>| async {
        Ok::<_, lambda_runtime::Error>(each_message(event.payload, work).await)
    };
    Runtime::new(service_fn(handler)).layer(Traced).run().await
}

#[expect(clippy::panic, reason = "this is what it is for")]
async fn work(hint: Hint) -> Result<(), std::fmt::Error> {
    match hint.panic {
        Some(message) => panic!("{message}"),
        None => Ok(()),
    }
}
