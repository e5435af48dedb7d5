//! The one place where HTTP clients are made. No client of ours follows a redirect, obeys proxy variables, repeats a
//! request by itself, waits without end, or speaks plain http to anything but this machine.

mod given;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::Resolve;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use self::given::GivenCertificates;

/// What one kind of client needs.
#[derive(Clone)]
pub struct HttpOptions {
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the last byte of the answer.
    pub total_timeout: Duration,
    /// Ask for compressed answers. The limit of [`read_limited`] counts what comes out.
    pub gzip: bool,
    /// Idle connections kept for the next request; 0 for a server that closes after each answer.
    pub pool_max_idle_per_host: usize,
    /// Allows plain http and switches https off: for a base on this machine, see [`checked_base`].
    pub plain_http: bool,
    /// Certificates (PEM) to trust besides the machine's: of authorities, or of the server itself.
    pub extra_root_ca: Option<String>,
    /// Turns names into addresses, for example only into public ones. Addresses written in a URL pass it by.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_mins(1),
            gzip: true,
            pool_max_idle_per_host: 8,
            plain_http: false,
            extra_root_ca: None,
            resolver: None,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The extra root certificate does not read.
    #[error("the root certificate is not a certificate in PEM form")]
    RootCertificate,
    /// The machine's certificates do not load.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// Anything else.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// Why an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than anything sensible.
    #[error("the answer is longer than {max_bytes} bytes")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// The connection broke off.
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
}

/// Makes a client.
pub fn client(options: &HttpOptions) -> Result<reqwest::Client, HttpSetupError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(options)?)
        .https_only(!options.plain_http)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(options.gzip)
        .connect_timeout(options.connect_timeout)
        .timeout(options.total_timeout)
        .pool_max_idle_per_host(options.pool_max_idle_per_host)
        .user_agent(concat!("entra-pbx-connector/", env!("CARGO_PKG_VERSION")));
    if let Some(resolver) = &options.resolver {
        builder = builder.dns_resolver(Arc::clone(resolver));
    }
    builder.build().map_err(HttpSetupError::Client)
}

/// Reads the body, at most `max_bytes` of it after decompression.
pub async fn read_limited(mut response: reqwest::Response, max_bytes: usize) -> Result<Vec<u8>, ReadError> {
    let promised = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if promised > max_bytes {
        return Err(ReadError::TooLong { max_bytes });
    }
    let mut body = Vec::with_capacity(promised);
    // The address of a request may hold a token.
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| ReadError::BrokenOff(e.without_url()))?
    {
        if body.len() + chunk.len() > max_bytes {
            return Err(ReadError::TooLong { max_bytes });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Accepts the base of a Microsoft address: https anywhere, plain http on this machine. No query, no credentials; a
/// slash at its end is dropped.
pub fn checked_base(text: &str) -> Result<Url, &'static str> {
    let mut base = Url::parse(text.trim_end_matches('/')).map_err(|_| "an absolute URL is expected")?;
    let plain_but_near = base.scheme() == "http" && is_loopback(&base);
    if base.scheme() != "https" && !plain_but_near {
        return Err("https is expected; plain http is accepted for loopback addresses only");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err("an address without user name and password is expected");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err("an address without query and fragment is expected");
    }
    if base.path() == "/" {
        base.set_path("");
    }
    Ok(base)
}

/// Whether the host is this machine, judged without asking a name server.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// What another side calls something, fit for a log: codes and ids have letters, digits and a few marks, and an end.
pub fn harmless(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .take(80)
        .collect()
}

fn tls(options: &HttpOptions) -> Result<ClientConfig, HttpSetupError> {
    match &options.extra_root_ca {
        Some(pem) => trusting_the_given(pem),
        None if options.plain_http => trusting_nobody(),
        None => trusting_the_machine(),
    }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider())))
}

/// Loading the machine's certificates takes milliseconds, and clients share resumable sessions this way.
fn trusting_the_machine() -> Result<ClientConfig, HttpSetupError> {
    static SHARED: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = SHARED.get() {
        return Ok(config.clone());
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(HttpSetupError::Tls)?
        .with_no_client_auth();
    Ok(SHARED.get_or_init(|| config).clone())
}

fn trusting_the_given(pem: &str) -> Result<ClientConfig, HttpSetupError> {
    let given: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| HttpSetupError::RootCertificate)?;
    if given.is_empty() {
        return Err(HttpSetupError::RootCertificate);
    }
    let verifier = GivenCertificates::new(given, provider()).map_err(HttpSetupError::Tls)?;
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(HttpSetupError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn trusting_nobody() -> Result<ClientConfig, HttpSetupError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(HttpSetupError::Tls)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "https://graph.microsoft.com/v1.0",
            "http://127.0.0.1:8080",
            "http://[::1]:1/v1.0/",
            "http://localhost",
        ] {
            assert!(checked_base(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "https://me:secret@graph.microsoft.com",
            "https://graph.microsoft.com/?a=b",
            "ftp://127.0.0.1",
            "graph.microsoft.com",
        ] {
            assert!(checked_base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn clients_are_made_with_and_without_tls() {
        let plain = HttpOptions {
            plain_http: true,
            ..HttpOptions::default()
        };
        assert!(client(&plain).is_ok());
        let no_certificate = HttpOptions {
            extra_root_ca: Some("nonsense".to_owned()),
            ..plain
        };
        assert!(matches!(
            client(&no_certificate),
            Err(HttpSetupError::RootCertificate)
        ));
    }
}
