//! Whether a request that changes something comes from a page of ours. A cookie goes along with every request, whoever made
//! the browser send it; what only our page knows, and what the browser says of the sender, tell the two apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, header};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The word that a page sends back; only who knows the session's secret can make it.
pub fn csrf_token(session_secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(proof(session_secret).finalize().into_bytes())
}

fn proof(session_secret: &str) -> Hmac<Sha256> {
    let key = session_secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(b"csrf v1");
    mac
}

/// Whether this is that word.
pub fn csrf_token_is(session_secret: &str, sent: &str) -> bool {
    csrf_token(session_secret)
        .as_bytes()
        .ct_eq(sent.as_bytes())
        .into()
}

/// Whether the browser says that another site made it send this. Silence is no such statement: old browsers and programs
/// keep it, and the word decides.
pub fn comes_from_another_site(headers: &HeaderMap, own_origin: &str) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("unreadable"))
    };
    let site_differs = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let origin_differs = text(header::ORIGIN.as_str()).is_some_and(|origin| origin != own_origin);
    site_differs || origin_differs
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    // case: 46
    #[test]
    fn the_word_of_another_session_is_refused() {
        let word = csrf_token("one");
        assert!(csrf_token_is("one", &word));
        for wrong in ["", "x", &csrf_token("two"), &word[1..]] {
            assert!(!csrf_token_is("one", wrong));
        }
    }

    // case: 46
    #[test]
    fn a_foreign_origin_or_site_is_known_by_the_browsers_own_words() {
        let own = "https://connector.example.com";
        let rows = [
            (None, None, false),
            (Some(own), Some("same-origin"), false),
            (None, Some("none"), false),
            (Some("https://evil.example"), None, true),
            (Some("null"), None, true),
            (Some("http://connector.example.com"), None, true),
            (None, Some("cross-site"), true),
            (Some(own), Some("same-site"), true),
        ];
        for (origin, site, foreign) in rows {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            assert_eq!(
                comes_from_another_site(&headers, own),
                foreign,
                "{origin:?} {site:?}"
            );
        }
    }
}
