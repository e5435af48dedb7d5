//! Numbers for alarms and dashboards: which fields of which log lines are metrics. On Lambda such a line tells CloudWatch
//! so itself, in the embedded metric format; anywhere else it is a line like any other.
//!
//! A line belongs to a set by its target. No metric has a dimension but the function, so their number does not grow with
//! connections; whose numbers they are stands in the line beside them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The one dimension: the name of the function, as in AWS's own metrics of it.
pub const DIMENSION: &str = "FunctionName";

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Hours and days, which CloudWatch has no word for.
    None,
}

/// One kind of line with numbers in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSet {
    /// Target of its lines.
    pub target: &'static str,
    /// Where CloudWatch shows them.
    pub namespace: &'static str,
    /// The functions that write such lines.
    pub functions: &'static [&'static str],
    /// Fields, by the names that the metrics have, too.
    pub metrics: &'static [(&'static str, Unit)],
}

/// How a connection is doing, each time that it is attended to.
pub const CONNECTIONS: MetricSet = MetricSet {
    target: "metrics::connections",
    namespace: "Connector/Connections",
    functions: &["scheduler"],
    metrics: &[
        ("hours_since_good_run", Unit::None),
        ("subscription_ends_in_hours", Unit::None),
        ("secret_ends_in_days", Unit::None),
        ("held_plans", Unit::Count),
    ],
};

/// What a sync run came to.
pub const RUNS: MetricSet = MetricSet {
    target: "metrics::runs",
    namespace: "Connector/Runs",
    functions: &["full-sync"],
    metrics: &[
        ("create", Unit::Count),
        ("update", Unit::Count),
        ("bind", Unit::Count),
        ("release", Unit::Count),
        ("delete", Unit::Count),
        ("unchanged", Unit::Count),
        ("skipped", Unit::Count),
        ("failed", Unit::Count),
        ("failed_runs", Unit::Count),
        ("duration_ms", Unit::Milliseconds),
        ("graph_calls", Unit::Count),
        ("graph_throttles", Unit::Count),
        ("pbx_calls", Unit::Count),
        ("pbx_throttles", Unit::Count),
    ],
};

/// What a presence poll that had something to do came to.
pub const PRESENCE: MetricSet = MetricSet {
    target: "metrics::presence",
    namespace: "Connector/Presence",
    functions: &["presence-poll"],
    metrics: &[
        ("people", Unit::Count),
        ("changed", Unit::Count),
        ("written", Unit::Count),
        ("failed", Unit::Count),
        ("failed_polls", Unit::Count),
        ("duration_ms", Unit::Milliseconds),
    ],
};

/// What became of notifications.
pub const NOTIFICATIONS: MetricSet = MetricSet {
    target: "metrics::notifications",
    namespace: "Connector/Notifications",
    functions: &["graph-notifications"],
    metrics: &[
        ("noted", Unit::Count),
        ("known", Unit::Count),
        ("irrelevant", Unit::Count),
        ("foreign", Unit::Count),
        ("forged", Unit::Count),
        ("unreadable", Unit::Count),
        ("unknown", Unit::Count),
        ("not_stored", Unit::Count),
    ],
};

/// How sign-ins ended.
pub const SIGN_INS: MetricSet = MetricSet {
    target: "metrics::sign_ins",
    namespace: "Connector/SignIns",
    functions: &["admin", "sso-exchange"],
    metrics: &[
        ("signed_in", Unit::Count),
        ("refused", Unit::Count),
        ("unfinished", Unit::Count),
        ("failed", Unit::Count),
    ],
};

/// All of them.
pub const SETS: [MetricSet; 5] = [CONNECTIONS, RUNS, PRESENCE, NOTIFICATIONS, SIGN_INS];

impl MetricSet {
    /// The set to which lines of `target` belong.
    pub fn of_target(target: &str) -> Option<Self> {
        SETS.into_iter().find(|set| set.target == target)
    }
}

/// Which of the fields of a line are metrics, in the words of the embedded metric format; `None` if there are none. What is
/// not known is no field, so that no zero stands for it.
pub(crate) fn directive(set: &MetricSet, fields: &Map<String, Value>, at: Timestamp) -> Option<Value> {
    let known = |(name, _): &&(&str, Unit)| fields.get(*name).is_some_and(Value::is_number);
    let metrics: Vec<Value> = set
        .metrics
        .iter()
        .filter(known)
        .map(|(name, unit)| json!({"Name": name, "Unit": unit.word()}))
        .collect();
    (!metrics.is_empty()).then(|| {
        json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": set.namespace,
                "Dimensions": [[DIMENSION]],
                "Metrics": metrics,
            }],
        })
    })
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::None => "None",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_target_and_a_name_mean_one_thing() {
        let targets: BTreeSet<&str> = SETS.iter().map(|set| set.target).collect();
        let namespaces: BTreeSet<&str> = SETS.iter().map(|set| set.namespace).collect();
        assert_eq!((targets.len(), namespaces.len()), (SETS.len(), SETS.len()));
        for set in SETS {
            let names: BTreeSet<&str> = set.metrics.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), set.metrics.len(), "{}", set.target);
            assert_eq!(MetricSet::of_target(set.target), Some(set));
            // Limits of the format.
            assert!(set.metrics.len() <= 100 && !set.namespace.starts_with("AWS/"));
        }
    }

    #[test]
    fn what_is_not_known_is_no_metric() {
        let fields = json!({"held_plans": 1, "secret_ends_in_days": null, "connection.id": "c1"});
        let told = directive(
            &CONNECTIONS,
            fields.as_object().unwrap(),
            Timestamp::from_second(7).unwrap(),
        );
        let wanted = json!({
            "Timestamp": 7000,
            "CloudWatchMetrics": [{
                "Namespace": "Connector/Connections",
                "Dimensions": [["FunctionName"]],
                "Metrics": [{"Name": "held_plans", "Unit": "Count"}],
            }],
        });
        assert_eq!(told, Some(wanted));
        assert_eq!(directive(&CONNECTIONS, &Map::new(), Timestamp::UNIX_EPOCH), None);
    }
}
