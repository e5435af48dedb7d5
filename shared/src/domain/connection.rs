//! One tenant joined to one PBX, and how it is doing. Secrets are held apart, by `store`, sealed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ConnectionId, EntraUserId, TenantId};
use super::teardown::{Teardown, TeardownEnd};

/// One tenant joined to one PBX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// What admins call it.
    pub name: String,
    /// Whether it works.
    pub status: ConnectionStatus,
    /// The tenant.
    pub tenant: TenantId,
    /// The app registration.
    pub client: ClientId,
    /// The PBX.
    pub pbx: PbxSide,
    /// Removals that an admin asked for and that are not done yet.
    #[serde(default)]
    pub teardown: Option<Teardown>,
    /// Who signed in to connect, last.
    #[serde(default)]
    pub authorised_account: Option<AuthorisedAccount>,
    /// When the client secret ends, if known.
    pub secret_expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Connection {
    /// Whether runs may start: to keep it in step, or to take away what it leaves behind.
    pub fn may_run(&self) -> bool {
        self.status.may_run() || self.teardown.is_some()
    }

    /// Whether an admin is parting the two sides for good.
    pub fn is_being_disconnected(&self) -> bool {
        self.teardown
            .as_ref()
            .is_some_and(|teardown| teardown.ends == TeardownEnd::Disconnected)
    }
}

/// The PBX of a connection, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PbxSide {
    /// Origin of the Open API, for example `https://office.ras.yeastar.com`.
    pub base_url: String,
    /// As the PBX says.
    pub firmware_version: String,
    /// As the PBX says; one PBX is in one connection only.
    pub serial_number: String,
    /// What this firmware can do.
    pub capabilities: Capabilities,
    /// A private certificate authority, or the PBX's own self-signed certificate, PEM.
    pub ca_pem: Option<String>,
    /// When an admin last had it tested, and it let us in. Clients made before that may believe that it does not.
    #[serde(default)]
    pub tested_at: Option<Timestamp>,
}

/// What a PBX runs, and what that can do: they change together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    /// As the PBX says.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl PbxSide {
    /// Takes note of what the PBX runs now.
    pub fn runs(&mut self, firmware: Firmware) {
        let Firmware {
            version,
            capabilities,
        } = firmware;
        self.firmware_version = version;
        self.capabilities = capabilities;
    }
}

/// An admin who signed in to connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorisedAccount {
    /// Their object id in the connection's tenant.
    pub user: EntraUserId,
    /// What they were called then.
    pub name: String,
    /// Their sign-in name then.
    pub sign_in_name: String,
    /// Their directory roles (template ids), if Microsoft told any.
    pub directory_roles: BTreeSet<String>,
    /// When.
    pub at: Timestamp,
}

/// What a firmware can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Capabilities {
    /// `extensiongroup/*` answers.
    pub extension_groups: bool,
    /// Company contacts and phonebooks may be synced (83.10.0.30 or later).
    pub contacts: bool,
    /// Presence may be synced (83.10.0.30 or later).
    pub presence: bool,
}

/// Whether a connection works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// The app has not been given its permissions.
    AwaitingConsent {
        /// What is missing, as one sentence.
        reason: String,
    },
    /// Works.
    Connected,
    /// Switched off by an admin.
    Disabled,
    /// Ended by an admin.
    Disconnected,
    /// Stopped until somebody acts.
    NeedsAttention {
        /// What to do, as one sentence.
        reason: String,
        /// What it is about.
        #[serde(default)]
        cause: AttentionCause,
    },
}

/// Which side somebody has to mend. A side that passes a test ends the attention that it caused, and no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionCause {
    /// The tenant: what proves the app, what the app may do, the account that it acts for.
    Entra,
    /// The PBX: its address and credentials, and whether it lets us in.
    Pbx,
    /// Neither side alone, or it is not known. The next run finds out.
    #[default]
    Other,
}

impl ConnectionStatus {
    /// Whether runs may start.
    pub fn may_run(&self) -> bool {
        matches!(self, Self::Connected | Self::NeedsAttention { .. })
    }
}

/// The secrets of a connection. Prints nothing of them.
#[derive(Debug, Clone)]
pub struct ConnectionSecrets {
    /// Of the app registration.
    pub app: AppCredential,
    /// Of the PBX's API.
    pub pbx: PbxCredentials,
    /// Of the Linkus SDK, if sign-in is brokered.
    pub linkus_sdk: Option<LinkusSdkCredentials>,
}

/// How the app registration proves who it is.
#[derive(Debug, Clone)]
pub enum AppCredential {
    /// By the value of a client secret.
    Secret(SecretString),
    /// By the key of a certificate that is registered on the app.
    Certificate(AppCertificate),
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct AppCertificate {
    /// PKCS#8, PEM.
    pub private_key_pem: SecretString,
    /// X.509, PEM: public.
    pub certificate_pem: String,
}

impl AppCredential {
    /// By a client secret of this value.
    pub fn secret(value: impl Into<String>) -> Self {
        Self::Secret(SecretString::from(value.into()))
    }
}

/// Of the PBX's API page.
#[derive(Debug, Clone)]
pub struct PbxCredentials {
    /// Client ID.
    pub client_id: String,
    /// Client Secret.
    pub client_secret: SecretString,
}

/// Of the PBX's Linkus SDK page.
#[derive(Debug, Clone)]
pub struct LinkusSdkCredentials {
    /// `AccessID`.
    pub access_id: String,
    /// `AccessKey`.
    pub access_key: SecretString,
}

/// The PBX takes them where it takes those of the API.
impl From<&LinkusSdkCredentials> for PbxCredentials {
    fn from(sdk: &LinkusSdkCredentials) -> Self {
        Self {
            client_id: sdk.access_id.clone(),
            client_secret: sdk.access_key.clone(),
        }
    }
}

/// A version such as `83.10.0.30`, compared number by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirmwareVersion(Vec<u32>);

impl FirmwareVersion {
    /// Oldest that works at all.
    pub const BASE: [u32; 4] = [83, 8, 0, 25];
    /// Oldest with contacts and presence.
    pub const CONTACTS_AND_PRESENCE: [u32; 4] = [83, 10, 0, 30];

    /// Four numbers with dots; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<u32> = text
            .trim()
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        (parts.len() == 4).then_some(Self(parts))
    }

    /// Whether this is `least` or later.
    pub fn at_least(&self, least: [u32; 4]) -> bool {
        self.0.as_slice() >= least.as_slice()
    }
}
