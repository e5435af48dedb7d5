//! Request bodies: JSON alone, at most 1 MiB, unknown fields refused. A problem names the field by JSON pointer and what
//! would be right, and never repeats the value: it may be a secret.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use shared::domain::settings_check::FieldProblem;

use crate::by_name::ByName;
use crate::problem::{Kind, Problem};

/// Largest body: a settings document with every list full is a tenth of it.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A JSON body of a known shape.
pub struct JsonBody<T>(pub T);

/// A JSON body whose shape the handler judges.
pub struct AnyJson(pub Value);

/// A call that takes nothing: no body, or `{}`.
pub struct NoBody;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let AnyJson(value) = AnyJson::from_request(request, state).await?;
        read(value, "")
            .map(Self)
            .map_err(|problem| Problem::validation(vec![problem]))
    }
}

impl<S: Send + Sync> FromRequest<S> for AnyJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                "send the body with content-type: application/json",
            ));
        }
        parse(&whole(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = whole(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        let _: Nothing = read(parse(&bytes)?, "").map_err(|problem| Problem::validation(vec![problem]))?;
        Ok(Self)
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(Kind::TooLarge, "a body may have 1 MiB")
            } else {
                Problem::new(Kind::Malformed, "the body broke off")
            }
        })
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(
            Kind::Malformed,
            format!("the body is not JSON: look at line {line}, column {column}"),
        )
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a value that stands at the pointer `at` of the document.
pub fn read<T: DeserializeOwned>(value: Value, at: &str) -> Result<T, FieldProblem> {
    serde_path_to_error::deserialize(ByName(value))
        .map_err(|error| field_problem(at, error.path(), &error.inner().to_string()))
}

fn field_problem(at: &str, path: &Path, message: &str) -> FieldProblem {
    let mut pointer = format!("{at}{}", pointer(path));
    let detail = if let Some(name) = backticked(message, "missing field `") {
        push_key(&mut pointer, name);
        "is missing".to_owned()
    } else if let Some(name) = backticked(message, "unknown field `") {
        if last_key(path) != Some(name) {
            push_key(&mut pointer, name);
        }
        format!("is not a field of this document{}", wanted(message))
    } else if message.starts_with("invalid ") || message.starts_with("unknown ") {
        format!("has a wrong value{}", wanted(message))
    } else {
        message.to_owned()
    };
    FieldProblem::new(pointer, detail)
}

/// What was expected, without what was given: that may be a secret.
fn wanted(message: &str) -> String {
    message
        .rsplit_once(", expected ")
        .map(|(_, wanted)| format!(", expected {}", plain(&wanted.replace('`', ""))))
        .unwrap_or_default()
}

/// What JSON calls what the program has another name for.
fn plain(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        "string or map" => "a word or an object",
        "a map" | "map" => "an object",
        "a sequence" => "a list",
        _ if wanted.starts_with("struct ") => "an object",
        _ => wanted,
    }
}

fn backticked<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.split('`').next()
}

fn last_key(path: &Path) -> Option<&str> {
    match path.iter().next_back() {
        Some(Segment::Map { key }) => Some(key),
        _ => None,
    }
}

fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_key(&mut text, &index.to_string()),
            Segment::Map { key } => push_key(&mut text, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// Appends one reference token, escaped as RFC 6901 says.
pub fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Inner {
        size: u8,
    }

    fn problem(value: Value) -> (String, String) {
        let problem = read::<Outer>(value, "").unwrap_err();
        (problem.pointer, problem.detail)
    }

    #[test]
    fn the_pointer_leads_to_the_wrong_field() {
        let wrong_type = problem(json!({"name": "a", "inner": [{"size": 1}, {"size": "canary"}]}));
        assert_eq!(
            wrong_type,
            (
                "/inner/1/size".into(),
                "has a wrong value, expected a whole number".into()
            )
        );
        let missing = problem(json!({"name": "a", "inner": [{}]}));
        assert_eq!(missing, ("/inner/0/size".into(), "is missing".into()));
        let unknown = problem(json!({"name": "a", "inner": [], "ro/le": "admin"}));
        assert_eq!(unknown.0, "/ro~1le");
        let nested = problem(json!({"name": "a", "inner": [{"size": 1, "role": "admin"}]}));
        assert_eq!(nested.0, "/inner/0/role");
    }

    #[test]
    fn a_list_of_values_does_not_pass_for_named_fields() {
        let outer = problem(json!(["a", []]));
        assert_eq!(outer.0, "");
        let inner = problem(json!({"name": "a", "inner": [[1]]}));
        let object = "has a wrong value, expected an object";
        assert_eq!(inner, ("/inner/0".into(), object.into()));
        let list = problem(json!({"name": "a", "inner": {}}));
        assert_eq!(
            list,
            ("/inner".into(), "has a wrong value, expected a list".into())
        );
    }

    // case: 63
    #[test]
    fn a_problem_never_repeats_the_value() {
        for value in [
            json!("x, expected canary"),
            json!({"canary": 1}),
            json!(["canary"]),
            json!(true),
        ] {
            let (_, detail) = problem(json!({"name": value, "inner": [{"size": "canary"}]}));
            assert!(!detail.contains("canary"), "{detail}");
        }
    }
}
