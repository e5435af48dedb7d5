//! The authorize endpoint: who sits at the browser, what the app asks for, whether that was consented to, and back to the
//! app with a code or an error. An address that is not registered is never gone to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::answer::Answer;
use super::call::Call;
use super::grants::{Code, short};
use super::sign_in::SignIn;
use super::sign_in_error::{SignInError, Trace};
use super::sign_in_pages::{Asked, consent_page, error_page, form_post_page, sign_in_page, signed_out_page};
use super::tenant::{App, Tenant};
use super::world::{Moment, World};

/// Holds who is signed in.
const COOKIE: &str = "ESTSAUTH";
/// What anybody may consent to, and has by signing in.
const FREE: [&str; 5] = ["openid", "profile", "email", "offline_access", "User.Read"];

type Pairs = BTreeMap<String, String>;

/// A request to sign somebody in, from an app and for an address that are known.
struct Request {
    tenant: String,
    client: String,
    redirect_uri: String,
    pairs: Pairs,
    /// The query as it came, for the forms of the pages.
    query: String,
}

/// What the person does.
#[derive(Clone, Debug, Default)]
struct Act {
    user: Option<Uuid>,
    /// Chose an account just now.
    fresh: bool,
    consent: Option<bool>,
}

impl World {
    /// The paths that people use; `None` for any other.
    pub fn people(&mut self, call: &Call, moment: &Moment, trace: &Trace) -> Option<Answer> {
        let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", [tenant, "oauth2", "v2.0", "authorize"]) => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&call.query)
                    .finish();
                let user = self.session_of(tenant, call);
                let act = Act {
                    user,
                    ..Act::default()
                };
                Some(self.authorize(tenant, &query, &act, (moment, trace)))
            }
            ("POST", [tenant, "login"]) => Some(self.login(tenant, call, (moment, trace))),
            ("GET", [tenant, "oauth2", "v2.0", "logout"]) => Some(self.logout(tenant, call)),
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
                let lifetime = 3599 + i64::from(self.new_id().as_bytes()[0]);
                let outcome = self.person_grant(tenant, call, (moment, lifetime))?;
                Some(outcome.unwrap_or_else(|error| error.into_answer(trace)))
            }
            _ => None,
        }
    }

    fn session_of(&self, segment: &str, call: &Call) -> Option<Uuid> {
        let tenant = self.tenants.values().find(|tenant| tenant.answers_to(segment))?;
        let cookies = call.header("cookie").unwrap_or_default();
        let ours = cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)?;
        tenant.people.sessions.get(ours.1).copied()
    }

    fn login(&mut self, segment: &str, call: &Call, (moment, trace): (&Moment, &Trace)) -> Answer {
        let form: Pairs = form_urlencoded::parse(&call.body).into_owned().collect();
        let query = form.get("request").cloned().unwrap_or_default();
        let mut act = Act {
            user: self.session_of(segment, call),
            fresh: true,
            consent: form.get("consent").map(|said| said == "accept"),
        };
        let mut cookie = None;
        if let Some(name) = form.get("username") {
            let Some(user) = self.account(segment, name) else {
                let words = "We couldn't find an account with that username. (AADSTS50034)";
                return self.ask_who(segment, &query, Some(words));
            };
            act.user = Some(user);
            let text = self.random_text();
            if let Some(tenant) = self.tenant_mut(segment) {
                tenant.people.sessions.insert(text.clone(), user);
            }
            cookie = Some(format!("{COOKIE}={text}; Path=/; HttpOnly"));
        }
        let answer = self.authorize(segment, &query, &act, (moment, trace));
        match cookie {
            Some(cookie) => answer.header("Set-Cookie", cookie),
            None => answer,
        }
    }

    fn tenant_mut(&mut self, segment: &str) -> Option<&mut Tenant> {
        self.tenants
            .values_mut()
            .find(|tenant| tenant.answers_to(segment))
    }

    /// By sign-in name or object id, as the buttons of the page send it.
    fn account(&self, segment: &str, name: &str) -> Option<Uuid> {
        let tenant = self.tenants.values().find(|tenant| tenant.answers_to(segment))?;
        let named = |user: &BTreeMap<_, Value>| {
            let upn = user.get("userPrincipalName").and_then(Value::as_str);
            upn.is_some_and(|upn| upn.eq_ignore_ascii_case(name.trim()))
        };
        let all = &tenant.directory.users.live;
        all.iter().find(|(_, user)| named(user)).map(|(id, _)| *id)
    }

    fn ask_who(&self, segment: &str, query: &str, problem: Option<&str>) -> Answer {
        let tenant = self.tenants.values().find(|tenant| tenant.answers_to(segment));
        tenant.map_or_else(
            || Answer::empty(404),
            |tenant| sign_in_page(tenant, query, problem),
        )
    }

    fn authorize(
        &mut self,
        segment: &str,
        query: &str,
        act: &Act,
        (moment, trace): (&Moment, &Trace),
    ) -> Answer {
        let request = match self.request(segment, query, moment) {
            Ok(request) => request,
            Err(error) => return error_page(&error.for_browser(trace).1),
        };
        match self.decide(&request, act, moment) {
            Ok(Decision::Ask(page)) => page,
            Ok(Decision::Code(code)) => request.send_back(&[("code", &code), ("session_state", &trace.id)]),
            Err(error) => {
                let (error, words) = error.for_browser(trace);
                request.send_back(&[("error", &error), ("error_description", &words)])
            }
        }
    }

    /// Whatever is wrong here is shown on a page of ours.
    fn request(&self, segment: &str, query: &str, moment: &Moment) -> Result<Request, SignInError> {
        let pairs: Pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let desk = SignIn {
            tenants: &self.tenants,
            origin: &moment.origin,
            now: moment.now,
            lifetime_seconds: 0,
            token_id: Uuid::nil(),
        };
        let tenant = desk.tenant(segment)?;
        let client = pairs.get("client_id").cloned().unwrap_or_default();
        let app = tenant.apps.get(&client);
        let app = app.ok_or_else(|| SignInError::new(700_016, format!("Identifier '{client}'.")))?;
        let redirect_uri = pairs.get("redirect_uri").cloned().unwrap_or_default();
        if !app.redirect_uris.contains(&redirect_uri) {
            return Err(SignInError::new(50011, format!("Address '{redirect_uri}'.")));
        }
        Ok(Request {
            tenant: tenant.id.clone(),
            client,
            redirect_uri,
            pairs,
            query: query.to_owned(),
        })
    }

    fn decide(&mut self, request: &Request, act: &Act, moment: &Moment) -> Result<Decision, SignInError> {
        request.check()?;
        let text = self.random_text();
        let tenant = self.tenants.get_mut(&request.tenant);
        let tenant = tenant.ok_or_else(|| SignInError::new(90002, String::new()))?;
        let prompt = request.pairs.get("prompt").map_or("", String::as_str);
        let asks_who = matches!(prompt, "login" | "select_account") && !act.fresh;
        let Some(user) = act.user.filter(|_| !asks_who) else {
            if prompt == "none" {
                return Err(SignInError::new(50058, String::new()));
            }
            return Ok(Decision::Ask(sign_in_page(tenant, &request.query, None)));
        };
        let props = tenant.directory.users.live.get(&user);
        if props.is_none_or(|props| props.get("accountEnabled") == Some(&json!(false))) {
            let words = "Your account has been locked. Contact your support person. (AADSTS50057)";
            return Ok(Decision::Ask(sign_in_page(tenant, &request.query, Some(words))));
        }
        if let Some(page) = request.consent(tenant, user, act.consent)? {
            return Ok(Decision::Ask(page));
        }
        let code = Code {
            client: request.client.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge(),
            nonce: request.pairs.get("nonce").cloned(),
            scopes: request.granted(tenant),
            user,
            ends_at: Code::ends(moment.now),
            used: false,
        };
        let name = format!("0.{text}");
        tenant.people.codes.insert(name.clone(), code);
        Ok(Decision::Code(name))
    }

    fn logout(&mut self, segment: &str, call: &Call) -> Answer {
        let back = call.option("post_logout_redirect_uri").map(str::to_owned);
        let cookies = call.header("cookie").unwrap_or_default().to_owned();
        let Some(tenant) = self.tenant_mut(segment) else {
            return Answer::empty(404);
        };
        for (name, value) in cookies.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            if name == COOKIE {
                tenant.people.sessions.remove(value);
            }
        }
        let known = |uri: &String| tenant.apps.values().any(|app| app.redirect_uris.contains(uri));
        let answer = match back.filter(known) {
            Some(uri) => Answer::empty(302).header("Location", uri),
            None => signed_out_page(),
        };
        answer.header("Set-Cookie", format!("{COOKIE}=; Path=/; Max-Age=0"))
    }
}

