//! The channel to an address of the admin's choice. The rules for addresses of PBXs hold here too, when it is saved and when
//! it is connected to: nobody makes us speak to our own network. What is posted is signed, so that a receiver knows us.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::header;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use url::Url;

use crate::http::{HttpOptions, client};
use crate::pbx::{AddressRefused, GuardedResolver, PbxAddress};
use crate::settings::AddressPolicy;
use crate::telemetry::chain;

/// Holds `t=` (seconds since 1970) and one `v1=` for each secret that is good: HMAC-SHA-256, in hex, over the time, a dot
/// and the body.
pub const SIGNATURE_HEADER: &str = "connector-signature";

/// A receiver that takes longer should store first and work after.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest address.
const LONGEST: usize = 2000;
/// Makes a secret known as what it is where it turns up.
const PREFIX: &str = "whsec_";

/// An address that alerts may be posted to.
#[derive(Debug, Clone)]
pub struct WebhookAddress {
    url: Url,
    host: PbxAddress,
}

impl WebhookAddress {
    /// Accepts `https://host/path?query`, where the policy lets us reach the host.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, String> {
        let example = || "must be an address like https://alerts.example.com/hook".to_owned();
        if text.len() > LONGEST {
            return Err(format!("may have {LONGEST} characters"));
        }
        let url = Url::parse(text).map_err(|_| example())?;
        if url.fragment().is_some() {
            return Err("must not hold `#`".to_owned());
        }
        let host = PbxAddress::parse(origin(text).ok_or_else(example)?, policy);
        let host = host.map_err(|refused| refused.to_string())?;
        // Were the two read differently, something other than what was judged would be called.
        if host.url().origin() != url.origin() {
            return Err(example());
        }
        Ok(Self { url, host })
    }

    /// Posts a document once. Answers why it did not arrive, as a sentence for the admin.
    pub(super) async fn post(
        &self,
        document: &str,
        secrets: &[SecretString],
        now: Timestamp,
    ) -> Result<(), String> {
        let http = client(&self.options()).map_err(|error| chain(&error).to_string())?;
        let answer = http
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, signature(secrets, now, document))
            .body(document.to_owned())
            .send()
            .await
            .map_err(|error| why(&error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else if status.is_redirection() {
            Err(format!(
                "HTTP status {}; redirects are not followed",
                status.as_u16()
            ))
        } else {
            Err(format!("HTTP status {}", status.as_u16()))
        }
    }

    fn options(&self) -> HttpOptions {
        HttpOptions {
            connect_timeout: PATIENCE,
            total_timeout: PATIENCE,
            gzip: false,
            pool_max_idle_per_host: 0,
            plain_http: self.url.scheme() == "http",
            resolver: Some(Arc::new(GuardedResolver::new(self.host.clone()))),
            ..HttpOptions::default()
        }
    }
}

/// Scheme, host and port as they are written.
fn origin(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    text.get(..scheme.len() + "://".len() + host)
}

/// The address itself may hold a token of the receiver's, so no error shows it.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", PATIENCE.as_secs());
    }
    let mut cause = error.source();
    while let Some(deeper) = cause {
        if let Some(refused) = deeper.downcast_ref::<AddressRefused>() {
            return refused.to_string();
        }
        if let Some(rustls::Error::InvalidCertificate(problem)) = deeper.downcast_ref() {
            return format!("its certificate is not trusted ({problem})");
        }
        // An I/O error shows what it wraps through `get_ref` alone.
        let wrapped = deeper
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => deeper.source(),
        };
    }
    if error.is_connect() {
        "no connection to it".to_owned()
    } else {
        "the connection broke off".to_owned()
    }
}

/// A secret that nobody can foretell.
pub fn new_secret() -> SecretString {
    let random: [u8; 32] = rand::random();
    SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

fn signature(secrets: &[SecretString], now: Timestamp, document: &str) -> String {
    let time = now.as_second();
    let mut header = format!("t={time}");
    for secret in secrets {
        let key = secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(format!("{time}.").as_bytes());
        mac.update(document.as_bytes());
        header.push_str(",v1=");
        header.push_str(&hex::encode(mac.finalize().into_bytes()));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 55, 56
    #[test]
    fn addresses_that_lead_to_us_are_refused_and_others_may_have_a_path() {
        for good in [
            "https://alerts.example.com",
            "https://alerts.example.com/hook/a?b=c",
            "https://alerts.example.com:8443/hook",
        ] {
            assert!(
                WebhookAddress::parse(good, AddressPolicy::Public).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "http://alerts.example.com/hook",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00:ec2::254]/",
            "https://127.0.0.1/hook",
            "https://localhost/hook",
            "https://10.0.0.1/hook",
            "https://2130706433/hook",
            "https://me:secret@alerts.example.com/hook",
            "https://alerts.example.com:9001/hook",
            "https://alerts.example.com/#hook",
            "https://alerts.example.com\\@10.0.0.1/hook",
            "ftp://alerts.example.com/hook",
            "alerts.example.com",
            "",
        ] {
            assert!(
                WebhookAddress::parse(bad, AddressPolicy::Public).is_err(),
                "{bad}"
            );
        }
        let near = "http://127.0.0.1:8080/hook";
        assert!(WebhookAddress::parse(near, AddressPolicy::Loopback).is_ok());
        assert!(WebhookAddress::parse(near, AddressPolicy::Private).is_err());
        assert!(WebhookAddress::parse("https://10.0.0.1/hook", AddressPolicy::Private).is_ok());
        let metadata = "https://169.254.169.254/";
        assert!(WebhookAddress::parse(metadata, AddressPolicy::Loopback).is_err());
    }

    #[test]
    fn a_signature_is_the_one_that_openssl_makes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let secrets = [SecretString::from("whsec_test"), SecretString::from("whsec_old")];
        let header = signature(&secrets, now, r#"{"a":1}"#);
        assert_eq!(
            header,
            "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789,v1=b9d801502bb535e960ee9aeee7a294b082bda5089d79c7db610b85116ce6faa6"
        );
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (new_secret(), new_secret());
        assert!(one.expose_secret().len() > 40 && one.expose_secret() != other.expose_secret());
    }
}
