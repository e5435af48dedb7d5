//! Client assertions: a JWT signed with a certificate that is registered on the app.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::sign_in::unverified_claims;
use super::tenant::Certificate;

pub struct Expected<'a> {
    pub client: &'a str,
    /// Any one of these.
    pub audience: &'a [String],
    pub now: Timestamp,
}

/// An assertion counts once; `spent` remembers those that came, as long as they could come again.
pub fn is_valid(
    assertion: &str,
    certificates: &[Certificate],
    spent: &RefCell<BTreeMap<String, i64>>,
    expected: &Expected,
) -> bool {
    let Some(claims) = unverified_claims(assertion) else {
        return false;
    };
    fits(&claims, expected)
        && is_signed(assertion, certificates, expected.now).unwrap_or(false)
        && is_fresh(&claims, spent, expected.now)
}

fn is_fresh(claims: &Value, spent: &RefCell<BTreeMap<String, i64>>, now: Timestamp) -> bool {
    let mut spent = spent.borrow_mut();
    spent.retain(|_, ends| *ends > now.as_second());
    let id = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let ends = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    spent.insert(id.to_owned(), ends).is_none()
}

fn fits(claims: &Value, expected: &Expected) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = expected.now.as_second();
    text("iss") == expected.client
        && text("sub") == expected.client
        && !text("jti").is_empty()
        && expected.audience.iter().any(|audience| audience == text("aud"))
        && time("exp").is_some_and(|at| at > now)
        && time("nbf").is_some_and(|at| at <= now + 300)
}

fn is_signed(assertion: &str, certificates: &[Certificate], now: Timestamp) -> Option<bool> {
    let (message, signature) = assertion.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let header = URL_SAFE_NO_PAD.decode(message.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let algorithm: &'static dyn VerificationAlgorithm = match header.get("alg")?.as_str()? {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        _ => return None,
    };
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let named = |certificate: &&Certificate| {
        text("x5t#S256").is_some_and(|print| print == certificate.thumbprint_sha256)
            || text("x5t").is_some_and(|print| certificate.thumbprint_sha1.as_deref() == Some(print))
    };
    let certificate = certificates
        .iter()
        .find(named)
        .filter(|certificate| certificate.starts_at <= now && certificate.ends_at > now)?;
    let key = UnparsedPublicKey::new(algorithm, &certificate.public_key);
    Some(key.verify(message.as_bytes(), &signature).is_ok())
}
