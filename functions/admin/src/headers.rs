//! The router with what holds for every answer, refusals included: headers, body limit, problems for unknown paths and
//! methods, and an answer even where a handler panicked.

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Response, header};
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::AdminState;
use crate::access::refuse_method_override;
use crate::body::MAX_BYTES;
use crate::connect;
use crate::console;
use crate::problem::{Kind, Problem};
use crate::routes::guarded;

/// The whole Admin API.
pub fn router(state: AdminState) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    let unless_set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    guarded(&state)
        .merge(connect::routes())
        .merge(console::routes(&state))
        .fallback(|| async { Problem::new(Kind::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                Kind::MethodNotAllowed,
                "this path has other methods; /openapi.json lists them",
            )
        })
        .with_state(state)
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .layer(from_fn(refuse_method_override))
        .layer(CatchPanicLayer::custom(answer_a_panic))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Pages have their own, with which their forms say where they come from, and which allows their one style.
        .layer(unless_set(header::REFERRER_POLICY, "no-referrer"))
        .layer(unless_set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
}

/// What panicked may hold anything, so none of it is written down here; the panic hook names the place.
fn answer_a_panic(_payload: Box<dyn Any + Send>) -> Response<axum::body::Body> {
    tracing::error!("a request handler panicked");
    Problem::new(
        Kind::Internal,
        "the request could not be completed; the log says why",
    )
    .into_response()
}
