//! The judgement of an id_token, in the order in which Microsoft asks for it. A claim of the wrong type is never taken for
//! one that is absent, and who somebody is, is tenant and object id alone: addresses and names change hands.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::error::TokenProblem;
use super::keys::Key;
use crate::domain::ids::{EntraGroupId, EntraUserId, TenantId};

/// How far a clock may be off.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_mins(5);
/// An id_token with 200 groups has some 10 KB; nothing longer is looked at.
const LONGEST: usize = 64 * 1024;
/// The end of the year 9999: beyond it a number is no time.
const LAST_SECOND: i64 = 253_402_300_799;
/// In a key's issuer it stands for the token's own tenant.
const ANY_TENANT: &str = "{tenantid}";

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Their tenant.
    pub tenant: TenantId,
    /// Their object id, which never changes. With the tenant it is the only name by which anybody is known.
    pub user: EntraUserId,
    /// What to call them; anybody may call themselves anything.
    pub name: String,
    /// Their sign-in name at this moment; it may be somebody else's tomorrow.
    pub sign_in_name: String,
    /// App roles that they hold.
    pub roles: BTreeSet<String>,
    /// Their groups, as far as the token tells.
    pub groups: Groups,
    /// Directory roles (template ids), where the app asks for them.
    pub directory_roles: BTreeSet<String>,
}

/// Somebody's groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Groups {
    /// The token says nothing of groups, or that there are too many to tell.
    NotTold,
    /// These, and no others.
    Told(BTreeSet<EntraGroupId>),
}

/// What an id_token must say.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    pub tenant: TenantId,
    pub nonce: &'a str,
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
    // A token that says how to verify it verifies nothing.
    #[serde(default)]
    jwk: Option<IgnoredAny>,
    #[serde(default)]
    jku: Option<IgnoredAny>,
    #[serde(default)]
    x5u: Option<IgnoredAny>,
    #[serde(default)]
    x5c: Option<IgnoredAny>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    nbf: i64,
    iat: i64,
    tid: String,
    oid: String,
    nonce: String,
    #[serde(rename = "sub")]
    _sub: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    roles: Option<BTreeSet<String>>,
    #[serde(default)]
    groups: Option<BTreeSet<EntraGroupId>>,
    #[serde(default)]
    wids: Option<BTreeSet<String>>,
    // Access tokens have one of these.
    #[serde(default)]
    scp: Option<IgnoredAny>,
    #[serde(default)]
    appid: Option<IgnoredAny>,
    #[serde(default)]
    azp: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The id of the key that a token names, after its header was judged.
pub(super) fn key_id(token: &str) -> Result<String, TokenProblem> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    if token.len() > LONGEST || token.split('.').count() != 3 {
        return Err(TokenProblem::Malformed);
    }
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| TokenProblem::Malformed)?;
    // A header without a key id names no key, whatever its algorithm.
    let header: Header = serde_json::from_slice(&header).map_err(|_| TokenProblem::Header)?;
    let Header {
        alg,
        kid,
        typ,
        jwk,
        jku,
        x5u,
        x5c,
        crit,
    } = header;
    let own_key = jwk.is_some() || jku.is_some() || x5u.is_some() || x5c.is_some() || crit.is_some();
    let plain_type = typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if alg != "RS256" || own_key || !plain_type {
        return Err(TokenProblem::Header);
    }
    Ok(kid)
}

/// Judges a token that `key` should have signed.
pub(super) fn verify(token: &str, key: &Key, expected: &Expected<'_>) -> Result<Identity, TokenProblem> {
    let claims = signed_claims(token, key)?;
    let key_issuer = key.issuer.as_deref().unwrap_or(expected.issuer);
    if key_issuer.replace(ANY_TENANT, &claims.tid) != expected.issuer {
        return Err(TokenProblem::KeyIssuer);
    }
    if claims.iss != expected.issuer {
        return Err(TokenProblem::Issuer);
    }
    let tenant = TenantId::parse(&claims.tid).map_err(|_| TokenProblem::Malformed)?;
    if tenant != expected.tenant {
        return Err(TokenProblem::Tenant);
    }
    if !claims.aud.is(expected.audience) {
        return Err(TokenProblem::Audience);
    }
    claims.is_timely(expected.now)?;
    if !same(&claims.nonce, expected.nonce) {
        return Err(TokenProblem::Nonce);
    }
    let other_party = claims.azp.as_deref().is_some_and(|azp| azp != expected.audience);
    if claims.scp.is_some() || claims.appid.is_some() || other_party {
        return Err(TokenProblem::Kind);
    }
    Ok(Identity {
        tenant,
        user: EntraUserId::parse(&claims.oid).map_err(|_| TokenProblem::Malformed)?,
        name: claims.name.unwrap_or_default(),
        sign_in_name: claims.preferred_username.unwrap_or_default(),
        roles: claims.roles.unwrap_or_default(),
        groups: claims.groups.map_or(Groups::NotTold, Groups::Told),
        directory_roles: claims.wids.unwrap_or_default(),
    })
}

/// Signature first; then every claim with its type. Times are judged by our own clock, later.
fn signed_claims(token: &str, key: &Key) -> Result<Claims, TokenProblem> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, &key.key, &validation)
        .map(|data| data.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => TokenProblem::Signature,
            _ => TokenProblem::Malformed,
        })
}

impl Claims {
    fn is_timely(&self, now: Timestamp) -> Result<(), TokenProblem> {
        let sensible = |second: i64| (0..=LAST_SECOND).contains(&second);
        if ![self.exp, self.nbf, self.iat].into_iter().all(sensible) {
            return Err(TokenProblem::Malformed);
        }
        let now = now.as_second();
        let skew = i64::try_from(MAX_CLOCK_SKEW.as_secs()).unwrap_or_default();
        let begun = self.nbf <= now + skew && self.iat <= now + skew;
        if begun && now < self.exp + skew {
            Ok(())
        } else {
            Err(TokenProblem::Time)
        }
    }
}

impl Audience {
    fn is(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => matches!(many.as_slice(), [one] if one == wanted),
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
