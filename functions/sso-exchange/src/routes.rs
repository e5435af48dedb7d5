//! The routes, with what holds for every answer: nothing kept, nothing framed, and an answer even where a handler panicked.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::callback::{CALLBACK, callback};
use crate::login::login;
use crate::me::{me, sign_out};
use crate::presence_form::save_presence;
use crate::state::SsoState;
use crate::token::token;

/// A code, an address and a verifier take a tenth of this.
const LARGEST_BODY: usize = 16 * 1024;

/// All routes of the function.
pub fn router(state: SsoState) -> Router {
    let unless_set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/login", get(login))
        .route(CALLBACK, get(callback))
        .route("/sso/token", post(token))
        .route("/me", get(me))
        .route("/me/presence", post(save_presence))
        .route("/me/sign-out", post(sign_out))
        .with_state(state)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // What panicked may hold anything, so none of it is written down; the panic hook names the place.
        .layer(CatchPanicLayer::custom(|_| {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }))
        .layer(unless_set(header::CACHE_CONTROL, "no-store"))
        .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(header::REFERRER_POLICY, "no-referrer"))
        .layer(unless_set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
}
