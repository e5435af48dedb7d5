//! What every API call must pass before its handler sees it: transport rules, lock-outs, tokens, firmware.
//! A call that is refused here has changed nothing but the count of failed sign-ins.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::call::{Application, Call, as_id};
use super::endpoints::{self, Endpoint, Method};
use super::envelope::{Fields, Refusal, Reply, code};
use super::state::State;
use super::tokens;

/// An API call as the transport delivered it.
pub struct Arrival {
    /// The path below `/openapi/v1.0/`.
    pub endpoint: String,
    pub method: Method,
    pub source: IpAddr,
    /// A non-empty `User-Agent` was sent.
    pub named: bool,
    /// The body is said to be JSON.
    pub says_json: bool,
    pub query: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// Judges a call and carries it out.
pub fn answer(state: &mut State, arrival: &Arrival) -> Reply {
    let reply = admit(state, arrival).and_then(|()| route(state, arrival));
    let errcode = reply.as_ref().map_or_else(
        |refusal| refusal.errcode,
        |payload| {
            payload
                .get("errcode")
                .and_then(Value::as_i64)
                .unwrap_or(code::SUCCESS)
        },
    );
    *state.counters.answers.entry(errcode).or_default() += 1;
    reply
}

/// The rules that hold for every call, the WebSocket included.
pub fn admit(state: &State, arrival: &Arrival) -> Result<(), Refusal> {
    let behaviour = &state.settings.behaviour;
    if !arrival.named {
        return Err(Refusal::new(behaviour.missing_user_agent_errcode));
    }
    if !state.settings.api_enabled {
        return Err(Refusal::new(code::API_OFF));
    }
    let failures = state.failures.get(&arrival.source).copied().unwrap_or(0);
    if failures >= behaviour.failures_before_block {
        return Err(Refusal::new(code::IP_BLOCKED));
    }
    if behaviour
        .max_in_flight
        .is_some_and(|most| state.counters.in_flight > most)
    {
        return Err(Refusal::new(code::BUSY));
    }
    Ok(())
}

/// The application that the call's token speaks for.
pub fn authorize(state: &mut State, arrival: &Arrival) -> Result<Application, Refusal> {
    let token = arrival.query.get("access_token").map_or("", String::as_str);
    let application = state.tokens.application(token, state.clock.now());
    let application = application.ok_or(Refusal::new(code::TOKEN_EXPIRED))?;
    allowed(state, application, arrival.source)?;
    Ok(application)
}

fn route(state: &mut State, arrival: &Arrival) -> Reply {
    match (arrival.endpoint.as_str(), arrival.method) {
        ("get_token", Method::Post) => sign_in(state, arrival),
        ("refresh_token", Method::Post) => {
            let call = read_call(state, arrival)?;
            let application = tokens::refresh_application(state, &call).unwrap_or(Application::Api);
            allowed(state, application, arrival.source)?;
            tokens::refresh(state, &call)
        }
        (path, method) => {
            let endpoint = endpoints::lookup(path, method, &state.settings);
            let endpoint = endpoint.ok_or(Refusal::new(code::NO_INTERFACE))?;
            let application = authorize(state, arrival)?;
            permitted(state, application, endpoint)?;
            let call = read_call(state, arrival)?;
            carry_out(state, endpoint, &call)
        }
    }
}

fn sign_in(state: &mut State, arrival: &Arrival) -> Reply {
    let call = read_call(state, arrival)?;
    let holder = tokens::credentials_of(state, &call)?;
    allowed(state, holder.unwrap_or(Application::Api), arrival.source)?;
    let Some(application) = holder else {
        fail(state, arrival.source);
        return Err(Refusal::new(state.settings.behaviour.wrong_credentials_errcode));
    };
    let reply = tokens::get(state, application);
    if reply.is_ok() && state.settings.behaviour.success_clears_failures {
        state.failures.remove(&arrival.source);
    }
    reply
}

fn fail(state: &mut State, source: IpAddr) {
    *state.failures.entry(source).or_default() += 1;
}

fn allowed(state: &mut State, application: Application, source: IpAddr) -> Result<(), Refusal> {
    if state
        .allow_list(application)
        .is_none_or(|list| list.contains(&source))
    {
        return Ok(());
    }
    if state.settings.behaviour.forbidden_calls_count_as_failures {
        fail(state, source);
    }
    Err(Refusal::new(code::IP_FORBIDDEN))
}

/// Which application may call what: signatures are for the SDK's, everything else for the API's.
fn permitted(state: &State, application: Application, endpoint: &Endpoint) -> Result<(), Refusal> {
    let behaviour = &state.settings.behaviour;
    let may = match (application, endpoint.path) {
        (Application::Api, "sign/create") => behaviour.api_token_may_sign,
        (Application::Api, _) | (Application::Sdk, "del_token" | "sign/create") => true,
        (Application::Sdk, _) => behaviour.sdk_token_may_call_api,
    };
    if may {
        Ok(())
    } else {
        Err(Refusal::new(code::ACCESS_DENIED))
    }
}

fn carry_out(state: &mut State, endpoint: &'static Endpoint, call: &Call) -> Reply {
    state.hub.muted = !state.settings.behaviour.api_changes_raise_events;
    let reply = (endpoint.handler)(state, call);
    state.hub.muted = false;
    let reply = reply?;
    if endpoint.writes {
        let id = reply.get("id").or_else(|| call.body.get("id")).and_then(as_id);
        state.record_write(endpoint.path, id.or_else(|| call.query_id().ok()));
    }
    Ok(reply)
}

fn read_call(state: &State, arrival: &Arrival) -> Result<Call, Refusal> {
    let mut query = arrival.query.clone();
    if !arrival.endpoint.ends_with("/search") {
        query.remove("search_value");
    }
    if arrival.method == Method::Get {
        return Ok(Call {
            query,
            ..Call::default()
        });
    }
    match state.settings.behaviour.missing_content_type_errcode {
        Some(errcode) if !arrival.says_json => Err(Refusal::new(errcode)),
        _ => Ok(Call {
            query,
            body: decode(&arrival.body)?,
            portal: false,
        }),
    }
}

/// Reads a JSON object, or complains in the decoder's words.
fn decode(body: &[u8]) -> Result<Fields, Refusal> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => {
            let kind = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Number(_) => "number",
                _ => "value",
            };
            Err(Refusal::undecodable(&format!(
                "json: cannot unmarshal {kind} into Go value of type map"
            )))
        }
        Err(_) if body.is_empty() => Err(Refusal::undecodable("EOF")),
        Err(error) if error.is_eof() => Err(Refusal::undecodable("unexpected end of JSON input")),
        Err(error) => {
            let line = body
                .split(|byte| *byte == b'\n')
                .nth(error.line().saturating_sub(1))
                .unwrap_or_default();
            let found = line
                .get(error.column().saturating_sub(1))
                .copied()
                .map_or('?', char::from);
            let words = format!("invalid character '{found}' looking for beginning of value");
            Err(Refusal::undecodable(&words))
        }
    }
}
