//! Logs: JSON lines for machines, text for people. An error's chain is printed once, by [`chain`], where it is handled.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, LogSettings};

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

/// Sends this process's logs to standard error, which leaves standard output to what a person asked for. Call once, first.
pub fn init(log: &LogSettings) -> Result<(), TelemetryError> {
    let colours = io::stderr().is_terminal();
    subscriber(log, io::stderr, colours)?
        .try_init()
        .map_err(TelemetryError::Twice)
}

type AnySubscriber = Box<dyn tracing::Subscriber + Send + Sync>;

fn subscriber<W>(log: &LogSettings, writer: W, colours: bool) -> Result<AnySubscriber, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.filter).map_err(TelemetryError::Filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours);
    Ok(match log.format {
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_span_list(false).finish()),
        LogFormat::Text => Box::new(builder.finish()),
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
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let settings = LogSettings {
            format,
            filter: filter.to_owned(),
        };
        let subscriber = subscriber(&settings, move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_carry_message_fields_and_span() {
        let text = logged(LogFormat::Json, "info", || {
            let _span = tracing::info_span!("run", connection.id = "c1").entered();
            tracing::info!(duration_ms = 5, "run finished");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "run finished");
        assert_eq!(line["duration_ms"], 5);
        assert_eq!(line["span"]["connection.id"], "c1");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn text_lines_have_no_colours_outside_a_terminal() {
        let text = logged(LogFormat::Text, "info", || tracing::warn!("carried on"));
        assert!(text.contains("WARN") && text.contains("carried on"));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn the_filter_decides_what_is_printed() {
        assert_eq!(logged(LogFormat::Text, "warn", || tracing::info!("quiet")), "");
        assert!(matches!(
            subscriber(
                &LogSettings {
                    format: LogFormat::Text,
                    filter: "a=b=c".to_owned()
                },
                io::sink,
                false
            ),
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
