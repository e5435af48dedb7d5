//! Who calls: the access token of a Graph request, checked as the service would.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::answer::ApiError;
use super::call::Call;
use super::context::Caller;
use super::sign_in::unverified_claims;
use super::tenant::Tenant;

pub fn caller(tenants: &BTreeMap<String, Tenant>, call: &Call, now: Timestamp) -> Result<Caller, ApiError> {
    let header = call.header("authorization").unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(ApiError::unauthenticated("Access token is empty.")),
    };
    let malformed = || ApiError::unauthenticated("IDX14100: JWT is not well formed.");
    let claims = unverified_claims(token).ok_or_else(malformed)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let tenant = tenants
        .get(text("tid"))
        .ok_or_else(|| ApiError::unauthenticated("Invalid tenant."))?;
    if !is_signed(tenant, token).unwrap_or(false) {
        return Err(ApiError::unauthenticated(
            "Access token validation failure. Invalid signature.",
        ));
    }
    if text("aud") != "https://graph.microsoft.com" {
        return Err(ApiError::unauthenticated(
            "Access token validation failure. Invalid audience.",
        ));
    }
    if claims
        .get("exp")
        .and_then(Value::as_i64)
        .is_none_or(|at| at <= now.as_second())
    {
        return Err(ApiError::unauthenticated(
            "Lifetime validation failed, the token is expired.",
        ));
    }
    if !tenant.apps.contains_key(text("appid")) {
        return Err(ApiError::unauthenticated(
            "The identity of the calling application could not be established.",
        ));
    }
    let roles = claims
        .get("roles")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    // A token in a person's name has scopes in place of roles; both are called the same.
    let scopes = text("scp").split_whitespace().map(str::to_owned);
    let roles: BTreeSet<String> = roles
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .chain(scopes)
        .collect();
    Ok(Caller {
        tenant: tenant.id.clone(),
        app: text("appid").to_owned(),
        person: Some(text("idtyp"))
            .filter(|kind| *kind == "user")
            .and_then(|_| Uuid::parse_str(text("oid")).ok()),
        roles,
    })
}

fn is_signed(tenant: &Tenant, token: &str) -> Option<bool> {
    let (message, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let header = URL_SAFE_NO_PAD.decode(message.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    Some(
        tenant
            .keys
            .verifies(header.get("kid")?.as_str()?, message, &signature),
    )
}
