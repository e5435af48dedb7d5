//! What can go wrong in one call, and what it means to a caller. The one rule here: a fault of a write that the PBX
//! may have seen becomes `OutcomeUnknown`, any other tells for certain that nothing was carried out.

use std::error::Error;

use serde_json::Value;

use super::address::AddressRefused;
use super::wire::Envelope;
use crate::ports::{PhoneSystemError, ShutProblem};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The codes that decide something here; every other one is permanent.
pub(super) mod code {
    pub(in crate::pbx) const INTERNAL: i64 = -2;
    pub(in crate::pbx) const SUCCESS: i64 = 0;
    pub(in crate::pbx) const PARTIAL: i64 = 1;
    pub(in crate::pbx) const PROCESSING: i64 = 2;
    pub(in crate::pbx) const NO_SUCH_CALL: i64 = 10001;
    pub(in crate::pbx) const TOKEN_EXPIRED: i64 = 10004;
    pub(in crate::pbx) const ACCESS_DENIED: i64 = 10005;
    pub(in crate::pbx) const FEATURE_OFF: i64 = 10009;
    pub(in crate::pbx) const PARAMETER: i64 = 40002;
    pub(in crate::pbx) const DUPLICATE: i64 = 40003;
    pub(in crate::pbx) const NOT_FOUND: i64 = 60001;
    pub(in crate::pbx) const LIMIT: i64 = 60002;
    pub(in crate::pbx) const NO_SUCH_ROLE: i64 = 60101;
    pub(in crate::pbx) const ADDRESS_BLOCKED: i64 = 70004;
    pub(in crate::pbx) const BUSY: i64 = 70082;
    pub(in crate::pbx) const REFERENCED: i64 = 70091;
    pub(in crate::pbx) const NO_PHONEBOOK: i64 = 70093;
    pub(in crate::pbx) const NO_CONTACT: i64 = 70128;
    pub(in crate::pbx) const ADDRESS_FORBIDDEN: i64 = 70087;
    pub(in crate::pbx) const ORGANIZATION_OFF: i64 = 70120;
    pub(in crate::pbx) const API_OFF: i64 = 70123;
}

/// Whether a call changes something on the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Read,
    Write,
}

/// A refusal in the PBX's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    /// The key it blames, where it names one.
    pub(super) field: Option<String>,
    words: String,
}

impl Refusal {
    pub(super) fn of(envelope: &Envelope) -> Self {
        let words: String = envelope
            .errmsg
            .0
            .chars()
            .filter(|c| !c.is_control())
            .take(80)
            .collect();
        Self {
            code: envelope.errcode.0,
            field: blamed_field(&envelope.invalid_param_list, &words),
            words,
        }
    }

    /// Code and words; never the values that `invalid_param_list` repeats.
    pub(super) fn detail(&self) -> String {
        match &self.field {
            Some(field) => format!("{} {} ({field})", self.code, self.words),
            None => format!("{} {}", self.code, self.words),
        }
    }
}

/// Keys that this client sends and a refusal may blame.
const SENT_KEYS: [&str; 30] = [
    "expire_time",
    "number",
    "first_name",
    "last_name",
    "email_addr",
    "mobile_number",
    "title",
    "organization_list",
    "member_select",
    "members",
    "parent_id",
    "user_password",
    "reg_password",
    "reg_name",
    "role_id",
    "presence_status",
    "concurrent_registrations",
    "page_size",
    "sort_by",
    "phonebook_id_list",
    "add_contacts_id_list",
    "del_contacts_id_list",
    "id_list",
    "company",
    "email",
    "remark",
    "number_list",
    "num_type",
    "name",
    "id",
];

/// The list's element shape is not documented, so a key counts wherever it stands: as a name or inside a text.
fn blamed_field(invalid: &Value, words: &str) -> Option<String> {
    let named = |text: &str| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .find_map(|word| SENT_KEYS.into_iter().find(|key| *key == word))
    };
    let in_list = invalid
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|entry| match entry {
            Value::Object(entry) => entry
                .iter()
                .find_map(|(name, value)| named(name).or_else(|| value.as_str().and_then(named))),
            Value::String(text) => named(text),
            _ => None,
        });
    // The message is upper-case prose: only a word with an underscore in it can be told from plain speech.
    let in_words = || named(words).filter(|key| key.contains('_'));
    in_list.or_else(in_words).map(str::to_owned)
}

/// What went wrong in one call.
#[derive(Debug)]
pub(super) enum Fault {
    /// The PBX never saw it.
    NotSent(BoxError),
    /// It was sent; the answer did not come, or the front end said that the PBX behind it is ill.
    Lost(BoxError),
    /// It was sent; what came is not an answer of the API.
    Garbled(String),
    /// A front end that is not the API answered in its place.
    Foreign(String),
    /// The API said no.
    Refused(Refusal),
    /// Nothing more will work now.
    Shut { problem: ShutProblem, sentence: String },
}

