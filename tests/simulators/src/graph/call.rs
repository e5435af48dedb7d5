//! One request as both hosts see it, decoded once. The path is kept in decoded segments with the
//! `OData` spellings (`users('x')`, `delta()`) already brought to one form.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

/// A request, whether it came over a socket or inside a batch.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// As sent, without the query.
    pub path: String,
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    pub fn new(method: Method, path_and_query: &str, headers: HeaderMap, body: Vec<u8>) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self {
            method,
            path: path.to_owned(),
            segments: segments(path),
            query,
            headers,
            body,
        }
    }

    /// The value of a query option; names compare without case and without the `$`.
    pub fn option(&self, name: &str) -> Option<&str> {
        let wanted = name.trim_start_matches('$');
        self.query
            .iter()
            .find(|(key, _)| key.trim_start_matches('$').eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether `ConsistencyLevel: eventual` was sent.
    pub fn eventual(&self) -> bool {
        self.header("consistencylevel")
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }

    pub fn counts(&self) -> bool {
        self.option("$count")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Both conditions of an advanced query.
    pub fn advanced(&self) -> bool {
        self.eventual() && self.counts()
    }

    pub fn prefers(&self, preference: &str) -> bool {
        self.headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(preference))
    }
}

fn segments(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for raw in path.split('/').filter(|part| !part.is_empty()) {
        let part = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        split_keys(part, &mut out);
    }
    out
}

/// `users('x')` is `users`, `x`; `microsoft.graph.delta()` is `delta`; a named key stays as it is.
fn split_keys(part: String, out: &mut Vec<String>) {
    let Some((name, key)) = part.strip_suffix(')').and_then(|open| open.split_once('(')) else {
        out.push(part);
        return;
    };
    let name = name.strip_prefix("microsoft.graph.").unwrap_or(name);
    out.push(name.to_owned());
    if let Some(literal) = key.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        out.push(literal.replace("''", "'"));
    } else if !key.is_empty() {
        out.push(key.to_owned());
    }
}
