//! What goes back to the client, and the error format of the Graph host. An error is turned into JSON
//! only when the identifiers of the request are known, so no handler can forget them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::behaviour::InnerErrorSpelling;

/// The media type with every parameter the service sends.
pub const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                              IEEE754Compatible=false;charset=utf-8";

#[derive(Clone, Debug)]
pub enum Payload {
    Json(Value),
    Text(&'static str, String),
    Empty,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub payload: Payload,
}

impl Answer {
    pub fn json(value: Value) -> Self {
        Self::with_status(200, value)
    }

    pub fn with_status(status: u16, value: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            payload: Payload::Json(value),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            payload: Payload::Empty,
        }
    }

    pub fn text(status: u16, media_type: &'static str, text: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            payload: Payload::Text(media_type, text),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A refusal of the Graph host.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub headers: Vec<(String, String)>,
}

impl ApiError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn directory_bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub fn denied() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    /// As the service behind Teams says it: its codes are the plain words of the status.
    #[must_use]
    pub fn in_plain_words(mut self) -> Self {
        match self.status {
            401 => "Unauthorized".clone_into(&mut self.code),
            403 => "Forbidden".clone_into(&mut self.code),
            _ => {}
        }
        self
    }

    pub fn unauthenticated(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message).header(
            "WWW-Authenticate",
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             client_id=\"00000003-0000-0000-c000-000000000000\"",
        )
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn into_answer(self, ids: &RequestIds) -> Answer {
        let mut inner = Map::new();
        if self.status == 429 {
            inner.insert("code".into(), json!("429"));
        }
        inner.insert("date".into(), json!(ids.date()));
        inner.insert("request-id".into(), json!(ids.request));
        inner.insert("client-request-id".into(), json!(ids.client));
        let spelling = match ids.spelling {
            InnerErrorSpelling::Lower => "innererror",
            InnerErrorSpelling::Upper | InnerErrorSpelling::Alternate => "innerError",
        };
        let body = json!({ "error": { "code": self.code, "message": self.message, spelling: inner } });
        Answer {
            status: self.status,
            headers: self.headers,
            payload: Payload::Json(body),
        }
    }
}

/// What every answer of the Graph host names.
#[derive(Clone, Debug)]
pub struct RequestIds {
    pub request: String,
    pub client: String,
    pub at: Timestamp,
    /// Already decided for this answer: `Alternate` has become one of the two.
    pub spelling: InnerErrorSpelling,
}

impl RequestIds {
    fn date(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }
}
