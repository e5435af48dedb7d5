//! `sign/create`: login signatures for applications built on the Linkus SDK.

use jiff::Timestamp;
use serde_json::json;

use super::call::Call;
use super::envelope::{Refusal, Reply, code, fields};
use super::state::State;
use super::validation::Checker;

/// Whom a signature lets in, and until when.
pub struct Signature {
    /// Id of the extension.
    pub extension: u32,
    /// `None` never ends.
    pub expires: Option<Timestamp>,
}

/// `sign/create`: by number or by mail.
pub fn create(state: &mut State, call: &Call) -> Reply {
    let now = state.clock.now();
    let mut checker = Checker::new(&call.body, &state.settings.behaviour);
    checker.require(&["username", "sign_type", "expire_time"]);
    let name = checker
        .text("username", |name| !name.is_empty())
        .unwrap_or_default();
    checker.text("sign_type", |kind| kind == "sdk");
    let expires = checker.int("expire_time", 0, i64::MAX).unwrap_or(0);
    let takes_an_end = state.settings.behaviour.signatures_may_end;
    if expires != 0 && (!takes_an_end || expires <= now.as_second()) {
        checker.blame("expire_time");
    }
    checker.finish()?;
    let expires = match expires {
        0 => None,
        seconds => Some(Timestamp::from_second(seconds).map_err(|_| Refusal::new(code::PARAMETER))?),
    };
    let extension = state
        .extensions
        .id_of_number(&name)
        .or_else(|| state.extensions.id_of_mail(&name));
    let unknown = Refusal::new(state.settings.behaviour.unknown_object_errcode);
    let extension = extension.ok_or(unknown)?;
    let sign = state.random_text(88);
    state
        .signatures
        .insert(sign.clone(), Signature { extension, expires });
    Ok(fields([("data", json!({ "sign": sign }))]))
}

/// The number of the extension that a signature logs in now.
pub fn opens(state: &State, sign: &str) -> Option<String> {
    let now = state.clock.now();
    let signature = state.signatures.get(sign)?;
    let lives = signature.expires.is_none_or(|end| end > now);
    let extension = state.extensions.get(signature.extension).filter(|_| lives)?;
    Some(extension.number.clone())
}
