//! The one script of the console. Every page works without it.

use axum::http::{HeaderName, header};

const SCRIPT: &str = include_str!("../../templates/console.js");

/// `GET /console/assets/console.js`.
pub async fn script() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}
