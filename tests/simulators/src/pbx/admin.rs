//! `/_sim`: the same powers as [`Pbx`], over HTTP. It is no part of the simulated product: no token, no
//! faults, no counters.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Pbx;
use super::config::{KeyPair, Settings};
use super::envelope::{Fields, Refusal, code, envelope};
use super::extension::Monitor;
use super::faults::Fault;
use super::hub::WebhookMethod;
use super::presence;

type Shared = State<Arc<Pbx>>;

/// Every route, for `GET /_sim`.
const ROUTES: [(&str, &str); 25] = [
    ("GET /_sim/state", "settings, counts, time, sockets"),
    ("GET /_sim/extensions", "all extensions"),
    (
        "POST /_sim/extensions",
        "add one as the portal does; keys as in extension/create, all optional",
    ),
    (
        "PATCH /_sim/extensions/{number}",
        "change fields as the portal does; custom_presence_status too",
    ),
    (
        "DELETE /_sim/extensions/{number}",
        "delete one as the portal does",
    ),
    (
        "PUT /_sim/extensions/{number}/monitor",
        "{registration, call, presence}: event switches",
    ),
    (
        "GET /_sim/extensions/{number}/call/inside|outside",
        "where a call to it goes, as its presence has it",
    ),
    ("GET /_sim/contacts", "all company contacts by id"),
    ("GET /_sim/phonebooks", "all phonebooks by id"),
    ("GET /_sim/groups", "all extension groups by id"),
    ("GET /_sim/organizations", "all organizations by id"),
    (
        "POST /_sim/portal/{endpoint}",
        "do what an endpoint does, in the portal: no token, any firmware",
    ),
    ("GET /_sim/outbox", "mails sent"),
    (
        "GET /_sim/requests",
        "calls per endpoint, answers per errcode, most in flight",
    ),
    ("GET /_sim/writes", "changes made through the API"),
    ("POST /_sim/reset-counters", "forget requests and writes"),
    ("POST /_sim/clock/advance", "{seconds}"),
    ("POST /_sim/unblock", "take every address off the block list"),
    ("POST /_sim/tokens/revoke", "end every token"),
    (
        "PUT /_sim/credentials",
        "{id, secret} of the API application; ends every token",
    ),
    (
        "PATCH /_sim/settings",
        "any of the keys of GET /_sim/state .settings, behaviour key by key",
    ),
    (
        "GET, POST, DELETE /_sim/faults",
        "script: {match, skip, times, kind:{type,...}} or a list of them",
    ),
    (
        "GET, POST /_sim/webhooks",
        "{url, method, events}; the answer holds the secret",
    ),
    ("POST /_sim/webhooks/{id}/test", "send a test message"),
    (
        "GET /_sim/signatures/{sign}",
        "the extension number a login signature lets in",
    ),
];

/// The routes below `/_sim`.
pub fn router() -> Router<Arc<Pbx>> {
    Router::new()
        .route("/", get(document))
        .route("/state", get(state))
        .route("/extensions", get(list_extensions).post(add_extension))
        .route(
            "/extensions/{number}",
            patch(edit_extension).delete(delete_extension),
        )
        .route("/extensions/{number}/monitor", put(set_monitor))
        .route("/extensions/{number}/call/{caller}", get(call_extension))
        .route("/contacts", get(async |pbx: Shared| by_id(pbx.0.contacts())))
        .route("/phonebooks", get(async |pbx: Shared| by_id(pbx.0.phonebooks())))
        .route("/groups", get(async |pbx: Shared| by_id(pbx.0.groups())))
        .route(
            "/organizations",
            get(async |pbx: Shared| by_id(pbx.0.organizations())),
        )
        .route("/portal/{*endpoint}", post(portal))
        .route("/outbox", get(async |pbx: Shared| Json(pbx.0.outbox())))
        .route("/requests", get(requests))
        .route("/writes", get(async |pbx: Shared| Json(pbx.0.writes())))
        .route(
            "/reset-counters",
            post(async |pbx: Shared| done(&pbx, Pbx::reset_counters)),
        )
        .route("/clock/advance", post(advance))
        .route("/unblock", post(async |pbx: Shared| done(&pbx, Pbx::unblock)))
        .route(
            "/tokens/revoke",
            post(async |pbx: Shared| done(&pbx, Pbx::revoke_tokens)),
        )
        .route("/credentials", put(set_credentials))
        .route("/settings", patch(change_settings))
        .route("/faults", get(list_faults).post(add_faults).delete(clear_faults))
        .route("/webhooks", get(list_webhooks).post(add_webhook))
        .route("/webhooks/{id}/test", post(test_webhook))
        .route("/signatures/{sign}", get(signature))
}

async fn document() -> Json<Value> {
    let routes = ROUTES
        .iter()
        .map(|(route, text)| json!({ "route": route, "text": text }));
    Json(json!({ "routes": routes.collect::<Vec<_>>() }))
}

async fn state(State(pbx): Shared) -> Json<Value> {
    let state = pbx.lock();
    Json(json!({
        "settings": state.settings,
        "now": state.clock.now(),
        "extensions": state.extensions.len(),
        "groups": state.groups.rows.len(),
        "organizations": state.organizations.rows.len(),
        "contacts": state.contacts.rows.len(),
        "phonebooks": state.phonebooks.rows.len(),
        "sockets": state.hub.subscribers(),
        "failed_sign_ins": state.failures,
    }))
}

