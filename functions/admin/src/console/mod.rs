//! The console's door: signing in with Microsoft or with an API token, and out again.

mod callback;
mod home;
pub mod member;
mod sign_in;
mod sign_out;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::AdminState;

/// Registered with the app.
pub const CALLBACK: &str = "/console/callback";
/// The way in.
pub const SIGN_IN: &str = "/console/sign-in";
/// On to Microsoft.
pub const MICROSOFT: &str = "/console/sign-in/microsoft";

/// The pages of this module.
pub fn routes() -> Router<AdminState> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console") }))
        .route("/console", get(home::home))
        .route(SIGN_IN, get(sign_in::page).post(sign_in::with_token))
        .route(MICROSOFT, get(sign_in::microsoft))
        .route(CALLBACK, get(callback::callback))
        .route("/console/sign-out", post(sign_out::sign_out))
}
