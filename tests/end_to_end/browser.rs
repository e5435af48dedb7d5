//! A browser before the functions: keeps cookies as browsers do, follows nothing by itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use tower::ServiceExt as _;
use url::Url;

/// Where the world reaches the functions of these tests.
pub const ORIGIN: &str = "https://connector.example.com";

/// One browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub language: Option<&'static str>,
    /// What it, or somebody in between, says it was sent to.
    pub host: Option<&'static str>,
}

/// What it was sent.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Browser {
    /// A fresh one before these routes.
    pub fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: BTreeMap::new(),
            language: None,
            host: None,
        }
    }

    /// Opens an address of ours, given whole or by its path.
    pub async fn open(&mut self, address: &str) -> Got {
        let path = address.strip_prefix(ORIGIN).unwrap_or(address).to_owned();
        self.send(Request::builder().method(Method::GET).uri(path), Body::empty())
            .await
    }

    /// Asks for the head of an address, as scanners of links do.
    pub async fn head(&mut self, address: &str) -> Got {
        let path = address.strip_prefix(ORIGIN).unwrap_or(address).to_owned();
        self.send(Request::builder().method(Method::HEAD).uri(path), Body::empty())
            .await
    }

    /// Sends a form of a page of ours.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Got {
        self.post_from(ORIGIN, path, form).await
    }

    /// Sends a form that a page of this origin made.
    pub async fn post_from(&mut self, origin: &str, path: &str, form: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Body) -> Got {
        let pairs: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut request = request.header(header::COOKIE, pairs.join("; "));
        if let Some(language) = self.language {
            request = request.header(header::ACCEPT_LANGUAGE, language);
        }
        if let Some(host) = self.host {
            request = request
                .header(header::HOST, host)
                .header("x-forwarded-host", host)
                .header(header::FORWARDED, format!("host={host};proto=http"));
        }
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(set.to_str().unwrap());
        }
        Got {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    fn keep(&mut self, set: &str) {
        let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
        if set.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Got {
    /// Where it sends the browser.
    #[track_caller]
    pub fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::FOUND, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// Where a page takes the browser that ends the redirects of a form.
    #[track_caller]
    pub fn goes_on(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert!(!self.headers.contains_key(header::LOCATION));
        let rest = self
            .text
            .split("http-equiv=\"refresh\" content=\"0; url=")
            .nth(1)
            .unwrap();
        let to = rest.split('"').next().unwrap();
        assert!(self.text.contains(&format!("href=\"{to}\"")), "{}", self.text);
        to.to_owned()
    }

    #[track_caller]
    pub fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert!(self.text.contains(words), "{}", self.text);
    }
}

/// A parameter of an address.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The same address with another value of a parameter.
pub fn with(address: &str, name: &str, value: &str) -> String {
    let mut url = Url::parse(address).unwrap();
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(key, _)| key != name)
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs)
        .append_pair(name, value);
    url.into()
}
