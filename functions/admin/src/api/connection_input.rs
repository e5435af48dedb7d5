//! What is sent of a connection: text that becomes an address or a secret here, and is judged before anybody is called.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use shared::app_certificate::facts;
use shared::domain::connection::{
    AppCredential, ConnectionSecrets, ConnectionStatus, LinkusSdkCredentials, PbxCredentials,
};
use shared::domain::ids::{ClientId, TenantId};
use shared::domain::settings_check::FieldProblem;
use url::Url;

use super::certificate_input::CertificateInput;

/// Most characters of a connection's name.
const MAX_NAME: usize = 255;
/// Most bytes of a secret or an id of the PBX's; real ones have a tenth.
const MAX_CREDENTIAL: usize = 1024;

/// A secret in a body. Never printed, never sent back.
#[derive(Debug, Clone, utoipa::ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(pub SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl SecretText {
    /// Whether it can be one at all.
    pub fn is_plausible(&self) -> bool {
        use secrecy::ExposeSecret as _;
        is_credential(self.0.expose_secret())
    }
}

/// A connection to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// What admins call it.
    pub name: String,
    /// Directory (tenant) ID.
    pub tenant_id: TenantId,
    /// Application (client) ID.
    pub client_id: ClientId,
    /// The value of a client secret of the app. Either this or `certificate`.
    #[serde(default)]
    pub client_secret: Option<SecretText>,
    /// When it ends. Left out: the app registration is asked, where we may read it.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub client_secret_expires_at: Option<String>,
    /// A certificate that the app registration lists, in place of a secret.
    #[serde(default)]
    pub certificate: Option<CertificateInput>,
    /// The PBX.
    pub pbx: NewPbx,
}

/// A PBX and its API credentials.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPbx {
    /// Origin of the PBX, for example `https://office.ras.yeastar.com`.
    pub base_url: String,
    /// Client ID of the PBX's API page.
    pub client_id: String,
    /// Client Secret of the PBX's API page.
    pub client_secret: SecretText,
    /// A private certificate authority, or the PBX's own self-signed certificate, PEM.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Credentials of the Linkus SDK, for sign-in with Microsoft.
    #[serde(default)]
    pub linkus_sdk: Option<LinkusSdk>,
}

/// Credentials of the PBX's Linkus SDK page.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkusSdk {
    /// `AccessID`.
    pub access_id: String,
    /// `AccessKey`.
    pub access_key: SecretText,
}

/// What of the two was sent.
enum GivenProof<'a> {
    Secret(&'a SecretText),
    Certificate(&'a CertificateInput),
}

impl NewConnection {
    /// What is wrong with the values as they stand.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let linkus_sdk = self.pbx.linkus_sdk.as_ref();
        [
            name_problem(&self.name),
            self.proof_problem(),
            base_url_problem(&self.pbx.base_url),
            credential_problem("/pbx/client_id", &self.pbx.client_id),
            secret_problem("/pbx/client_secret", &self.pbx.client_secret),
            linkus_sdk.and_then(LinkusSdk::problem),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn proof_problem(&self) -> Option<FieldProblem> {
        match self.given_proof() {
            Ok(GivenProof::Secret(secret)) => secret_problem("/client_secret", secret),
            Ok(GivenProof::Certificate(_)) => None,
            Err(problem) => Some(problem),
        }
    }

    fn given_proof(&self) -> Result<GivenProof<'_>, FieldProblem> {
        match (&self.client_secret, &self.certificate) {
            (Some(secret), None) => Ok(GivenProof::Secret(secret)),
            (None, Some(certificate)) => Ok(GivenProof::Certificate(certificate)),
            (None, None) => Err(FieldProblem::new(
                "/client_secret",
                "send the value of a client secret, or key and certificate as certificate",
            )),
            (Some(_), Some(_)) => Err(FieldProblem::new(
                "/certificate",
                "send a client secret or a certificate, not both",
            )),
        }
    }

    /// How the app shall prove itself, and when that ends, as far as it is known here.
    pub fn proof(&self, now: Timestamp) -> Result<(AppCredential, Option<Timestamp>), FieldProblem> {
        match self.given_proof()? {
            GivenProof::Secret(secret) => {
                let end = self.client_secret_expires_at.as_deref();
                let end = end.map(|end| instant("/client_secret_expires_at", end));
                Ok((AppCredential::Secret(secret.0.clone()), end.transpose()?))
            }
            GivenProof::Certificate(certificate) => {
                let pair = certificate.pair("/certificate", now)?;
                let end = facts(&pair.certificate_pem).map(|facts| facts.ends_at).ok();
                Ok((AppCredential::Certificate(pair), end))
            }
        }
    }

    /// The secrets, apart from the rest.
    pub fn secrets(&self, app: AppCredential) -> ConnectionSecrets {
        ConnectionSecrets {
            app,
            pbx: PbxCredentials {
                client_id: self.pbx.client_id.trim().to_owned(),
                client_secret: self.pbx.client_secret.0.clone(),
            },
            linkus_sdk: self.pbx.linkus_sdk.clone().map(LinkusSdk::credentials),
        }
    }
}

impl NewPbx {
    /// The address without a trailing slash.
    pub fn origin(&self) -> String {
        origin(&self.base_url).unwrap_or_default()
    }
}

impl LinkusSdk {
    /// What is wrong with the values as they stand.
    pub fn problem(&self) -> Option<FieldProblem> {
        credential_problem("/pbx/linkus_sdk/access_id", &self.access_id)
            .or_else(|| secret_problem("/pbx/linkus_sdk/access_key", &self.access_key))
    }

    /// As the domain has them.
    pub fn credentials(self) -> LinkusSdkCredentials {
        LinkusSdkCredentials {
            access_id: self.access_id,
            access_key: self.access_key.0,
        }
    }
}

/// What is wrong with a connection's name.
pub fn name_problem(name: &str) -> Option<FieldProblem> {
    let name = name.trim();
    let bad = name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control);
    bad.then(|| FieldProblem::new("/name", "write a name of 1 to 255 characters"))
}

