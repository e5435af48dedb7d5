//! The token endpoint. A token says what was granted at that moment: later grants need another token.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::Answer;
use super::assertion;
use super::call::Call;
use super::sign_in_error::SignInError;
use super::tenant::{App, Tenant};

pub const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the token endpoint works with.
pub struct SignIn<'a> {
    pub tenants: &'a BTreeMap<String, Tenant>,
    pub origin: &'a str,
    pub now: Timestamp,
    /// Life of the token that may be issued: drawn beforehand, the endpoint draws nothing itself.
    pub lifetime_seconds: i64,
    pub token_id: Uuid,
}

pub type Form = BTreeMap<String, String>;

impl SignIn<'_> {
    /// `POST /{tenant}/oauth2/v2.0/token`.
    pub fn token(&self, segment: &str, call: &Call) -> Result<Answer, SignInError> {
        let form: Form = form_urlencoded::parse(&call.body).into_owned().collect();
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => self.client_credentials(segment, call, &form),
            Some(other) => Err(SignInError::new(70003, format!("Grant type '{other}'."))),
            None => Err(SignInError::new(900_144, "Parameter 'grant_type'.")),
        }
    }

    /// The app that a request to the token endpoint proves to come from, with its tenant.
    pub fn proven_app(
        &self,
        segment: &str,
        call: &Call,
        form: &Form,
    ) -> Result<(&Tenant, String), SignInError> {
        let tenant = self.tenant(segment)?;
        let (client, secret) = credentials(call, form);
        let client = client.ok_or_else(|| SignInError::new(900_144, "Parameter 'client_id'."))?;
        let app = tenant.apps.get(&client).ok_or_else(|| {
            SignInError::new(
                700_016,
                format!("Identifier '{client}', directory '{}'.", tenant.name),
            )
        })?;
        if !app.enabled {
            return Err(SignInError::new(7_000_112, String::new()));
        }
        self.authenticate(tenant, (&client, app), secret.as_deref(), form)?;
        Ok((tenant, client))
    }

    fn client_credentials(&self, segment: &str, call: &Call, form: &Form) -> Result<Answer, SignInError> {
        if ["common", "consumers", "organizations"].contains(&segment) {
            return Err(SignInError::new(9_001_023, "Use a tenant-specific endpoint."));
        }
        let (tenant, client) = self.proven_app(segment, call, form)?;
        check_scope(form.get("scope").map_or("", String::as_str))?;
        let app = tenant
            .apps
            .get(&client)
            .ok_or_else(|| SignInError::new(700_016, String::new()))?;
        Ok(self.issue(tenant, &client, app))
    }

    pub fn tenant(&self, segment: &str) -> Result<&Tenant, SignInError> {
        let found = self.tenants.values().find(|tenant| tenant.answers_to(segment));
        let well_formed = Uuid::parse_str(segment).is_ok() || segment.contains('.');
        match found {
            Some(tenant) => Ok(tenant),
            None if well_formed => Err(SignInError::new(90002, format!("Tenant '{segment}'."))),
            None => Err(SignInError::new(900_023, format!("Tenant '{segment}'."))),
        }
    }

    pub fn authenticate(
        &self,
        tenant: &Tenant,
        (client, app): (&str, &App),
        secret: Option<&str>,
        form: &Form,
    ) -> Result<(), SignInError> {
        if let Some(secret) = secret {
            return self.check_secret(app, secret);
        }
        let assertion = form.get("client_assertion");
        let typed = form
            .get("client_assertion_type")
            .is_some_and(|kind| kind == ASSERTION_TYPE);
        match assertion.filter(|_| typed) {
            None => Err(SignInError::new(7_000_218, String::new())),
            Some(assertion) => {
                let audience = [&tenant.id, &tenant.domain]
                    .map(|name| format!("{}/{name}/oauth2/v2.0/token", self.origin));
                let expected = assertion::Expected {
                    client,
                    audience: &audience,
                    now: self.now,
                };
                let spent = &app.spent_assertions;
                if assertion::is_valid(assertion, &app.certificates, spent, &expected) {
                    Ok(())
                } else {
                    Err(SignInError::new(700_027, format!("Client '{client}'.")))
                }
            }
        }
    }

    fn check_secret(&self, app: &App, secret: &str) -> Result<(), SignInError> {
        let mut matching = app
            .secrets
            .iter()
            .filter(|known| known.value == secret)
            .peekable();
        if matching.peek().is_none() {
            return Err(SignInError::new(
                7_000_215,
                "Send the secret value, not the secret ID.",
            ));
        }
        if matching.any(|known| known.ends_at > self.now) {
            return Ok(());
        }
        Err(SignInError::new(7_000_222, "Create another secret for the app."))
    }

    fn issue(&self, tenant: &Tenant, client: &str, app: &App) -> Answer {
        let now = self.now.as_second();
        let mut claims = json!({
            "aud": "https://graph.microsoft.com",
            "iss": format!("https://sts.windows.net/{}/", tenant.id),
            "iat": now, "nbf": now, "exp": now + self.lifetime_seconds,
            "app_displayname": app.display_name, "appid": client, "appidacr": "1", "idtyp": "app",
            "oid": app.principal_id, "sub": app.principal_id, "tid": tenant.id,
            "uti": self.token_id.simple().to_string(), "ver": "1.0",
        });
        if app.consent && !app.roles.is_empty() {
            claims["roles"] = json!(app.roles);
        }
        let body = json!({
            "token_type": "Bearer", "expires_in": self.lifetime_seconds, "ext_expires_in": self.lifetime_seconds,
            "access_token": tenant.keys.sign(&claims),
        });
        Answer::json(body)
            .header("Cache-Control", "no-store, no-cache")
            .header("Pragma", "no-cache")
    }
}

/// From the body, or from HTTP Basic with both halves form-encoded.
pub fn credentials(call: &Call, form: &Form) -> (Option<String>, Option<String>) {
    let basic = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "));
    let decoded = basic
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((client, secret)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        let plain = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        return (Some(plain(client)), Some(plain(secret)));
    }
    (
        form.get("client_id").cloned(),
        form.get("client_secret")
            .filter(|secret| !secret.is_empty())
            .cloned(),
    )
}

fn check_scope(scope: &str) -> Result<(), SignInError> {
    let named: Vec<&str> = scope.split_whitespace().collect();
    match *named.as_slice() {
        [one] if one == GRAPH_SCOPE || one == format!("{GRAPH_APP_ID}/.default") => Ok(()),
        [one] if one.ends_with("/.default") => {
            Err(SignInError::new(500_011, format!("Resource of '{one}'.")))
        }
        [_, _, ..] if named.iter().all(|one| one.ends_with("/.default")) => {
            Err(SignInError::new(700_022, format!("Scope '{scope}'.")))
        }
        _ => Err(SignInError::new(70011, format!("Scope '{scope}'."))),
    }
}

/// The claims of a signed token, not yet checked.
pub fn unverified_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}