async fn list_extensions(State(pbx): Shared) -> Response {
    Json(pbx.extensions()).into_response()
}

async fn add_extension(State(pbx): Shared, Json(body): Json<Fields>) -> Response {
    answer(pbx.portal("extension/create", body))
}

async fn edit_extension(
    State(pbx): Shared,
    Path(number): Path<String>,
    Json(mut body): Json<Fields>,
) -> Response {
    let custom = body.remove("custom_presence_status");
    let edited =
        pbx.edit_extension(&number, body)
            .and_then(|()| match custom.as_ref().and_then(Value::as_str) {
                Some(text) => pbx.set_custom_presence(&number, text),
                None => Ok(()),
            });
    answer(edited.map(|()| json!({})))
}

async fn delete_extension(State(pbx): Shared, Path(number): Path<String>) -> Response {
    answer(pbx.delete_extension(&number).map(|()| json!({})))
}

async fn call_extension(
    State(pbx): Shared,
    Path((number, caller)): Path<(String, presence::Caller)>,
) -> Response {
    let end = pbx.call(&number, caller);
    answer(end.map(|end| json!(end)).ok_or(Refusal::new(code::NOT_FOUND)))
}

#[derive(Deserialize)]
struct MonitorBody {
    registration: bool,
    call: bool,
    presence: bool,
}

async fn set_monitor(
    State(pbx): Shared,
    Path(number): Path<String>,
    Json(body): Json<MonitorBody>,
) -> Response {
    let monitor = Monitor {
        registration: body.registration,
        call: body.call,
        presence: body.presence,
    };
    answer(pbx.set_monitor(&number, monitor).map(|()| json!({})))
}

async fn portal(State(pbx): Shared, Path(endpoint): Path<String>, Json(body): Json<Fields>) -> Response {
    answer(pbx.portal(&endpoint, body))
}

async fn requests(State(pbx): Shared) -> Json<Value> {
    let counters = pbx.counters();
    Json(json!({
        "requests": counters.requests,
        "answers": counters.answers,
        "in_flight_peak": counters.in_flight_peak,
        "writes": counters.writes.len(),
    }))
}

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

async fn advance(State(pbx): Shared, Json(body): Json<Advance>) -> Json<Value> {
    pbx.clock().advance(Duration::from_secs(body.seconds));
    Json(json!({ "now": pbx.clock().now() }))
}

async fn set_credentials(State(pbx): Shared, Json(pair): Json<KeyPair>) -> StatusCode {
    pbx.set_api_credentials(pair);
    StatusCode::NO_CONTENT
}

/// Keys that are not sent keep their value, inside `behaviour` too.
async fn change_settings(State(pbx): Shared, Json(changes): Json<Fields>) -> Response {
    let mut merged = json!(pbx.settings());
    merge(&mut merged, Value::Object(changes));
    match serde_json::from_value::<Settings>(merged) {
        Ok(settings) => {
            pbx.change_settings(|current| *current = settings);
            Json(json!(pbx.settings())).into_response()
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}

fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, changes) => *target = changes,
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FaultBody {
    One(Fault),
    Many(Vec<Fault>),
}

async fn list_faults(State(pbx): Shared) -> Json<Vec<Fault>> {
    Json(pbx.faults())
}

async fn add_faults(State(pbx): Shared, Json(body): Json<FaultBody>) -> StatusCode {
    let faults = match body {
        FaultBody::One(fault) => vec![fault],
        FaultBody::Many(faults) => faults,
    };
    for fault in faults {
        pbx.fault(fault);
    }
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(pbx): Shared) -> StatusCode {
    done(&pbx, Pbx::clear_faults)
}

#[derive(Deserialize)]
struct WebhookBody {
    url: String,
    method: WebhookMethod,
    events: Option<Vec<u32>>,
}

async fn list_webhooks(State(pbx): Shared) -> Json<Value> {
    let state = pbx.lock();
    Json(json!({ "webhooks": state.hub.webhooks, "delivered": state.hub.delivered }))
}

async fn add_webhook(State(pbx): Shared, Json(body): Json<WebhookBody>) -> Response {
    match pbx.add_webhook(&body.url, body.method, body.events) {
        Some((id, secret)) => Json(json!({ "id": id, "secret": secret })).into_response(),
        None => StatusCode::CONFLICT.into_response(),
    }
}

async fn test_webhook(State(pbx): Shared, Path(id): Path<u32>) -> StatusCode {
    if pbx.test_webhook(id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn signature(State(pbx): Shared, Path(sign): Path<String>) -> Response {
    match pbx.sign_opens(&sign) {
        Some(number) => Json(json!({ "number": number })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A refusal is a conflict here, with the envelope the API would have answered.
fn answer(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => (StatusCode::CONFLICT, Json(envelope(&Err(refusal)))).into_response(),
    }
}

fn done(pbx: &Pbx, change: fn(&Pbx)) -> StatusCode {
    change(pbx);
    StatusCode::NO_CONTENT
}

fn by_id<T: Serialize>(rows: Vec<(u32, T)>) -> Json<Value> {
    let rows = rows.into_iter().map(|(id, row)| json!({ "id": id, "row": row }));
    Json(rows.collect())
}
