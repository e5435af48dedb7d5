//! What was asked of the simulator. Bodies and headers are not kept, so no credential can be in it.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use uuid::Uuid;

use super::call::Call;

/// Oldest entries go first beyond this.
const KEPT: usize = 10_000;

#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    pub number: u64,
    pub at: String,
    pub method: String,
    pub path: String,
    /// Decoded; values of options that could carry a credential are blanked.
    pub query: Vec<(String, String)>,
    pub status: u16,
    pub tenant: Option<String>,
    pub app: Option<String>,
    /// Whether it came inside a batch.
    pub in_batch: bool,
}

#[derive(Default)]
pub struct RequestLog {
    pub entries: VecDeque<LoggedRequest>,
    /// By method and path with ids replaced.
    pub counts: BTreeMap<String, u64>,
    number: u64,
}

const SECRET_OPTIONS: [&str; 5] = [
    "client_secret",
    "code",
    "access_token",
    "refresh_token",
    "client_assertion",
];

impl RequestLog {
    pub fn add(&mut self, call: &Call, mut entry: LoggedRequest) {
        self.number += 1;
        entry.number = self.number;
        entry.query = call
            .query
            .iter()
            .map(|(name, value)| (name.clone(), shown(name, value)))
            .collect();
        *self
            .counts
            .entry(format!("{} {}", call.method, pattern(&call.path)))
            .or_default() += 1;
        self.entries.push_back(entry);
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}

fn shown(name: &str, value: &str) -> String {
    if SECRET_OPTIONS.contains(&name) {
        "[redacted]".to_owned()
    } else {
        value.to_owned()
    }
}

fn pattern(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let is_id = Uuid::parse_str(part).is_ok() || part.contains('@') || part.contains("%40");
        if is_id { "{id}" } else { part }
    });
    parts.collect::<Vec<_>>().join("/")
}
