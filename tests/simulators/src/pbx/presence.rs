//! The six standard presences and the call handling each one owns. Changing presence swaps the whole set.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope::Fields;
use super::extension::Extension;
use super::state::State;
use super::validation::{Checker, is_dialable};

/// The words of the wire.
pub const PRESENCES: [&str; 6] = [
    "available",
    "away",
    "business_trip",
    "do_not_disturb",
    "lunch",
    "off_work",
];

const DESTINATION: &str = "ext_vm";

/// The constant word for a presence, if it is one.
pub fn known(word: &str) -> Option<&'static str> {
    PRESENCES.into_iter().find(|presence| *presence == word)
}

/// Reads a presence from a body.
pub fn read<'a>(checker: &mut Checker<'a>, key: &'a str) -> Option<&'static str> {
    let word = checker.text(key, |word| known(word).is_some())?;
    known(&word)
}

/// Reads `presence_list` onto an extension, entry by entry.
pub fn apply_list(checker: &mut Checker<'_>, extension: &mut Extension, merges: bool) {
    let Some(entries) = checker.list("presence_list") else {
        return;
    };
    if !merges {
        extension.presence.clear();
    }
    for entry in entries {
        let status = entry.get("status").and_then(Value::as_str).and_then(known);
        match (status, entry.as_object()) {
            (Some(status), Some(entry)) if entry.iter().all(is_valid) => {
                let kept = extension.presence.entry(status).or_default();
                kept.extend(entry.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => checker.blame("presence_list"),
        }
    }
}

fn is_valid((key, value): (&String, &Value)) -> bool {
    match key.as_str() {
        "ring_timeout" => value.as_i64().is_some_and(|seconds| (5..=300).contains(&seconds)),
        "mobile_number" | "mobile_prefix" => value.as_str().is_some_and(is_dialable),
        key if key.starts_with("enb_") => value.as_i64().is_some_and(|flag| flag == 0 || flag == 1),
        _ => value.is_string(),
    }
}

/// All six presences with their call handling.
pub fn list(extension: &Extension) -> Vec<Value> {
    PRESENCES
        .into_iter()
        .map(|status| Value::Object(settings_of(extension, status)))
        .collect()
}

/// The call handling in force now.
pub fn active(extension: &Extension) -> Fields {
    settings_of(extension, extension.presence_status)
}

fn settings_of(extension: &Extension, status: &'static str) -> Fields {
    let mut settings = defaults(status);
    if let Some(own) = extension.presence.get(status) {
        settings.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    settings
}

fn defaults(status: &'static str) -> Fields {
    let mut settings = Fields::new();
    settings.insert("status".to_owned(), status.into());
    settings.insert("information".to_owned(), "".into());
    for side in ["in", "ex"] {
        for (case, on) in [("always", 0), ("no_answer", 1), ("busy", 1)] {
            settings.insert(format!("enb_{side}_{case}_forward"), on.into());
            settings.insert(format!("{side}_{case}_forward_dest"), DESTINATION.into());
        }
    }
    for (round, on) in [("ring1", 1), ("ring2", 0)] {
        for end in ["endpoints", "mobile_client", "desktop_client", "web_client"] {
            settings.insert(format!("enb_{round}_{end}"), on.into());
        }
    }
    if status != "do_not_disturb" {
        settings.insert("ring_timeout".to_owned(), 30.into());
    }
    settings.insert("enb_ring_mobile".to_owned(), 0.into());
    settings.insert("dynamic_agent_action".to_owned(), "no_action".into());
    settings.insert("vm_greeting".to_owned(), "".into());
    settings
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    Inside,
    Outside,
}

/// Where a call goes that nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// The extension's own ends ring so long.
    Rings { seconds: i64 },
    /// Nothing rings; the call goes to this destination.
    Forwarded(String),
    /// Nothing rings, and there is nowhere to go.
    HungUp,
}

/// What the presence of an extension makes of a call. Nothing rings while it is not to be disturbed.
pub fn handle_call(extension: &Extension, caller: Caller) -> CallEnd {
    let settings = active(extension);
    let side = match caller {
        Caller::Inside => "in",
        Caller::Outside => "ex",
    };
    let is_on = |key: &str| settings.get(key).and_then(Value::as_i64) == Some(1);
    let forwarded = |case: &str| {
        let destination = settings.get(&format!("{side}_{case}_forward_dest"));
        let destination = destination.and_then(Value::as_str).unwrap_or_default();
        is_on(&format!("enb_{side}_{case}_forward")).then(|| CallEnd::Forwarded(destination.to_owned()))
    };
    if let Some(end) = forwarded("always") {
        return end;
    }
    let ends = ["endpoints", "mobile_client", "desktop_client", "web_client"];
    let rings = ends
        .iter()
        .any(|end| is_on(&format!("enb_ring1_{end}")) || is_on(&format!("enb_ring2_{end}")));
    if extension.presence_status == "do_not_disturb" || !rings {
        return forwarded("no_answer").unwrap_or(CallEnd::HungUp);
    }
    let seconds = settings.get("ring_timeout").and_then(Value::as_i64);
    CallEnd::Rings {
        seconds: seconds.unwrap_or_default(),
    }
}

/// Raises 30009 for a real change, if this extension is monitored.
pub fn announce(state: &mut State, before: &str, after: &Extension) {
    let repeats = state.settings.behaviour.same_presence_raises_event;
    if after.monitor.presence && (repeats || before != after.presence_status) {
        let message = json!({ "extension": after.number, "status": after.presence_status });
        state.emit(30_009, &message, true);
    }
}
