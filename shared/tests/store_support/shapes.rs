//! The table's protocol as far as a wire has to speak it: answers that refuse or leave something undone, and what a request
//! says it writes.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

fn typed(code: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{code}")
}

/// A call that was not let through.
pub fn refused(code: &str) -> Response {
    response(400, &json!({ "__type": typed(code), "message": "later" }))
}

/// A transaction that did not take place, with a reason for each item.
pub fn cancelled(reasons: &[&str]) -> Response {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
    response(
        400,
        &json!({
            "__type": typed("TransactionCanceledException"),
            "Message": "Transaction cancelled",
            "CancellationReasons": reasons,
        }),
    )
}

/// The member of an answer that names what was left undone.
pub fn hand_back(call: &str) -> &'static str {
    match call {
        "BatchGetItem" => "UnprocessedKeys",
        "BatchWriteItem" => "UnprocessedItems",
        _ => panic!("{call} hands nothing back"),
    }
}

/// Nothing of many items was served.
pub fn undone(call: &str, all: Value) -> Response {
    let mut body = json!({ "Responses": {} });
    body[hand_back(call)] = all;
    response(200, &body)
}

/// Leaves the first `served` of the one table's requests and returns the rest, in the same shape.
pub fn split_off(items: &mut Value, served: usize) -> Value {
    let (table, requests) = items.as_object_mut().unwrap().iter_mut().next().unwrap();
    let mut rest = requests.clone();
    list_of(requests).truncate(served);
    let left = list_of(&mut rest);
    left.drain(..served.min(left.len()));
    if left.is_empty() {
        return Value::Null;
    }
    json!({ table: rest })
}

/// Writes stand in a list; keys stand in one beside what is wanted of them.
fn list_of(requests: &mut Value) -> &mut Vec<Value> {
    let list = if requests.is_object() {
        &mut requests["Keys"]
    } else {
        requests
    };
    list.as_array_mut().unwrap()
}

/// Keys of the items that a request puts, updates or deletes, however it succeeds; a condition check writes nothing.
pub fn places_written(asked: &Value) -> Vec<String> {
    let Some(items) = asked["TransactItems"].as_array() else {
        let is_write = asked["Item"].is_object() || asked["UpdateExpression"].is_string();
        return is_write.then(|| place(asked)).into_iter().collect();
    };
    let mut places = Vec::new();
    for item in items {
        let writes = ["Put", "Update", "Delete"].map(|kind| &item[kind]);
        places.extend(writes.into_iter().filter(|write| write.is_object()).map(place));
    }
    places
}

fn place(write: &Value) -> String {
    let key = write.get("Item").unwrap_or(&write["Key"]);
    format!("{} {}", key["pk"]["S"], key["sk"]["S"])
}

/// Of one table or several.
pub fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or(0.0),
    }
}

/// As the table speaks.
pub fn response(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Body::from(body.to_string()))
        .unwrap()
}
