//! Certificates of an app registration as admins see them: nothing of a key.

use jiff::Timestamp;
use serde::Serialize;
use shared::app_certificate::{CertificateFacts, CertificateProblem, facts};
use shared::domain::connection::{AppCertificate, AppCredential};

/// How the app proves itself, and what waits to take its place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CertificatesView {
    /// The certificate that proves the app; without one a client secret does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use: Option<CertificateView>,
    /// Made here, and not in use yet: the app registration must list it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<CertificateView>,
}

/// A certificate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CertificateView {
    pub subject: String,
    #[schema(value_type = String, format = DateTime)]
    pub begins_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// SHA-1, by which the Entra portal lists it.
    pub thumbprint: String,
    pub thumbprint_sha256: String,
    /// To be uploaded under Certificates & secrets of the app registration.
    pub certificate_pem: String,
}

impl CertificatesView {
    /// Of the proof in use and of the one that waits.
    pub fn of(app: &AppCredential, waiting: Option<&AppCertificate>) -> Result<Self, CertificateProblem> {
        let in_use = match app {
            AppCredential::Secret(_) => None,
            AppCredential::Certificate(own) => Some(own),
        };
        Ok(Self {
            in_use: in_use.map(CertificateView::of).transpose()?,
            waiting: waiting.map(CertificateView::of).transpose()?,
        })
    }
}

impl CertificateView {
    /// Of one.
    pub fn of(certificate: &AppCertificate) -> Result<Self, CertificateProblem> {
        let CertificateFacts {
            subject,
            begins_at,
            ends_at,
            thumbprint,
            thumbprint_sha256,
        } = facts(&certificate.certificate_pem)?;
        Ok(Self {
            subject,
            begins_at,
            ends_at,
            thumbprint,
            thumbprint_sha256,
            certificate_pem: certificate.certificate_pem.clone(),
        })
    }
}