impl Fault {
    /// Of an HTTP client's error; the URL holds the token, so it is taken out first.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(sentence) = distrust(&error) {
            return Self::Shut {
                problem: ShutProblem::NotTrusted,
                sentence,
            };
        }
        if error.is_builder() || error.is_connect() {
            Self::NotSent(Box::new(error))
        } else {
            Self::Lost(Box::new(error))
        }
    }

    /// The code, if the API refused.
    pub(super) fn code(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// What it means to a caller who was `doing` something with this effect.
    pub(super) fn explain(self, doing: &str, effect: Effect) -> PhoneSystemError {
        let doing = doing.to_owned();
        match (self, effect) {
            (Self::NotSent(source), _) | (Self::Lost(source), Effect::Read) => {
                PhoneSystemError::Unavailable {
                    doing,
                    source: Some(source),
                }
            }
            (Self::Lost(source), Effect::Write) => PhoneSystemError::OutcomeUnknown {
                doing,
                source: Some(source),
            },
            (Self::Garbled(what), Effect::Write) => outcome_unknown(format!("{doing}: {what}")),
            (Self::Garbled(what), Effect::Read) | (Self::Foreign(what), _) => PhoneSystemError::Unexpected {
                doing: format!("{doing}: {what}"),
            },
            (Self::Refused(refusal), effect) => explain_refusal(&refusal, doing, effect),
            (Self::Shut { problem, sentence }, _) => PhoneSystemError::Shut { problem, sentence },
        }
    }
}

fn outcome_unknown(doing: String) -> PhoneSystemError {
    PhoneSystemError::OutcomeUnknown { doing, source: None }
}

fn explain_refusal(refusal: &Refusal, doing: String, effect: Effect) -> PhoneSystemError {
    let detail = refusal.detail();
    let named = |otherwise: &str| refusal.field.clone().unwrap_or_else(|| otherwise.to_owned());
    let with_code = format!("{doing}: {detail}");
    match refusal.code {
        40001 | code::PARAMETER | 40004 => PhoneSystemError::Invalid {
            field: named("request"),
            detail,
        },
        code::NO_SUCH_ROLE => PhoneSystemError::Invalid {
            field: named("role_id"),
            detail,
        },
        code::ORGANIZATION_OFF => PhoneSystemError::Invalid {
            field: named("organization_list"),
            detail,
        },
        code::DUPLICATE | code::REFERENCED => PhoneSystemError::Conflict { detail },
        code::NOT_FOUND | code::NO_PHONEBOOK | code::NO_CONTACT => PhoneSystemError::NotFound,
        code::LIMIT => PhoneSystemError::CapacityReached,
        code::NO_SUCH_CALL => PhoneSystemError::NotInThisFirmware { call: doing },
        code::INTERNAL | code::PARTIAL | code::PROCESSING if effect == Effect::Write => {
            outcome_unknown(with_code)
        }
        code::INTERNAL | code::BUSY => PhoneSystemError::Unavailable {
            doing: with_code,
            source: None,
        },
        _ => PhoneSystemError::Unexpected { doing: with_code },
    }
}

/// The codes that shut us out wherever they appear, with what an admin can do about them.
pub(super) fn shut_out(code: i64) -> Option<(ShutProblem, &'static str)> {
    match code {
        code::ADDRESS_BLOCKED => Some((
            ShutProblem::AddressBlocked,
            "The PBX blocked our address after failed sign-ins (70004). Remove it under Security > Security Rules > Blocked IPs.",
        )),
        code::ADDRESS_FORBIDDEN => Some((
            ShutProblem::AddressForbidden,
            "Our address is not on the allow-list of the PBX's API (70087). Add it under Integrations > API > IP Restriction.",
        )),
        code::API_OFF => Some((
            ShutProblem::ApiOff,
            "The API of the PBX is switched off or not licensed (70123). Switch it on under Integrations > API.",
        )),
        _ => None,
    }
}

/// Whether the connection failed because the address or the certificate is not trusted, as a sentence.
fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<AddressRefused>() {
            return Some(format!("The PBX's address is refused: {refused}."));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return tls_distrust(tls);
        }
        // An I/O error shows what it wraps through `get_ref` alone.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn tls_distrust(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(problem) => Some(format!(
            "The PBX's certificate is not trusted ({problem}). Give it a public one, or upload the certificate of the authority that signed it."
        )),
        rustls::Error::PeerIncompatible(_) => {
            Some("The PBX offers no TLS version that is safe to use; it needs TLS 1.2 or later.".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