/// An instant of a document.
pub fn instant(pointer: &str, text: &str) -> Result<Timestamp, FieldProblem> {
    text.parse().map_err(|_| {
        FieldProblem::new(
            pointer,
            "write an instant as RFC 3339, for example 2026-01-31T00:00:00Z",
        )
    })
}

/// What is wrong with a secret, as far as its form tells.
pub fn secret_problem(pointer: &str, secret: &SecretText) -> Option<FieldProblem> {
    (!secret.is_plausible()).then(|| FieldProblem::new(pointer, "must be 1 to 1024 printable characters"))
}

/// What is wrong with an id of the PBX's, as far as its form tells.
pub fn credential_problem(pointer: &str, text: &str) -> Option<FieldProblem> {
    (!is_credential(text)).then(|| FieldProblem::new(pointer, "must be 1 to 1024 printable characters"))
}

fn is_credential(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_CREDENTIAL && !text.chars().any(char::is_control)
}

/// What is wrong with a PBX address; whether it may be called is for the client to judge, each time it connects.
pub fn base_url_problem(text: &str) -> Option<FieldProblem> {
    origin(text).is_none().then(|| {
        FieldProblem::new(
            "/pbx/base_url",
            "write scheme and host alone, for example https://office.ras.yeastar.com",
        )
    })
}

/// Scheme, host and port of an address that has nothing else.
pub fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && bare)
        .then(|| url.origin().ascii_serialization())
}

/// The status that follows from the permissions the app does not hold.
pub fn awaiting_consent(missing: &[String]) -> ConnectionStatus {
    if missing.is_empty() {
        return ConnectionStatus::Connected;
    }
    ConnectionStatus::AwaitingConsent {
        reason: format!(
            "the app registration lacks {}: grant admin consent for it in the Entra portal",
            missing.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 55
    #[test]
    fn an_address_is_an_origin_and_nothing_else() {
        assert_eq!(
            origin("https://pbx.example.com/").unwrap(),
            "https://pbx.example.com"
        );
        assert_eq!(origin("http://127.0.0.1:8088").unwrap(), "http://127.0.0.1:8088");
        for bad in [
            "",
            "pbx.example.com",
            "ftp://pbx.example.com",
            "https://a@b",
            "https://user:pw@pbx.example.com",
            "https://pbx.example.com/openapi",
            "https://pbx.example.com/?a=1",
            "https://pbx.example.com/#a",
            "file:///etc/passwd",
        ] {
            assert!(base_url_problem(bad).is_some(), "{bad}");
        }
    }

    // case: 63
    #[test]
    fn a_secret_prints_nothing_of_itself() {
        let secret: SecretText = serde_json::from_value("canary".into()).unwrap();
        assert!(!format!("{secret:?}").contains("canary"));
    }
}
