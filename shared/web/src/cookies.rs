//! Cookies as they are sent. All are `__Host-`: for this very host, over TLS (or to this machine), out of reach of scripts.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieKind {
    /// A sign-in under way.
    SignIn,
    /// A person's own page.
    Me,
    /// The console.
    Console,
    /// The language that somebody chose.
    Language,
}

impl CookieKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "__Host-sign-in",
            Self::Me => "__Host-me",
            Self::Console => "__Host-console",
            Self::Language => "__Host-language",
        }
    }

    /// How long the browser keeps it; `None`: until it is closed.
    fn seconds(self) -> Option<i64> {
        match self {
            Self::SignIn => Some(600),
            Self::Me | Self::Console => None,
            Self::Language => Some(365 * 24 * 3600),
        }
    }

    /// Whoever comes back from Microsoft comes from another site, so `Strict` would hide these.
    fn base(self, value: String) -> Cookie<'static> {
        Cookie::build((self.name(), value))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .build()
    }
}

/// The value of `Set-Cookie`.
pub fn write_cookie(kind: CookieKind, value: String) -> HeaderValue {
    let mut cookie = kind.base(value);
    if let Some(seconds) = kind.seconds() {
        cookie.set_max_age(Duration::seconds(seconds));
    }
    header_value(&cookie)
}

/// The value of `Set-Cookie` that takes a cookie away.
pub fn clear_cookie(kind: CookieKind) -> HeaderValue {
    let mut cookie = kind.base(String::new());
    cookie.set_max_age(Duration::ZERO);
    header_value(&cookie)
}

fn header_value(cookie: &Cookie<'_>) -> HeaderValue {
    let mut value = HeaderValue::from_str(&cookie.to_string())
        .expect("names are fixed, values are base64url and full stops");
    value.set_sensitive(true);
    value
}

/// The cookie of a request; `None` too where there are two of that name, for nobody can tell which is ours.
pub fn read_cookie(headers: &HeaderMap, kind: CookieKind) -> Option<&str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == kind.name())
        .map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
        for kind in [CookieKind::SignIn, CookieKind::Me, CookieKind::Console] {
            for value in [write_cookie(kind, "v.p".to_owned()), clear_cookie(kind)] {
                let text = value.to_str().unwrap();
                assert!(text.starts_with("__Host-"), "{text}");
                for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                    assert!(text.contains(part), "{text}");
                }
                assert!(!text.contains("Domain"), "{text}");
            }
        }
        assert!(
            clear_cookie(CookieKind::Me)
                .to_str()
                .unwrap()
                .contains("Max-Age=0")
        );
    }

    #[test]
    fn of_two_cookies_of_one_name_neither_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; __Host-me=x; b=2"));
        assert_eq!(read_cookie(&headers, CookieKind::Me), Some("x"));
        assert_eq!(read_cookie(&headers, CookieKind::Console), None);
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-me=y"));
        assert_eq!(read_cookie(&headers, CookieKind::Me), None);
    }
}
