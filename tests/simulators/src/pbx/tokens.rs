//! Access and refresh tokens. An application never holds more live access tokens than the cap, and a
//! refreshed pair takes the place of the old one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::call::{Application, Call};
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::state::State;
use super::validation::Checker;

/// The pairs given out and not yet forgotten.
#[derive(Default)]
pub struct Tokens {
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
}

struct Access {
    application: Application,
    expires: Timestamp,
}

struct Refresh {
    application: Application,
    expires: Timestamp,
    access: String,
}

impl Tokens {
    /// The application a token speaks for, while it lives.
    pub fn application(&self, token: &str, now: Timestamp) -> Option<Application> {
        self.access
            .get(token)
            .filter(|access| access.expires > now)
            .map(|access| access.application)
    }

    /// Live access tokens of an application.
    pub fn held(&self, application: Application) -> usize {
        self.access
            .values()
            .filter(|access| access.application == application)
            .count()
    }

    /// Ends every token.
    pub fn revoke_all(&mut self) {
        *self = Self::default();
    }

    /// Forgets what has expired, which frees its slots.
    pub fn prune(&mut self, now: Timestamp) {
        self.access.retain(|_, access| access.expires > now);
        self.refresh.retain(|_, refresh| refresh.expires > now);
    }

    fn revoke(&mut self, access: &str) {
        self.access.remove(access);
        self.refresh.retain(|_, refresh| refresh.access != access);
    }
}

/// `get_token`: the credentials were found to be `application`'s.
pub fn get(state: &mut State, application: Application) -> Reply {
    let now = state.clock.now();
    state.tokens.prune(now);
    if state.tokens.held(application) >= state.settings.behaviour.token_cap {
        return Err(Refusal::new(code::LIMIT));
    }
    Ok(issue(state, application))
}

/// Whose credentials a `get_token` body holds; `None` is nobody's.
pub fn credentials_of(state: &State, call: &Call) -> Result<Option<Application>, Refusal> {
    let mut checker = Checker::new(&call.body, &state.settings.behaviour);
    checker.require(&["username", "password"]);
    let id = checker.text("username", |_| true);
    let secret = checker.text("password", |_| true);
    checker.finish()?;
    let (Some(id), Some(secret)) = (id, secret) else {
        return Ok(None);
    };
    let credentials = &state.credentials;
    let is = |pair: &super::config::KeyPair| pair.id == id && pair.secret == secret;
    if is(&credentials.api) {
        return Ok(Some(Application::Api));
    }
    Ok(credentials
        .sdk
        .as_ref()
        .filter(|pair| is(pair))
        .map(|_| Application::Sdk))
}

/// The application a refresh token belongs to, for the allow-list.
pub fn refresh_application(state: &State, call: &Call) -> Option<Application> {
    let token = call.body.get("refresh_token").and_then(Value::as_str)?;
    state.tokens.refresh.get(token).map(|refresh| refresh.application)
}

/// `refresh_token`.
pub fn refresh(state: &mut State, call: &Call) -> Reply {
    let mut checker = Checker::new(&call.body, &state.settings.behaviour);
    checker.require(&["refresh_token"]);
    let token = checker.text("refresh_token", |_| true);
    checker.finish()?;
    let now = state.clock.now();
    state.tokens.prune(now);
    let refused = Refusal::new(state.settings.behaviour.wrong_refresh_token_errcode);
    let Some(old) = token.as_ref().and_then(|token| state.tokens.refresh.get(token)) else {
        return Err(refused);
    };
    let (application, access) = (old.application, old.access.clone());
    let slot_is_free = state.tokens.held(application) < state.settings.behaviour.token_cap;
    let replaces = state.tokens.access.contains_key(&access);
    if !replaces && !slot_is_free {
        return Err(Refusal::new(code::LIMIT));
    }
    if let Some(token) = token {
        state.tokens.refresh.remove(&token);
    }
    if state.settings.behaviour.refresh_drops_old_access {
        state.tokens.revoke(&access);
    }
    Ok(issue(state, application))
}

/// `del_token`.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    if let Some(token) = call.query.get("access_token") {
        state.tokens.revoke(token);
    }
    done()
}

fn issue(state: &mut State, application: Application) -> Fields {
    let (access, refresh) = (state.random_text(32), state.random_text(32));
    let now = state.clock.now();
    let behaviour = &state.settings.behaviour;
    let (short, long) = (behaviour.access_token_seconds, behaviour.refresh_token_seconds);
    let after = |seconds| {
        now.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX)
    };
    state.tokens.access.insert(
        access.clone(),
        Access {
            application,
            expires: after(short),
        },
    );
    let pair = Refresh {
        application,
        expires: after(long),
        access: access.clone(),
    };
    state.tokens.refresh.insert(refresh.clone(), pair);
    fields([
        ("access_token_expire_time", short.into()),
        ("access_token", access.into()),
        ("refresh_token_expire_time", long.into()),
        ("refresh_token", refresh.into()),
    ])
}
