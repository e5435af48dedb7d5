//! Certificates by which our app proves itself: made here, or brought by an admin and judged before anybody relies on them.
//! The private key leaves this module inside an [`AppCertificate`] alone.

use aws_lc_rs::digest::{self, Algorithm};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::domain::connection::AppCertificate;

/// What Microsoft takes, and what no longer counts as weak.
const LEAST_BITS: usize = 2048;
/// What the signing library takes.
const MOST_BITS: usize = 8192;
/// Clocks that are behind ours must not find a certificate that has not begun.
const BEGUN_BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// A PEM file has lines of this many characters.
const LINE: usize = 64;

/// What a certificate says of itself. Public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is, as it writes it.
    pub subject: String,
    /// From when it counts.
    pub begins_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// SHA-1 of it in hexadecimal digits, by which the Entra portal lists it.
    pub thumbprint: String,
    /// SHA-256 of it in hexadecimal digits.
    pub thumbprint_sha256: String,
}

/// Why a key and a certificate are no proof of our app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// No certificate in PEM.
    #[error("send one X.509 certificate in PEM, from BEGIN CERTIFICATE to END CERTIFICATE")]
    Certificate,
    /// Of another kind of key, or of a weak one.
    #[error("the certificate must be of an RSA key of {LEAST_BITS} to {MOST_BITS} bits")]
    Kind,
    /// It has ended.
    #[error("the certificate has ended; make another one")]
    Ended,
    /// It has not begun.
    #[error("the certificate is not valid yet; wait, or make one that is")]
    NotBegun,
    /// The key wants a passphrase.
    #[error("the key is under a passphrase; send it without one (openssl pkey -in key.pem)")]
    Locked,
    /// No private key in PEM.
    #[error("send the RSA private key in PEM (PKCS#8 or PKCS#1)")]
    Key,
    /// The key of another certificate.
    #[error("the private key is not the one of the certificate")]
    NotItsKey,
}

impl CertificateProblem {
    /// Whether the key has to be mended, not the certificate.
    pub fn is_of_the_key(self) -> bool {
        matches!(self, Self::Locked | Self::Key | Self::NotItsKey)
    }
}

/// No key pair could be made.
#[derive(Debug, thiserror::Error)]
#[error("no key pair could be made")]
pub struct NotMade(#[from] rcgen::Error);

/// A key pair with a certificate that it signed itself, for so many days.
pub fn generate(name: &str, now: Timestamp, days: u16) -> Result<AppCertificate, NotMade> {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let life = SignedDuration::from_hours(i64::from(days) * 24);
    let (from, until) = (now.saturating_sub(BEGUN_BEFORE), now.saturating_add(life));
    let [(year, month, day), (last_year, last_month, last_day)] =
        [from, until].map(|at| date(at.unwrap_or(now)));
    params.not_before = date_time_ymd(year, month, day);
    params.not_after = date_time_ymd(last_year, last_month, last_day);
    let certificate = params.self_signed(&pair)?;
    Ok(AppCertificate {
        private_key_pem: pem("PRIVATE KEY", &pair.serialize_der()).into(),
        certificate_pem: pem("CERTIFICATE", certificate.der()),
    })
}

/// A key and a certificate that somebody brought, if they belong together and count now; chains lose all but their first.
pub fn checked(
    private_key_pem: &SecretString,
    certificate_pem: &str,
    now: Timestamp,
) -> Result<AppCertificate, CertificateProblem> {
    let der = certificate_der(certificate_pem)?;
    let certificate = parsed(&der)?;
    let facts = facts_of(&der, &certificate)?;
    if facts.ends_at <= now {
        return Err(CertificateProblem::Ended);
    }
    if facts.begins_at > now {
        return Err(CertificateProblem::NotBegun);
    }
    let bits = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size(),
        _ => return Err(CertificateProblem::Kind),
    };
    if !(LEAST_BITS..=MOST_BITS).contains(&bits) {
        return Err(CertificateProblem::Kind);
    }
    let pair = key_pair(private_key_pem.expose_secret())?;
    if pair.public_key().as_ref() != certificate.public_key().subject_public_key.data.as_ref() {
        return Err(CertificateProblem::NotItsKey);
    }
    let key: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| CertificateProblem::Key)?;
    Ok(AppCertificate {
        private_key_pem: pem("PRIVATE KEY", key.as_ref()).into(),
        certificate_pem: pem("CERTIFICATE", &der),
    })
}

/// What a certificate in PEM says of itself.
pub fn facts(certificate_pem: &str) -> Result<CertificateFacts, CertificateProblem> {
    let der = certificate_der(certificate_pem)?;
    let certificate = parsed(&der)?;
    facts_of(&der, &certificate)
}

fn certificate_der(pem: &str) -> Result<CertificateDer<'static>, CertificateProblem> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateProblem::Certificate)
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateProblem> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CertificateProblem::Certificate),
    }
}

fn facts_of(
    der: &CertificateDer<'_>,
    certificate: &X509Certificate<'_>,
) -> Result<CertificateFacts, CertificateProblem> {
    let validity = certificate.validity();
    let instant = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| CertificateProblem::Certificate);
    let print = |how: &'static Algorithm| hex::encode_upper(digest::digest(how, der));
    Ok(CertificateFacts {
        subject: certificate.subject().to_string(),
        begins_at: instant(validity.not_before.timestamp())?,
        ends_at: instant(validity.not_after.timestamp())?,
        thumbprint: print(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        thumbprint_sha256: print(&digest::SHA256),
    })
}

fn key_pair(pem: &str) -> Result<rsa::KeyPair, CertificateProblem> {
    if pem.contains("ENCRYPTED") {
        return Err(CertificateProblem::Locked);
    }
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| CertificateProblem::Key)?;
    match &key {
        PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(CertificateProblem::Key),
    }
    .map_err(|_| CertificateProblem::Key)
}

/// Year, month and day, as the crate that makes certificates counts: in whole days.
fn date(at: Timestamp) -> (i32, u8, u8) {
    let date = at.to_zoned(TimeZone::UTC).date();
    (
        i32::from(date.year()),
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    )
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        lines.push(line);
        rest = after;
    }
    let text = lines.join("\n");
    format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
}

#[cfg(test)]
#[path = "app_certificate_tests.rs"]
mod tests;
