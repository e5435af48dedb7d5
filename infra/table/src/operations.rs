//! DynamoDB's protocol for the operations that this product and its tests use, and no others. What an operation means,
//! and how it fails, is the engine's: its statuses and its errors go out as they are.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What DynamoDB takes at most.
const MOST_BYTES: usize = 16 * 1024 * 1024;
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

/// How the engine marks what is refused while it is read although it can be read.
const INVALID: [&str; 2] = ["VALIDATION:", "VALIDATION_REQUEST:"];

/// The one route there is.
pub fn router(database: Database) -> Router {
    Router::new()
        .route("/", post(answer))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(database)
}

/// An error in DynamoDB's shape.
pub fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({
        "__type": format!("com.amazon.coral.service#{code}"),
        "message": message,
    });
    response(status, body.to_string())
}

fn response(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

/// An operation runs to its end on this thread: the engine does one at a time, each within a millisecond or so.
async fn answer(State(database): State<Database>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix(TARGET_PREFIX));
    match operation.and_then(|operation| run(&database, operation, &body)) {
        Some(Ok(done)) => response(StatusCode::OK, done),
        Some(Err(error)) => {
            let status =
                StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, error.to_json())
        }
        None => refusal(
            StatusCode::BAD_REQUEST,
            "UnknownOperationException",
            "There is no such operation here.",
        ),
    }
}

/// Nothing where the operation is none of these.
fn run(database: &Database, operation: &str, body: &[u8]) -> Option<Result<String, DynoxideError>> {
    let done = match operation {
        "CreateTable" => carry(body, |asked| database.create_table(asked)),
        "DescribeTable" => carry(body, |asked| database.describe_table(asked)),
        "UpdateTimeToLive" => carry(body, |asked| database.update_time_to_live(asked)),
        "DescribeTimeToLive" => carry(body, |asked| database.describe_time_to_live(asked)),
        "GetItem" => carry(body, |asked| database.get_item(asked)),
        "PutItem" => carry(body, |asked| database.put_item(asked)),
        "UpdateItem" => carry(body, |asked| database.update_item(asked)),
        "DeleteItem" => carry(body, |asked| database.delete_item(asked)),
        "BatchGetItem" => carry(body, |asked| database.batch_get_item(asked)),
        "BatchWriteItem" => carry(body, |asked| database.batch_write_item(asked)),
        "TransactWriteItems" => carry(body, |asked| database.transact_write_items(asked)),
        "Query" => carry(body, |asked| database.query(asked)),
        // Tests alone look at everything there is.
        "Scan" => carry(body, |asked| database.scan(asked)),
        _ => return None,
    };
    Some(done)
}

fn carry<Asked, Told>(
    body: &[u8],
    work: impl FnOnce(Asked) -> Result<Told, DynoxideError>,
) -> Result<String, DynoxideError>
where
    Asked: DeserializeOwned,
    Told: Serialize,
{
    let asked = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let told = work(asked)?;
    serde_json::to_string(&told).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    match INVALID.iter().find_map(|mark| text.strip_prefix(mark)) {
        Some(wrong) => DynoxideError::ValidationException(wrong.to_owned()),
        None => DynoxideError::SerializationException(text),
    }
}
