//! What an administrator does to the sign-in of people, and what a person does at a browser, for tests.

use http::{HeaderMap, HeaderValue, Method};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::Graph;
use super::admin::{AdminError, Done, tenant_of};
use super::answer::{Answer, Payload};
use super::call::Call;
use super::id_token::IdTokenChange;
use super::tenant::App;

impl Graph {
    pub fn add_redirect_uri(&self, tenant: &str, app: &str, uri: &str) -> Done {
        self.with_the_app(tenant, app, |app| {
            app.redirect_uris.insert(uri.to_owned());
        })
    }

    pub fn remove_redirect_uri(&self, tenant: &str, app: &str, uri: &str) -> Done {
        self.with_the_app(tenant, app, |app| {
            app.redirect_uris.remove(uri);
        })
    }

    pub fn set_emits_groups(&self, tenant: &str, app: &str, emits: bool) -> Done {
        self.with_the_app(tenant, app, |app| app.emits_groups = emits)
    }

    pub fn assign_app_role(&self, tenant: &str, app: &str, user: Uuid, role: &str) -> Done {
        self.with_the_app(tenant, app, |app| {
            app.assigned.entry(user).or_default().insert(role.to_owned());
        })
    }

    pub fn remove_app_role(&self, tenant: &str, app: &str, user: Uuid, role: &str) -> Done {
        self.with_the_app(tenant, app, |app| {
            app.assigned.entry(user).or_default().remove(role);
        })
    }

    /// Consents to delegated permissions for the whole tenant, as in the portal.
    pub fn consent_delegated(&self, tenant: &str, app: &str, scopes: &[&str]) -> Done {
        self.with_the_app(tenant, app, |app| {
            app.delegated
                .extend(scopes.iter().map(|scope| (*scope).to_owned()));
        })
    }

    fn with_the_app(&self, tenant: &str, app: &str, change: impl FnOnce(&mut App)) -> Done {
        let mut world = self.lock();
        let apps = &mut tenant_of(&mut world, tenant)?.apps;
        let found = apps
            .get_mut(app)
            .ok_or_else(|| AdminError::NoApp(app.to_owned()))?;
        change(found);
        Ok(())
    }

    /// May consent for the whole tenant.
    pub fn set_administrator(&self, tenant: &str, user: Uuid, is_one: bool) -> Done {
        let mut world = self.lock();
        let all = &mut tenant_of(&mut world, tenant)?.people.administrators;
        if is_one {
            all.insert(user);
        } else {
            all.remove(&user);
        }
        Ok(())
    }

    /// Ends the sessions and refresh tokens of a person.
    pub fn revoke_sign_ins(&self, tenant: &str, user: Uuid) -> Done {
        let mut world = self.lock();
        let people = &mut tenant_of(&mut world, tenant)?.people;
        people.sessions.retain(|_, holder| *holder != user);
        for refresh in people.refresh.values_mut().filter(|refresh| refresh.user == user) {
            refresh.revoked = true;
        }
        Ok(())
    }

    /// Spoils the claims of the next id_tokens, or no longer.
    pub fn set_id_token_change(&self, tenant: &str, change: Option<IdTokenChange>) -> Done {
        tenant_of(&mut self.lock(), tenant)?.people.id_token_change = change;
        Ok(())
    }

    /// What this person does at a browser that was sent to `authorize_url`: signs in, accepts what is asked. Answers where
    /// the browser is sent back to, or the text of the page at which it ends.
    pub fn approve(&self, authorize_url: &str, user: Uuid) -> Result<String, String> {
        self.visit(authorize_url, user, "accept")
    }

    /// The same by somebody who declines.
    pub fn decline(&self, authorize_url: &str, user: Uuid) -> Result<String, String> {
        self.visit(authorize_url, user, "cancel")
    }

    fn visit(&self, authorize_url: &str, user: Uuid, consent: &str) -> Result<String, String> {
        let url = Url::parse(authorize_url).map_err(|error| error.to_string())?;
        let tenant = url
            .path_segments()
            .and_then(|mut parts| parts.next())
            .unwrap_or_default();
        let query = url.query().unwrap_or_default();
        let name = self.sign_in_name(tenant, user)?;
        let path = format!("{}?{query}", url.path());
        let first = self.browse(Method::GET, &path, "", None);
        if first.status != 200 {
            return outcome(&first);
        }
        let login = format!("/{tenant}/login");
        let form = body(&[("request", query), ("username", &name)]);
        let second = self.browse(Method::POST, &login, &form, None);
        let cookie = header(&second, "Set-Cookie").and_then(|set| set.split(';').next().map(str::to_owned));
        if second.status != 200 || cookie.is_none() {
            return outcome(&second);
        }
        let form = body(&[("request", query), ("consent", consent)]);
        outcome(&self.browse(Method::POST, &login, &form, cookie))
    }

    fn sign_in_name(&self, tenant: &str, user: Uuid) -> Result<String, String> {
        let user = self.user(tenant, user).map_err(|error| error.to_string())?;
        let name = user.and_then(|user| user["userPrincipalName"].as_str().map(str::to_owned));
        name.ok_or_else(|| "there is no such person".to_owned())
    }

    fn browse(&self, method: Method, path: &str, body: &str, cookie: Option<String>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            headers.insert(http::header::COOKIE, cookie);
        }
        let call = Call::new(method, path, headers, body.as_bytes().to_vec());
        self.reply(&call).answer
    }
}

fn body(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer
        .headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

fn outcome(answer: &Answer) -> Result<String, String> {
    match (header(answer, "Location"), &answer.payload) {
        (Some(location), _) => Ok(location.to_owned()),
        (None, Payload::Text(_, text)) => Err(text.clone()),
        (None, _) => Err(format!("status {}", answer.status)),
    }
}
