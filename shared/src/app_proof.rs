//! How our app proves to the token endpoint who it is: by its secret, or by an assertion that its certificate's key signed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::connection::{AppCertificate, AppCredential};

/// Microsoft asks for five to ten minutes.
const ASSERTION_LIFE: Duration = Duration::from_mins(5);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The stored key or certificate does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key or the certificate of the app does not read")]
pub struct UnusableCertificate;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// The fields that go into a request to `token_endpoint`.
pub(crate) fn form_fields(
    credential: &AppCredential,
    client_id: &str,
    token_endpoint: &str,
    now: Timestamp,
) -> Result<Vec<(&'static str, SecretString)>, UnusableCertificate> {
    Ok(match credential {
        AppCredential::Secret(secret) => vec![("client_secret", secret.clone())],
        AppCredential::Certificate(own) => vec![
            ("client_assertion_type", ASSERTION_TYPE.into()),
            (
                "client_assertion",
                assertion(own, client_id, token_endpoint, now)?,
            ),
        ],
    })
}

fn assertion(
    own: &AppCertificate,
    client_id: &str,
    token_endpoint: &str,
    now: Timestamp,
) -> Result<SecretString, UnusableCertificate> {
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(thumbprint(&own.certificate_pem)?);
    let begins = now.as_second();
    let claims = Claims {
        aud: token_endpoint,
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4().to_string(),
        nbf: begins,
        iat: begins,
        exp: begins.saturating_add_unsigned(ASSERTION_LIFE.as_secs()),
    };
    let key = EncodingKey::from_rsa_pem(own.private_key_pem.expose_secret().as_bytes());
    let key = key.map_err(|_| UnusableCertificate)?;
    jsonwebtoken::encode(&header, &claims, &key)
        .map(SecretString::from)
        .map_err(|_| UnusableCertificate)
}

/// `x5t#S256`: base64url SHA-256 of the certificate.
pub fn thumbprint(certificate_pem: &str) -> Result<String, UnusableCertificate> {
    let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|_| UnusableCertificate)?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)))
}
