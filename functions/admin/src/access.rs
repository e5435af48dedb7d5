//! Who may call what. Runs before anything of the request but its headers is read.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use shared::domain::role::Role;

use crate::AdminState;
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

/// Lets a request through if its token's role is enough.
pub async fn authorize(
    State((state, needed)): State<(AdminState, Role)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let role = role_of(&state, request.headers()).await?;
    if !role.allows(needed) {
        return Err(Problem::new(
            Kind::Forbidden,
            format!("this call needs a token with role {}", name(needed)),
        ));
    }
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

async fn role_of(state: &AdminState, headers: &HeaderMap) -> Result<Role, Problem> {
    let refused = || {
        Problem::new(
            Kind::Unauthorized,
            "send a valid API token as Authorization: Bearer <token>",
        )
    };
    let hash = TokenHash::of(bearer(headers).ok_or_else(refused)?);
    if state.bootstrap.is_some_and(|bootstrap| bootstrap.matches(&hash)) {
        return Ok(Role::Admin);
    }
    let token = state.engine.store.api_token(&hash.hex()).await?;
    let now = state.engine.clock.now();
    token
        .filter(|token| token.expires_at.is_none_or(|end| now < end))
        .map(|token| token.role)
        .ok_or_else(refused)
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
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= MAX_TOKEN).then_some(token)
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
