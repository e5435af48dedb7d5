//! What people were given: sessions in browsers, codes, refresh tokens. A code works once and for one app, address and
//! verifier; a refresh token until it ends or is revoked.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::Answer;
use super::call::Call;
use super::id_token::{IdToken, IdTokenChange};
use super::sign_in::{Form, SignIn};
use super::sign_in_error::SignInError;
use super::tenant::Tenant;
use super::world::{Moment, World};

const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What the people of a tenant were given.
#[derive(Default)]
pub struct People {
    pub administrators: BTreeSet<Uuid>,
    /// Who is signed in, by cookie.
    pub sessions: BTreeMap<String, Uuid>,
    pub codes: BTreeMap<String, Code>,
    pub refresh: BTreeMap<String, Refresh>,
    pub id_token_change: Option<IdTokenChange>,
}

#[derive(Clone, Debug)]
pub struct Code {
    pub client: String,
    pub redirect_uri: String,
    /// Method and challenge.
    pub challenge: Option<(String, String)>,
    pub nonce: Option<String>,
    pub scopes: BTreeSet<String>,
    pub user: Uuid,
    pub ends_at: Timestamp,
    pub used: bool,
}

#[derive(Clone, Debug)]
pub struct Refresh {
    pub client: String,
    pub user: Uuid,
    pub scopes: BTreeSet<String>,
    pub ends_at: Timestamp,
    pub revoked: bool,
}

/// Whom tokens are for.
struct Grant {
    client: String,
    user: Uuid,
    scopes: BTreeSet<String>,
    nonce: Option<String>,
}

impl Code {
    pub fn ends(now: Timestamp) -> Timestamp {
        now.checked_add(CODE_LIFE).unwrap_or(Timestamp::MAX)
    }

    fn fits(&self, client: &str, form: &Form, now: Timestamp) -> Result<(), SignInError> {
        let same_place = form.get("redirect_uri") == Some(&self.redirect_uri);
        if self.client != client || !same_place {
            return Err(SignInError::new(
                70000,
                "The code was issued to another client or address.",
            ));
        }
        if self.used {
            return Err(SignInError::new(54005, String::new()));
        }
        if self.ends_at <= now {
            return Err(SignInError::new(70008, String::new()));
        }
        let Some((method, challenge)) = &self.challenge else {
            return Ok(());
        };
        let verifier = form.get("code_verifier").map_or("", String::as_str);
        let made = if method == "S256" {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
            URL_SAFE_NO_PAD.encode(digest)
        } else {
            verifier.to_owned()
        };
        if made == *challenge {
            Ok(())
        } else {
            Err(SignInError::new(501_481, String::new()))
        }
    }
}

impl World {
    /// `grant_type=authorization_code` and `refresh_token`; `None` for any other grant.
    pub fn person_grant(
        &mut self,
        segment: &str,
        call: &Call,
        (moment, lifetime): (&Moment, i64),
    ) -> Option<Result<Answer, SignInError>> {
        let form: Form = form_urlencoded::parse(&call.body).into_owned().collect();
        let kind = form.get("grant_type").map(String::as_str)?;
        if !["authorization_code", "refresh_token"].contains(&kind) {
            return None;
        }
        if call.header("origin").is_some() {
            return Some(Err(SignInError::new(9_002_326, String::new())));
        }
        let desk = SignIn {
            tenants: &self.tenants,
            origin: &moment.origin,
            now: moment.now,
            lifetime_seconds: lifetime,
            token_id: Uuid::nil(),
        };
        let proven = desk
            .proven_app(segment, call, &form)
            .map(|(tenant, client)| (tenant.id.clone(), client));
        let (tenant, client) = match proven {
            Ok(proven) => proven,
            Err(error) => return Some(Err(error)),
        };
        let by_code = kind == "authorization_code";
        Some(self.give(&tenant, &client, (&form, by_code), (moment, lifetime)))
    }

