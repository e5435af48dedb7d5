//! Who may call what. Runs before anything of the request but its headers is read.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use shared::domain::role::Role;
use shared::store::StoreError;
use web::comes_from_another_site;

use crate::AdminState;
use crate::caller::{Caller, Reach};
use crate::console::member;
use crate::problem::{Kind, Problem};
use crate::token::TokenHash;

/// Longest token looked at, so that nobody has us hash megabytes.
const MAX_TOKEN: usize = 512;
/// Headers by which some servers let one method pass for another.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A token of this role or a higher one.
    Needs(Role),
}

/// The word of a page of ours, with each request that changes something.
const CSRF: &str = "x-csrf-token";

/// Lets a request through if its caller's role is enough and their word goes as far as what it is about.
pub async fn authorize(
    State((state, needed)): State<(AdminState, Role)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = caller_of(&state, request.headers(), request.method()).await?;
    if !caller.role.allows(needed) {
        return Err(Problem::new(
            Kind::Forbidden,
            format!("this call needs role {}", name(needed)),
        ));
    }
    if !caller
        .reach
        .covers_path(request.uri().path(), request.method().is_safe())
    {
        return Err(Problem::new(
            Kind::Forbidden,
            "your account may speak of its own connection alone",
        ));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// What a role is called in tokens and sentences.
pub fn name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

/// By the token, or else by the session of the console.
async fn caller_of(state: &AdminState, headers: &HeaderMap, method: &Method) -> Result<Caller, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let hash = TokenHash::of(bearer(headers).ok_or_else(refused)?);
        let role = known_token(state, &hash).await?.ok_or_else(refused)?;
        return Ok(Caller {
            role,
            reach: Reach::Everything,
            name: String::new(),
        });
    }
    let (caller, live) = member::caller(state, headers).await?.ok_or_else(refused)?;
    if !method.is_safe() {
        let sent = headers.get(CSRF).and_then(|value| value.to_str().ok());
        let ours = sent.is_some_and(|sent| live.is_csrf_token(sent));
        if !ours || comes_from_another_site(headers, state.door.origin.as_str()) {
            tracing::warn!(
                security.event = "csrf",
                "a request that no page of ours sent was refused"
            );
            return Err(Problem::new(
                Kind::Forbidden,
                "send the session's word as x-csrf-token, from a page of the console",
            ));
        }
    }
    Ok(caller)
}

fn refused() -> Problem {
    Problem::new(
        Kind::Unauthorized,
        "send a valid API token as Authorization: Bearer <token>",
    )
}

/// Whose role a token has; `None` for one that is not known, or has ended.
pub async fn known_token(state: &AdminState, hash: &TokenHash) -> Result<Option<Role>, StoreError> {
    if state.bootstrap.is_some_and(|bootstrap| bootstrap.matches(hash)) {
        return Ok(Some(Role::Admin));
    }
    let token = state.engine.store.api_token(&hash.hex()).await?;
    let now = state.engine.clock.now();
    Ok(token
        .filter(|token| token.expires_at.is_none_or(|end| now < end))
        .map(|token| token.role))
}

/// Whether a text can be a token at all.
pub fn plausible_token(token: &str) -> bool {
    !token.is_empty() && token.len() <= MAX_TOKEN
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    // Two headers would let two layers believe two callers.
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && plausible_token(token)).then_some(token)
}

/// Refuses requests that want their method taken for another one.
pub async fn refuse_method_override(request: Request, next: Next) -> Result<Response, Problem> {
    if METHOD_OVERRIDES
        .iter()
        .any(|name| request.headers().contains_key(*name))
    {
        return Err(Problem::new(
            Kind::MethodNotAllowed,
            "send the method itself, not a header that overrides it",
        ));
    }
    Ok(next.run(request).await)
}
