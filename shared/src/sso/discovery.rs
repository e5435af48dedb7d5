//! What the provider says of itself. Believed only if it names the very issuer that was asked for, and only addresses as
//! safe as that one.

use serde::Deserialize;
use url::Url;

use super::error::SsoError;
use crate::http::is_loopback;

/// Addresses of one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    pub end_session_endpoint: Option<Url>,
    /// Answers carry `iss` (RFC 9207), so one without it is not the issuer's.
    pub names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where the document of an issuer lies.
pub(super) fn address(issuer: &str) -> Result<Url, SsoError> {
    Url::parse(&format!("{issuer}/.well-known/openid-configuration"))
        .map_err(|_| SsoError::Discovery("its issuer is no address"))
}

/// Reads the document of `issuer`.
pub(super) fn read(issuer: &str, body: &[u8]) -> Result<Metadata, SsoError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| SsoError::Discovery("the document lacks an address"))?;
    if document.issuer != issuer {
        return Err(SsoError::Discovery("it names another issuer"));
    }
    let asked = Url::parse(issuer).map_err(|_| SsoError::Discovery("its issuer is no address"))?;
    let endpoint = |text: &str| safe(&asked, text);
    Ok(Metadata {
        authorization_endpoint: endpoint(&document.authorization_endpoint)?,
        token_endpoint: endpoint(&document.token_endpoint)?,
        jwks_uri: endpoint(&document.jwks_uri)?,
        end_session_endpoint: document
            .end_session_endpoint
            .as_deref()
            .map(endpoint)
            .transpose()?,
        names_itself: document.authorization_response_iss_parameter_supported,
        issuer: document.issuer,
    })
}

/// https, or plain http on this machine where the issuer is on it, too.
fn safe(issuer: &Url, text: &str) -> Result<Url, SsoError> {
    let url = Url::parse(text).map_err(|_| SsoError::Discovery("an address in it does not read"))?;
    let near = url.scheme() == "http" && is_loopback(&url) && is_loopback(issuer);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if (url.scheme() == "https" || near) && bare {
        Ok(url)
    } else {
        Err(SsoError::Discovery("an address in it is not safe to use"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://login.example.com/t/v2.0";

    fn document() -> Value {
        json!({
            "issuer": ISSUER, "authorization_endpoint": "https://login.example.com/t/authorize",
            "token_endpoint": "https://login.example.com/t/token", "jwks_uri": "https://login.example.com/t/keys",
            "end_session_endpoint": "https://login.example.com/t/logout",
        })
    }

    #[test]
    fn the_issuers_own_document_is_read() {
        let read = read(ISSUER, document().to_string().as_bytes()).unwrap();
        assert_eq!(read.issuer, ISSUER);
        assert_eq!(read.jwks_uri.path(), "/t/keys");
        assert!(!read.names_itself);
    }

    // case: 36
    #[test]
    fn a_document_of_another_issuer_or_with_unsafe_addresses_is_refused() {
        let bends = [
            json!({"issuer": "https://login.example.com/other/v2.0"}),
            json!({"issuer": "https://login.example.com/t/v2.0/"}),
            json!({"issuer": "http://login.example.com/t/v2.0"}),
            json!({"jwks_uri": "http://login.example.com/t/keys"}),
            json!({"token_endpoint": "http://127.0.0.1/token"}),
            json!({"token_endpoint": "https://me:secret@login.example.com/token"}),
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            json!({"authorization_endpoint": 1}),
            json!({"end_session_endpoint": "file:///etc/passwd"}),
        ];
        for bend in bends {
            let mut bent = document();
            bent.as_object_mut()
                .unwrap()
                .extend(bend.as_object().unwrap().clone());
            let refused = read(ISSUER, bent.to_string().as_bytes());
            assert!(matches!(refused, Err(SsoError::Discovery(_))), "{bend}");
        }
        assert!(read(ISSUER, b"<html>").is_err());
    }
}