/// What becomes of a request.
enum Decision {
    Ask(Answer),
    Code(String),
}

impl Request {
    fn check(&self) -> Result<(), SignInError> {
        let response_type = self.pairs.get("response_type").map_or("", String::as_str);
        if response_type != "code" {
            return Err(SignInError::new(
                700_054,
                format!("response_type '{response_type}'."),
            ));
        }
        if self.scopes().is_empty() {
            return Err(SignInError::new(900_144, "Parameter 'scope'."));
        }
        Ok(())
    }

    fn scopes(&self) -> BTreeSet<String> {
        let text = self.pairs.get("scope").map_or("", String::as_str);
        text.split_whitespace().map(short).collect()
    }

    fn challenge(&self) -> Option<(String, String)> {
        let challenge = self.pairs.get("code_challenge")?.clone();
        let method = self.pairs.get("code_challenge_method").cloned();
        Some((method.unwrap_or_else(|| "plain".to_owned()), challenge))
    }

    /// What the token will allow: what was asked for, with `.default` standing for everything consented.
    fn granted(&self, tenant: &Tenant) -> BTreeSet<String> {
        let mut scopes = self.scopes();
        if scopes.remove(".default")
            && let Some(app) = tenant.apps.get(&self.client)
        {
            scopes.extend(app.delegated.iter().cloned());
        }
        scopes
    }

