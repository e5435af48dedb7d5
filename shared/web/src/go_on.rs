//! The way from a form of ours to another origin. Browsers hold the redirects that answer a form to the policy of the page
//! it stood on, which knows our origin alone. This page ends such a chain: the step from it begins a new one.

use askama::Template;
use http::StatusCode;

use crate::page::{Page, STYLE};
use crate::words::{Language, Words};

/// A page that goes on by itself, and by a link where a browser does not.
#[derive(Template)]
#[template(path = "go_on.html")]
struct GoOn<'a> {
    language: Language,
    words: Words,
    to: &'a str,
}

impl GoOn<'_> {
    #[expect(clippy::unused_self, reason = "the layout asks each page")]
    fn style(&self) -> &'static str {
        STYLE
    }
}

/// Answers a form whose way leads on to Microsoft. `to` is an address of ours, never one that a request named; making the
/// page does not open it.
pub fn go_on(language: Language, to: &str) -> Page {
    let page = GoOn {
        language,
        words: Words(language),
        to,
    };
    Page::of(&page, StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::response::IntoResponse as _;
    use http::header;

    use super::*;

    async fn sent(language: Language, to: &str) -> String {
        let response = go_on(language, to).into_response();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key(header::LOCATION));
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("form-action 'self';"), "{policy}");
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn it_goes_on_by_itself_and_by_a_link_in_both_languages() {
        for (language, link) in [(Language::English, "Continue"), (Language::Chinese, "继续")] {
            let html = sent(
                language,
                "https://connector.example.com/connect/start?attempt=a-_9",
            )
            .await;
            for part in [
                "<meta http-equiv=\"refresh\" content=\"0; url=https://connector.example.com/connect/start?attempt=a-_9\">",
                "href=\"https://connector.example.com/connect/start?attempt=a-_9\"",
                link,
            ] {
                assert!(html.contains(part), "{part}: {html}");
            }
            assert!(!html.contains("<script") && !html.contains("<form"), "{html}");
        }
    }

    // case: 48
    #[tokio::test]
    async fn its_address_stays_an_address() {
        let html = sent(Language::English, "/me?a=\"><script>alert(1)</script>").await;
        assert!(!html.contains("<script") && !html.contains("a=\""), "{html}");
    }
}