    fn give(
        &mut self,
        tenant: &str,
        client: &str,
        (form, by_code): (&Form, bool),
        (moment, lifetime): (&Moment, i64),
    ) -> Result<Answer, SignInError> {
        let (token, uti) = (self.random_text(), self.new_id());
        let found = self.tenants.get_mut(tenant);
        let tenant = found.ok_or_else(|| SignInError::new(90002, String::new()))?;
        let grant = if by_code {
            by_the_code(tenant, client, form, moment.now)?
        } else {
            by_the_refresh_token(tenant, client, form, moment.now)?
        };
        let user = tenant.directory.users.live.get(&grant.user);
        let enabled = user.is_some_and(|user| user.get("accountEnabled") != Some(&json!(false)));
        if !enabled {
            return Err(SignInError::new(50057, "The user account is disabled."));
        }
        let mut body = json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime,
            "scope": grant.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            "access_token": access_token(tenant, &grant, (moment, lifetime), uti),
        });
        if grant.scopes.contains("openid") {
            let made = IdToken {
                tenant,
                client: &grant.client,
                user: grant.user,
                nonce: grant.nonce.as_deref(),
                with_mail: grant.scopes.contains("email"),
                moment,
            };
            body["id_token"] = json!(made.signed(uti));
        }
        if grant.scopes.contains("offline_access") {
            body["refresh_token"] = json!(token);
            let refresh = Refresh {
                client: grant.client,
                user: grant.user,
                scopes: grant.scopes,
                ends_at: moment.now.checked_add(REFRESH_LIFE).unwrap_or(Timestamp::MAX),
                revoked: false,
            };
            tenant.people.refresh.insert(token, refresh);
        }
        Ok(Answer::json(body).header("Cache-Control", "no-store, no-cache"))
    }

    /// 256 bits that repeat with the seed and never within it.
    pub fn random_text(&mut self) -> String {
        format!("{}{}", self.new_id().simple(), self.new_id().simple())
    }
}

fn by_the_code(tenant: &mut Tenant, client: &str, form: &Form, now: Timestamp) -> Result<Grant, SignInError> {
    let code = form.get("code").map_or("", String::as_str);
    let known = tenant.people.codes.get_mut(code);
    let known = known.ok_or_else(|| SignInError::new(70000, "The code is not known."))?;
    known.fits(client, form, now)?;
    known.used = true;
    Ok(Grant {
        client: client.to_owned(),
        user: known.user,
        scopes: known.scopes.clone(),
        nonce: known.nonce.clone(),
    })
}

fn by_the_refresh_token(
    tenant: &Tenant,
    client: &str,
    form: &Form,
    now: Timestamp,
) -> Result<Grant, SignInError> {
    let consented = tenant.apps.get(client).map(|app| &app.delegated);
    let token = form.get("refresh_token").map_or("", String::as_str);
    let known = tenant.people.refresh.get(token);
    let known = known
        .filter(|known| known.client == client)
        .ok_or_else(|| SignInError::new(70000, "The refresh token is not known."))?;
    if known.revoked {
        return Err(SignInError::new(50173, String::new()));
    }
    if known.ends_at <= now {
        return Err(SignInError::new(70008, String::new()));
    }
    let wanted: BTreeSet<String> = match form.get("scope") {
        Some(scope) if !scope.is_empty() => scope.split_whitespace().map(short).collect(),
        _ => known.scopes.clone(),
    };
    let mut scopes = wanted;
    if scopes.remove(".default") {
        // All that is consented, which may be more or less than at the sign-in.
        scopes.extend(consented.into_iter().flatten().cloned());
    }
    let always = ["openid", "profile", "offline_access"];
    let beyond = scopes.iter().find(|scope| {
        let given = known.scopes.contains(*scope) || consented.is_some_and(|all| all.contains(*scope));
        !given && !always.contains(&scope.as_str())
    });
    if let Some(scope) = beyond {
        return Err(SignInError::new(65001, format!("Scope '{scope}'.")));
    }
    // Every use gives the next one.
    scopes.insert("offline_access".to_owned());
    Ok(Grant {
        client: client.to_owned(),
        user: known.user,
        scopes,
        nonce: None,
    })
}

/// A permission of Graph by its bare name.
pub fn short(scope: &str) -> String {
    scope
        .strip_prefix("https://graph.microsoft.com/")
        .unwrap_or(scope)
        .to_owned()
}

fn access_token(tenant: &Tenant, grant: &Grant, (moment, lifetime): (&Moment, i64), uti: Uuid) -> String {
    let now = moment.now.as_second();
    let oidc = ["openid", "profile", "email", "offline_access", ".default"];
    let scopes: Vec<&str> = grant
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| !oidc.contains(scope))
        .collect();
    let claims: Value = json!({
        "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "iat": now, "nbf": now, "exp": now + lifetime, "appid": grant.client, "idtyp": "user", "oid": grant.user,
        "scp": scopes.join(" "), "tid": tenant.id, "uti": uti.simple().to_string(), "ver": "1.0",
    });
    tenant.keys.sign(&claims)
}
