//! Alarms and dashboard look at metrics that the code writes into its log, by the names of one list.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use shared::metrics::{DIMENSION, MetricSet, SETS};

use crate::document::{Template, template, text};

/// A metric somebody looks at: namespace, name, and the dimension with its value.
type Looked = (String, String, String, String);

fn of_alarms(template: &Template) -> BTreeSet<Looked> {
    let alarms = template.resources("AWS::CloudWatch::Alarm");
    let named = alarms.values().filter(|alarm| !alarm["MetricName"].is_null());
    named
        .map(|alarm| {
            let dimension = &alarm["Dimensions"][0];
            (
                text(&alarm["Namespace"]),
                text(&alarm["MetricName"]),
                text(&dimension["Name"]),
                text(&dimension["Value"]),
            )
        })
        .collect()
}

fn of_the_dashboard(template: &Template) -> BTreeSet<Looked> {
    let dashboards = template.resources("AWS::CloudWatch::Dashboard");
    let body = text(&dashboards["Dashboard"]["DashboardBody"]);
    let body: Json = serde_json::from_str(&body).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let metrics = widgets
        .iter()
        .flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap());
    metrics
        .map(|metric| {
            let part = |index: usize| metric[index].as_str().unwrap_or_default().to_owned();
            (part(0), part(1), part(2), part(3))
        })
        .collect()
}

fn writes(set: &MetricSet, metric: &str, function: &str, template: &Template) -> bool {
    let functions = template.functions();
    let by_name = set.metrics.iter().any(|(name, _)| *name == metric);
    by_name
        && set
            .functions
            .iter()
            .any(|folder| function == format!("${{{}}}", functions[*folder].0))
}

#[test]
fn whatever_is_looked_at_is_written_by_that_function_under_that_name() {
    let template = template();
    let mut ours = 0;
    for (namespace, metric, dimension, function) in of_alarms(&template).union(&of_the_dashboard(&template)) {
        if namespace.starts_with("AWS/") {
            continue;
        }
        let set = SETS.iter().find(|set| set.namespace == namespace);
        let set = set.unwrap_or_else(|| panic!("nothing writes {namespace}"));
        assert_eq!(dimension, DIMENSION, "{namespace} {metric}");
        assert!(
            writes(set, metric, function, &template),
            "{function} writes no {metric} in {namespace}"
        );
        ours += 1;
    }
    assert!(ours >= 16, "{ours}");
}

#[test]
fn every_number_of_how_a_connection_is_doing_has_an_alarm() {
    let template = template();
    let alarmed: BTreeSet<String> = of_alarms(&template)
        .into_iter()
        .filter(|(namespace, ..)| namespace == shared::metrics::CONNECTIONS.namespace)
        .map(|(_, metric, ..)| metric)
        .collect();
    let written = shared::metrics::CONNECTIONS.metrics.iter();
    let written: BTreeSet<String> = written.map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(alarmed, written);
}

#[test]
fn no_set_is_written_by_a_function_that_does_not_exist_nor_watched_by_nobody() {
    let template = template();
    let functions = template.functions();
    let looked: BTreeSet<String> = of_alarms(&template)
        .into_iter()
        .chain(of_the_dashboard(&template))
        .map(|(namespace, ..)| namespace)
        .collect();
    for set in SETS {
        for folder in set.functions {
            assert!(functions.contains_key(*folder), "{folder}");
        }
        assert!(
            looked.contains(set.namespace),
            "nobody looks at {}",
            set.namespace
        );
    }
}

#[test]
fn nothing_is_read_off_the_log_by_filters() {
    assert!(template().resources("AWS::Logs::MetricFilter").is_empty());
}