    /// The consent page, or `None` where nothing is left to ask. `.default` asks for all that is registered on the app,
    /// application permissions too, and those only an administrator may grant.
    fn consent(
        &self,
        tenant: &mut Tenant,
        user: Uuid,
        said: Option<bool>,
    ) -> Result<Option<Answer>, SignInError> {
        let name = tenant.name.clone();
        let administrator = tenant.people.administrators.contains(&user);
        let app = tenant.apps.get_mut(&self.client);
        let app = app.ok_or_else(|| SignInError::new(700_016, String::new()))?;
        let asked = self.asked(app);
        let insists = self.pairs.get("prompt").is_some_and(|prompt| prompt == "consent");
        let open = !asked.delegated.is_empty() || asked.roles_open;
        if said == Some(false) {
            return Err(SignInError::new(65004, String::new()));
        }
        if (open || insists) && said.is_none() {
            if asked.roles_open && !administrator {
                return Err(SignInError::new(90094, String::new()));
            }
            return Ok(Some(consent_page(&name, &asked, &self.query)));
        }
        if open && said == Some(true) {
            if asked.roles_open && !administrator {
                return Err(SignInError::new(90094, String::new()));
            }
            app.consent |= asked.roles_open;
            if asked.roles_open {
                app.roles.append(&mut app.registered);
            }
            app.delegated.extend(asked.delegated);
        }
        Ok(None)
    }

    fn asked(&self, app: &App) -> Asked {
        let scopes = self.scopes();
        let everything = scopes.contains(".default");
        let delegated = scopes
            .iter()
            .filter(|scope| !FREE.contains(&scope.as_str()) && *scope != ".default")
            .filter(|scope| !app.delegated.contains(*scope))
            .cloned();
        Asked {
            app: app.display_name.clone(),
            tenant: self.tenant.clone(),
            delegated: delegated.collect(),
            roles: if everything {
                app.roles.union(&app.registered).cloned().collect()
            } else {
                BTreeSet::new()
            },
            roles_open: everything && (!app.registered.is_empty() || !app.consent && !app.roles.is_empty()),
        }
    }

    fn send_back(&self, with: &[(&str, &str)]) -> Answer {
        let state = self.pairs.get("state").map(|state| ("state", state.as_str()));
        let all: Vec<(&str, &str)> = with.iter().copied().chain(state).collect();
        if self
            .pairs
            .get("response_mode")
            .is_some_and(|mode| mode == "form_post")
        {
            return form_post_page(&self.redirect_uri, &all);
        }
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return error_page("The redirect URI is no address.");
        };
        if self
            .pairs
            .get("response_mode")
            .is_some_and(|mode| mode == "fragment")
        {
            let fragment = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&all)
                .finish();
            url.set_fragment(Some(&fragment));
        } else {
            url.query_pairs_mut().extend_pairs(&all);
        }
        Answer::empty(302).header("Location", url.as_str())
    }
}
