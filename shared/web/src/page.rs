//! A page with the headers that keep it to itself: no scripts, no frames, nothing from elsewhere, nothing kept.

use std::sync::LazyLock;

use askama::Template;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::words::Language;

/// The look of every page.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src {}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        style_policy()
    );
    HeaderValue::from_str(&policy).expect("a policy of plain words is a header")
});

/// The same for pages with our one script, which fetches from here alone.
static POLICY_WITH_SCRIPT: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        style_policy()
    );
    HeaderValue::from_str(&policy).expect("a policy of plain words is a header")
});

/// What allows the one style of every page, and no other, in a content security policy.
pub fn style_policy() -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE.as_bytes())))
}

/// A page that is ready to be sent.
#[derive(Debug)]
pub struct Page {
    status: StatusCode,
    html: String,
    policy: &'static LazyLock<HeaderValue>,
}

/// A page of sentences.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct Notice {
    /// Its language.
    pub language: Language,
    /// Its heading.
    pub title: String,
    /// What it says.
    pub paragraphs: Vec<String>,
    /// A list below.
    pub items: Vec<String>,
    /// Where to go on.
    pub links: Vec<Link>,
}

/// Where to go on.
#[derive(Debug, Clone)]
pub struct Link {
    /// The address: a path of ours.
    pub href: String,
    /// What it is called.
    pub text: String,
}

impl Notice {
    #[expect(clippy::unused_self, reason = "the layout asks each page")]
    fn style(&self) -> &'static str {
        STYLE
    }

    /// Ready to be sent with this status.
    pub fn page(&self, status: StatusCode) -> Page {
        Page::of(self, status)
    }
}

impl Page {
    /// Of a template.
    pub fn of(template: &impl Template, status: StatusCode) -> Self {
        match template.render() {
            Ok(html) => Self {
                status,
                html,
                policy: &POLICY,
            },
            Err(error) => {
                tracing::error!(%error, "a page could not be made");
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    html: String::new(),
                    policy: &POLICY,
                }
            }
        }
    }

    /// The same page with the right to run the script of its own origin.
    #[must_use]
    pub fn with_script(mut self) -> Self {
        self.policy = &POLICY_WITH_SCRIPT;
        self
    }

    /// The style for templates of other crates.
    pub fn style() -> &'static str {
        STYLE
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.html).into_response();
        let fixed: [(HeaderName, HeaderValue); 6] = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::clone(self.policy)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            // With `no-referrer` a browser says that a form of ours comes from nowhere (`Origin: null`).
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        ];
        for (name, value) in fixed {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 48, 53
    #[test]
    fn a_page_escapes_what_it_is_told_and_is_nobodys_frame() {
        let notice = Notice {
            language: Language::English,
            title: "<script>alert(1)</script>".to_owned(),
            paragraphs: vec!["\"><img src=x onerror=alert(1)>".to_owned()],
            items: vec!["<b>".to_owned()],
            links: vec![Link {
                href: "/me?a=\"onclick=\"x".to_owned(),
                text: "</a>".to_owned(),
            }],
        };
        let page = notice.page(StatusCode::OK);
        assert!(!page.html.contains("<script") && !page.html.contains("<img") && !page.html.contains("<b>"));
        assert!(!page.html.contains("\"onclick"));
        let response = page.into_response();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "same-origin");
    }
}
