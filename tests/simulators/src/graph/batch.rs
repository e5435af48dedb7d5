//! `$batch`: the outer answer is 200 whenever the batch could be read; every inner request is charged,
//! refused and answered by itself.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::answer::ApiError;
use super::call::Call;

/// Most requests in one batch.
const MAXIMUM: usize = 20;

/// One request of a batch, or the refusal it gets without being tried.
pub struct Inner {
    pub id: String,
    pub depends_on: Vec<String>,
    pub call: Result<Call, ApiError>,
}

/// The requests in order, or why the whole batch is refused.
pub fn read(outer: &Call) -> Result<Vec<Inner>, ApiError> {
    let unreadable = || ApiError::bad_request("Unable to read JSON request payload.");
    let body: Value = serde_json::from_slice(&outer.body).map_err(|_| unreadable())?;
    let requests = body
        .get("requests")
        .and_then(Value::as_array)
        .ok_or_else(unreadable)?;
    if requests.is_empty() || requests.len() > MAXIMUM {
        let message = format!("Number of batch request steps must be between 1 and {MAXIMUM}.");
        return Err(ApiError::bad_request(message));
    }
    let inner: Vec<Inner> = requests
        .iter()
        .map(|one| read_one(outer, one))
        .collect::<Result<_, _>>()?;
    let ids: BTreeSet<&str> = inner.iter().map(|one| one.id.as_str()).collect();
    if ids.len() < inner.len() {
        return Err(ApiError::bad_request("Batch request ids must be unique."));
    }
    check_dependencies(&inner)?;
    Ok(inner)
}

fn read_one(outer: &Call, request: &Value) -> Result<Inner, ApiError> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let id = text("id")
        .ok_or_else(|| ApiError::bad_request("Every batch request needs an 'id'."))?
        .to_owned();
    let method = text("method").and_then(|name| Method::from_bytes(name.to_uppercase().as_bytes()).ok());
    let method = method.ok_or_else(|| ApiError::bad_request(format!("Request '{id}' needs a 'method'.")))?;
    let url = text("url").ok_or_else(|| ApiError::bad_request(format!("Request '{id}' needs a 'url'.")))?;
    let depends_on = request
        .get("dependsOn")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let depends_on = depends_on.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Inner {
        call: inner_call(outer, request, method, url),
        id,
        depends_on,
    })
}

fn inner_call(outer: &Call, request: &Value, method: Method, url: &str) -> Result<Call, ApiError> {
    let refused = |message: &str| Err(ApiError::bad_request(message));
    if url.contains("://") {
        return refused("The url of a batch request must be relative.");
    }
    let url = url.trim_start_matches('/');
    if url.starts_with("$batch") {
        return refused("A batch cannot contain a batch.");
    }
    let mut headers = HeaderMap::new();
    if let Some(token) = outer.headers.get("authorization") {
        headers.insert("authorization", token.clone());
    }
    for (name, value) in request
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    let body = request.get("body").filter(|body| !body.is_null());
    if body.is_some() && !headers.contains_key("content-type") {
        return refused("A batch request with a body needs a 'Content-Type' header.");
    }
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    Ok(Call::new(method, &format!("/v1.0/{url}"), headers, body))
}

/// Either nobody depends on anybody, or all form one chain.
fn check_dependencies(inner: &[Inner]) -> Result<(), ApiError> {
    if inner.iter().all(|one| one.depends_on.is_empty()) {
        return Ok(());
    }
    let mut before: Option<&str> = None;
    for one in inner {
        let wanted: Vec<&str> = before.into_iter().collect();
        if one.depends_on.iter().map(String::as_str).ne(wanted) {
            return Err(ApiError::bad_request(
                "With 'dependsOn', all requests must form one chain.",
            ));
        }
        before = Some(&one.id);
    }
    Ok(())
}

/// What becomes of one request when those it waits for ended like this.
pub fn failed_dependency(one: &Inner, statuses: &BTreeMap<String, u16>) -> Option<ApiError> {
    let failed = |id: &String| statuses.get(id).is_none_or(|status| *status >= 400);
    one.depends_on.iter().any(failed).then(|| {
        ApiError::new(
            424,
            "FailedDependency",
            "A request that this one depends on has failed.",
        )
    })
}

pub fn response(id: &str, answer: super::answer::Answer) -> Value {
    use super::answer::Payload;
    let mut headers: BTreeMap<String, String> = answer.headers.into_iter().collect();
    let body = match answer.payload {
        Payload::Json(value) => {
            headers.insert("Content-Type".into(), "application/json".into());
            value
        }
        Payload::Text(media_type, text) => {
            headers.insert("Content-Type".into(), media_type.into());
            json!(text)
        }
        Payload::Empty => Value::Null,
    };
    json!({ "id": id, "status": answer.status, "headers": headers, "body": body })
}
