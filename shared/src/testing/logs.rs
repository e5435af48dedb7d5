//! What is logged while a test runs on its thread, as JSON lines.

#![expect(clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use crate::metrics::{DIMENSION, MetricSet};
use crate::settings::{LogFormat, LogSettings};
use crate::telemetry::subscriber;

/// Hears nothing. While there is one listener alone, whether a line is wanted is asked once, of whichever thread comes by it
/// first, and a test that does not listen would say no for all; with a second one every listener is asked.
static SECOND: OnceLock<Dispatch> = OnceLock::new();

/// Listens to the thread that made it, for as long as it lives.
pub struct Logs {
    heard: Heard,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    /// As on Lambda, in a function of this name.
    pub fn of_function(name: &str) -> Self {
        Self::listen(LogFormat::Json, "info", Some(name))
    }

    /// By these settings.
    ///
    /// # Panics
    /// On a filter that does not parse.
    pub fn listen(format: LogFormat, filter: &str, function: Option<&str>) -> Self {
        SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
        let heard = Heard::default();
        let writer = heard.clone();
        let settings = LogSettings {
            format,
            filter: filter.to_owned(),
            function: function.map(str::to_owned),
        };
        let subscriber = subscriber(&settings, move || writer.clone(), false).expect("the filter parses");
        Self {
            heard,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        let bytes = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The lines so far.
    ///
    /// # Panics
    /// On a line that is no JSON.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).expect("each line is an object of JSON");
        self.text().lines().map(parse).collect()
    }

    /// The one line with this message.
    ///
    /// # Panics
    /// If there is none or there are several.
    pub fn line(&self, message: &str) -> Value {
        let mut found = self.lines().into_iter().filter(|line| line["message"] == message);
        let line = found.next();
        assert_eq!(found.count(), 0, "`{message}` was logged more than once");
        line.unwrap_or_else(|| panic!("`{message}` was not logged:\n{}", self.text()))
    }
}

/// The metrics that CloudWatch reads off a line of this set, after the rules of the embedded metric format.
///
/// # Panics
/// On a line that breaks a rule.
pub fn metrics_of(set: &MetricSet, line: &Value) -> BTreeMap<String, f64> {
    let about = &line["_aws"];
    assert!(about["Timestamp"].as_u64().is_some(), "no time in {line}");
    let [ref directive] = about["CloudWatchMetrics"].as_array().expect("directives")[..] else {
        panic!("one directive is wanted in {line}")
    };
    assert_eq!(directive["Namespace"], set.namespace);
    assert_eq!(directive["Dimensions"], serde_json::json!([[DIMENSION]]));
    let function = line[DIMENSION].as_str().expect("a dimension is a text");
    assert!((1..=250).contains(&function.len()));
    let read = |metric: &Value| {
        let name = metric["Name"].as_str().expect("a metric has a name");
        let known = matches!(metric["Unit"].as_str(), Some("Count" | "Milliseconds" | "None"));
        assert!(known, "{name} has an unknown unit");
        let value = line[name].as_f64().expect("a metric is a number at the top");
        (name.to_owned(), value)
    };
    directive["Metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(read)
        .collect()
}

/// As [`metrics_of`], of a line that has all metrics of its set.
///
/// # Panics
/// If one is missing, or a rule is broken.
pub fn all_metrics_of(set: &MetricSet, line: &Value) -> BTreeMap<String, f64> {
    let metrics = metrics_of(set, line);
    for (name, _) in set.metrics {
        assert!(metrics.contains_key(*name), "{name} is missing in {line}");
    }
    metrics
}
