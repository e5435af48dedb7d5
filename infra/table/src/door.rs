//! Who may speak to the engine: whoever knows its key, from a program on this machine. It is judged by the head of a
//! request alone, before the body is read.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::operations::refusal;

/// Where the AWS SDK puts the session token. It takes care of that as of a secret; access key ids it prints.
const KEY_HEADER: &str = "x-amz-security-token";

/// Why somebody is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// A method that DynamoDB does not know.
    Method,
    /// A browser sends it, in the name of a page. Nothing here is for pages.
    Page,
    /// A name of another's that leads to this machine: how a page reaches it as if it were the page's own (DNS rebinding).
    Host,
    /// Without the key, or with a wrong one.
    Key,
}

/// 128 random bits.
pub fn random_key() -> SecretString {
    hex::encode(rand::random::<[u8; 16]>()).into()
}

/// The routes, for those who know the key.
pub fn guarded(routes: Router, key: SecretString) -> Router {
    routes.layer(from_fn_with_state(key, keep))
}

async fn keep(State(key): State<SecretString>, request: Request, next: Next) -> Response {
    match judge(request.method(), request.uri(), request.headers(), &key) {
        Ok(()) => next.run(request).await,
        Err(refused) => answer(refused),
    }
}

fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, key: &SecretString) -> Result<(), Refused> {
    if method != Method::POST {
        return Err(Refused::Method);
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(Refused::Page);
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if uri.authority().is_some() || !host.is_some_and(is_loopback) {
        return Err(Refused::Host);
    }
    let given = headers.get(KEY_HEADER).map_or(&b""[..], |given| given.as_bytes());
    if given.ct_eq(key.expose_secret().as_bytes()).into() {
        Ok(())
    } else {
        Err(Refused::Key)
    }
}

/// Of an authority, as the header `Host` has it.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn answer(refused: Refused) -> Response {
    match refused {
        Refused::Method => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Refused::Page => refusal(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            "Pages of browsers have no access.",
        ),
        Refused::Host => refusal(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            "The host is not this machine's.",
        ),
        Refused::Key => refusal(
            StatusCode::BAD_REQUEST,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_machine_are_told_from_others() {
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8000",
            "localhost:8000",
            "LocalHost",
            "[::1]:8000",
        ] {
            assert!(is_loopback(ours), "{ours}");
        }
        for theirs in [
            "",
            "example.com",
            "127.0.0.1.example.com:8000",
            "localhost.example.com",
            "192.168.1.7:8000",
            "0.0.0.0:8000",
            "localhost@example.com",
            "[::ffff:127.0.0.1",
        ] {
            assert!(!is_loopback(theirs), "{theirs}");
        }
    }

    #[test]
    fn no_two_keys_are_alike_and_none_shows_in_a_debug_text() {
        let (one, other) = (random_key(), random_key());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 32);
        assert!(!format!("{one:?}").contains(one.expose_secret()));
    }
}
