//! The one JSON object every API answer is: `errcode`, `errmsg` and the payload beside them.
//! An API-level outcome always travels with HTTP status 200.

use serde_json::{Map, Value, json};

/// The keys of a JSON object.
pub type Fields = Map<String, Value>;

/// What a call answers: the payload beside the envelope, or why it was refused.
pub type Reply = Result<Fields, Refusal>;

/// The numbers of the error table that the simulator gives out.
pub mod code {
    pub const SERVER_ERROR: i64 = -2;
    pub const FAILURE: i64 = -1;
    pub const SUCCESS: i64 = 0;
    pub const PARTIAL: i64 = 1;
    pub const NO_INTERFACE: i64 = 10_001;
    pub const VERSION_UNSUPPORTED: i64 = 10_003;
    pub const TOKEN_EXPIRED: i64 = 10_004;
    pub const ACCESS_DENIED: i64 = 10_005;
    pub const SYNTAX: i64 = 40_001;
    pub const PARAMETER: i64 = 40_002;
    pub const DUPLICATE: i64 = 40_003;
    pub const NOT_FOUND: i64 = 60_001;
    pub const LIMIT: i64 = 60_002;
    pub const NO_ROLE: i64 = 60_101;
    pub const IP_BLOCKED: i64 = 70_004;
    pub const BUSY: i64 = 70_082;
    pub const FORBIDDEN: i64 = 70_084;
    pub const IP_FORBIDDEN: i64 = 70_087;
    pub const REFERENCED: i64 = 70_091;
    pub const NO_PHONEBOOK: i64 = 70_093;
    pub const ORGANIZATION_OFF: i64 = 70_120;
    pub const API_OFF: i64 = 70_123;
    pub const NO_CONTACT: i64 = 70_128;
}

/// The upper-case text that goes with a number.
pub fn message(errcode: i64) -> &'static str {
    match errcode {
        code::SERVER_ERROR => "INTERNAL SERVER ERROR",
        code::SUCCESS => "SUCCESS",
        code::PARTIAL => "PARTIAL SUCCESS",
        2 => "PROCESSING",
        code::NO_INTERFACE => "INTERFACE NOT EXISTED",
        10_002 => "API VERSION OUT OF MAINTENANCE",
        code::VERSION_UNSUPPORTED => "API VERSION UNSUPPORTED",
        code::TOKEN_EXPIRED => "TOKEN EXPIRED",
        code::ACCESS_DENIED => "ACCESS DENIED",
        10_009 => "OPERATION FAILED",
        code::SYNTAX => "PARAMETER SYNTAX ERROR",
        code::PARAMETER => "PARAMETER ERROR",
        code::DUPLICATE => "DUPLICATE KEY VALUE",
        40_004 => "FILE SIZE EXCEEDED",
        code::NOT_FOUND => "DATA NOT FOUND",
        code::LIMIT => "MAX LIMITATION EXCEEDED",
        code::NO_ROLE => "ROLE NOT EXISTED",
        code::IP_BLOCKED => "ACCOUNT IP BLOCKED",
        code::BUSY => "OVERLOAD_TASK_RUNNING",
        code::FORBIDDEN => "ACTION FORBIDDEN",
        code::IP_FORBIDDEN => "IP FORBIDDEN",
        code::REFERENCED => "CONNECTION_RELATION_EXISTED",
        code::NO_PHONEBOOK => "PHONEBOOK_NOT_EXISTED",
        code::ORGANIZATION_OFF => "ORGANIZATION DISABLED",
        code::API_OFF => "API UNAVAILABLE",
        code::NO_CONTACT => "CONTACTS_NOT_EXISTED",
        _ => "FAILURE",
    }
}

/// A refusal and the parameters it blames.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The number of the error table.
    pub errcode: i64,
    /// The elements of `invalid_param_list`; empty leaves the key out.
    pub invalid: Vec<Value>,
}

impl Refusal {
    /// A refusal that blames no parameter.
    pub fn new(errcode: i64) -> Self {
        Self {
            errcode,
            invalid: Vec::new(),
        }
    }

    /// A refusal that names the parameters at fault.
    pub fn naming<'a>(errcode: i64, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let blame = |key: &str| json!({ "key": key, "value": format!("The parameter {key} is invalid.") });
        Self {
            errcode,
            invalid: keys.into_iter().map(blame).collect(),
        }
    }

    /// 40002 for one parameter.
    pub fn parameter(key: &str) -> Self {
        Self::naming(code::PARAMETER, [key])
    }

    /// What a body that is no JSON object brings: a server fault with the decoder's words.
    pub fn undecodable(words: &str) -> Self {
        Self {
            errcode: code::SERVER_ERROR,
            invalid: vec![json!({ "value": words })],
        }
    }
}

/// A payload of the given keys.
pub fn fields<const N: usize>(entries: [(&str, Value); N]) -> Fields {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The bare envelope of success.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is the last expression of handlers, which may refuse"
)]
pub fn done() -> Reply {
    Ok(Fields::new())
}

/// The whole answer. A payload may carry its own `errcode` (partial success).
pub fn envelope(reply: &Reply) -> Value {
    let mut answer = match reply {
        Ok(payload) => payload.clone(),
        Err(refusal) if refusal.invalid.is_empty() => Fields::new(),
        Err(refusal) => fields([("invalid_param_list", refusal.invalid.clone().into())]),
    };
    let errcode = match reply {
        Ok(payload) => payload
            .get("errcode")
            .and_then(Value::as_i64)
            .unwrap_or(code::SUCCESS),
        Err(refusal) => refusal.errcode,
    };
    answer.insert("errcode".to_owned(), errcode.into());
    answer.insert("errmsg".to_owned(), message(errcode).into());
    Value::Object(answer)
}
