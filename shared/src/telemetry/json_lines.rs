//! A log line as one JSON object: its own fields, those of all spans around it, and on Lambda what CloudWatch has to know of
//! the metrics in it. The inner span's field wins over the outer's, the line's own over both.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::metrics::{DIMENSION, MetricSet, directive};
use crate::ports::Clock;

/// Makes the lines.
pub(super) struct JsonLines {
    /// The name under which Lambda runs us; elsewhere nobody reads metrics off the log.
    pub function: Option<String>,
    pub clock: Arc<dyn Clock>,
}

impl JsonLines {
    /// What is only there for CloudWatch.
    fn measure(&self, target: &str, line: &mut Map<String, Value>) {
        let (Some(function), Some(set)) = (&self.function, MetricSet::of_target(target)) else {
            return;
        };
        if let Some(directive) = directive(&set, line, self.clock.now()) {
            line.insert("_aws".to_owned(), directive);
            line.insert(DIMENSION.to_owned(), function.as_str().into());
        }
    }
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                take(&mut line, fields)?;
            }
        }
        let mut own = String::new();
        context.format_fields(Writer::new(&mut own), event)?;
        take(&mut line, &own)?;
        let about = event.metadata();
        self.measure(about.target(), &mut line);
        line.insert("timestamp".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), about.level().as_str().into());
        line.insert("target".to_owned(), about.target().into());
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// Adds the fields, which are an object of JSON; a span without any has no text.
fn take(line: &mut Map<String, Value>, fields: &str) -> fmt::Result {
    if !fields.is_empty() {
        let fields: Map<String, Value> = serde_json::from_str(fields).map_err(|_| fmt::Error)?;
        line.extend(fields);
    }
    Ok(())
}
