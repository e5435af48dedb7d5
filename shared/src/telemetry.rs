//! Logs: JSON lines for machines, text for people. An error's chain is printed once, by [`chain`], where it is handled.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::SystemClock;
use crate::settings::{LogFormat, LogSettings};
use json_lines::JsonLines;
use panics::log_panics;

mod json_lines;
mod panics;

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("the log filter is not understood")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Somebody did so before.
    #[error("logs are set up already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Sends this process's logs to standard error, which leaves standard output to what a person asked for, and panics to the
/// logs. Call once, first.
pub fn init(log: &LogSettings) -> Result<(), TelemetryError> {
    let colours = io::stderr().is_terminal();
    subscriber(log, io::stderr, colours)?
        .try_init()
        .map_err(TelemetryError::Twice)?;
    log_panics();
    Ok(())
}

type AnySubscriber = Box<dyn tracing::Subscriber + Send + Sync>;

pub(crate) fn subscriber<W>(
    log: &LogSettings,
    writer: W,
    colours: bool,
) -> Result<AnySubscriber, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets = log.filter.parse().map_err(TelemetryError::Filter)?;
    let builder = tracing_subscriber::fmt()
        // The filter decides, not the builder's own level.
        .with_max_level(LevelFilter::TRACE)
        .with_writer(writer)
        .with_ansi(colours);
    Ok(match log.format {
        LogFormat::Json => {
            let lines = JsonLines {
                function: log.function.clone(),
                clock: Arc::new(SystemClock),
            };
            let formatted = builder.fmt_fields(JsonFields::new()).event_format(lines);
            Box::new(formatted.finish().with(filter))
        }
        LogFormat::Text => Box::new(builder.finish().with(filter)),
    })
}

/// An error with all its causes on one line, for a log field or the last words of a program.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// Prints an error and its causes, outermost first.
#[derive(Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::CONNECTIONS;
    use crate::testing::logs::{Logs, metrics_of};

    #[test]
    fn json_lines_carry_message_fields_and_those_of_all_spans() {
        let logs = Logs::listen(LogFormat::Json, "info", None);
        let outer = tracing::info_span!("invocation", aws_request_id = "a1", connection.id = "c0").entered();
        let inner = tracing::info_span!("run", connection.id = "c1", sync_run.id = tracing::field::Empty);
        inner.record("sync_run.id", "r1");
        inner.in_scope(|| tracing::info!(duration_ms = 5, "run finished"));
        drop(outer);
        tracing::info!("alone");
        let line = logs.line("run finished");
        assert_eq!(line["duration_ms"], 5);
        assert_eq!(line["level"], "INFO");
        assert_eq!(
            (
                &line["aws_request_id"],
                &line["connection.id"],
                &line["sync_run.id"]
            ),
            (&"a1".into(), &"c1".into(), &"r1".into())
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(logs.line("alone").get("connection.id").is_none());
    }

    #[test]
    fn a_line_with_numbers_tells_cloudwatch_of_them_on_lambda_alone() {
        let log = || tracing::info!(target: CONNECTIONS.target, { held_plans = 1, connection.id = "c1" }, "attended");
        let logs = Logs::of_function("stack-scheduler");
        log();
        let line = logs.line("attended");
        assert_eq!(
            metrics_of(&CONNECTIONS, &line),
            [("held_plans".to_owned(), 1.0)].into()
        );
        assert_eq!(line["FunctionName"], "stack-scheduler");
        drop(logs);

        let logs = Logs::listen(LogFormat::Json, "info", None);
        log();
        let line = logs.line("attended");
        assert_eq!((&line["held_plans"], line.get("_aws")), (&1.into(), None));
        drop(logs);

        let logs = Logs::listen(LogFormat::Text, "info", Some("stack-scheduler"));
        log();
        let text = logs.text();
        assert!(text.contains("held_plans=1") && !text.contains("_aws"), "{text}");
    }

    #[test]
    fn text_lines_have_no_colours_outside_a_terminal() {
        let logs = Logs::listen(LogFormat::Text, "info", None);
        tracing::warn!("carried on");
        let text = logs.text();
        assert!(text.contains("WARN") && text.contains("carried on"));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn the_filter_decides_what_is_printed() {
        let logs = Logs::listen(LogFormat::Text, "warn", None);
        tracing::info!("quiet");
        assert_eq!(logs.text(), "");
        let broken = LogSettings {
            format: LogFormat::Text,
            filter: "a=b=c".to_owned(),
            function: None,
        };
        assert!(matches!(
            subscriber(&broken, io::sink, false),
            Err(TelemetryError::Filter(_))
        ));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("failed to open the table")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Inner;

    #[test]
    fn a_chain_names_every_cause_once() {
        assert_eq!(
            chain(&Outer(Inner)).to_string(),
            "failed to open the table: refused"
        );
    }
}
