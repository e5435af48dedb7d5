//! What one request to the table reads or writes, told from its target and body. Conditions alone write nothing.

use serde_json::Value;

/// What went to the table.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TableCounts {
    /// Requests that read.
    pub reads: u64,
    /// What they took, as the table itself counts it.
    pub read_units: f64,
    /// Requests that write.
    pub writes: u64,
    /// Items put, updated or deleted.
    pub items_written: u64,
    /// Write units of items up to a kilobyte: two for each place of a transaction, one for any other item.
    pub write_units: u64,
}

impl TableCounts {
    /// Takes one request in.
    pub fn add(&mut self, target: &str, body: &[u8]) {
        let call = target.rsplit('.').next().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match call {
            "PutItem" | "UpdateItem" | "DeleteItem" => self.wrote(1, 1),
            "BatchWriteItem" => {
                let items = body["RequestItems"]
                    .as_object()
                    .map_or(0, |tables| tables.values().map(places).sum());
                self.wrote(items, items);
            }
            "TransactWriteItems" => {
                let all = &body["TransactItems"];
                let conditions = all.as_array().map_or(0, |items| {
                    items
                        .iter()
                        .filter(|item| item.get("ConditionCheck").is_some())
                        .count()
                });
                self.wrote(places(all) - conditions as u64, places(all) * 2);
            }
            _ => self.reads += 1,
        }
    }

    /// Takes an answer in.
    pub fn add_answer(&mut self, target: &str, body: &[u8]) {
        if is_read(target) {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            self.read_units += units(&body["ConsumedCapacity"]);
        }
    }

    fn wrote(&mut self, items: u64, units: u64) {
        self.writes += 1;
        self.items_written += items;
        self.write_units += units;
    }
}

/// The same request, with the wish to be told what it takes.
pub fn asking_for_units(target: &str, body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut body)) if is_read(target) => {
            body.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
            Value::Object(body).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

fn is_read(target: &str) -> bool {
    let call = target.rsplit('.').next().unwrap_or_default();
    ["GetItem", "BatchGetItem", "Query"].contains(&call)
}

/// One table's, or several tables'.
fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        one => one["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}

fn places(list: &Value) -> u64 {
    list.as_array().map_or(0, |items| items.len() as u64)
}
