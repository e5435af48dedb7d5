//! A key and a certificate as an admin sends them.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use shared::app_certificate::{CertificateProblem, checked};
use shared::domain::connection::AppCertificate;
use shared::domain::settings_check::FieldProblem;

use super::connection_input::SecretText;

/// The longest keys that are taken have a third of this.
const MAX_PEM: usize = 20_000;

/// A certificate that the app registration lists, with its private key.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateInput {
    /// The RSA private key, PEM (PKCS#8 or PKCS#1), without a passphrase.
    private_key_pem: SecretText,
    /// The X.509 certificate, PEM.
    certificate_pem: String,
}

impl CertificateInput {
    /// The pair, if it is one and counts now; pointers begin with `at`.
    pub fn pair(&self, at: &str, now: Timestamp) -> Result<AppCertificate, FieldProblem> {
        self.judged(now).map_err(|problem| {
            let field = if problem.is_of_the_key() {
                "private_key_pem"
            } else {
                "certificate_pem"
            };
            FieldProblem::new(format!("{at}/{field}"), problem.to_string())
        })
    }

    fn judged(&self, now: Timestamp) -> Result<AppCertificate, CertificateProblem> {
        let key = &self.private_key_pem.0;
        if key.expose_secret().len() > MAX_PEM {
            return Err(CertificateProblem::Key);
        }
        if self.certificate_pem.len() > MAX_PEM {
            return Err(CertificateProblem::Certificate);
        }
        checked(key, &self.certificate_pem, now)
    }
}
