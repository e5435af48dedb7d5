//! One tenant: its directory, its app registrations and its signing keys. An app exists in a tenant only
//! when it is registered or consented there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;
use x509_parser::public_key::PublicKey;

use super::directory::Directory;
use super::grants::People;
use super::keys::KeyRing;
use super::mailbox::Mailbox;
use super::presence::Presences;

/// The transitive members of one group, kept while neither groups nor users change.
pub struct TransitiveMembers {
    pub group: Uuid,
    pub changes: usize,
    pub members: Arc<BTreeSet<Uuid>>,
}

pub struct Tenant {
    pub id: String,
    pub name: String,
    /// The initial domain; also accepted as the tenant segment.
    pub domain: String,
    pub directory: Directory,
    pub apps: BTreeMap<String, App>,
    pub keys: KeyRing,
    /// Delta tokens of an earlier epoch are expired.
    pub delta_epoch: u32,
    pub transitive: RefCell<Option<TransitiveMembers>>,
    pub people: People,
    pub presences: Presences,
    /// By account; who is not here has the usual one.
    pub mailboxes: BTreeMap<Uuid, Mailbox>,
}

/// An application with its service principal in this tenant.
pub struct App {
    pub object_id: Uuid,
    pub principal_id: Uuid,
    pub display_name: String,
    pub secrets: Vec<Secret>,
    pub certificates: Vec<Certificate>,
    /// The ids of assertions that came in, until they end: each counts once.
    pub spent_assertions: RefCell<BTreeMap<String, i64>>,
    pub roles: BTreeSet<String>,
    /// Application permissions that were registered later and nobody consented to yet.
    pub registered: BTreeSet<String>,
    /// Without consent a token is issued, but without roles.
    pub consent: bool,
    pub enabled: bool,
    /// Where browsers may be sent back to.
    pub redirect_uris: BTreeSet<String>,
    /// Delegated permissions that somebody consented to for the whole tenant.
    pub delegated: BTreeSet<String>,
    /// App roles by person.
    pub assigned: BTreeMap<Uuid, BTreeSet<String>>,
    /// Whether id_tokens name the person's groups.
    pub emits_groups: bool,
}

pub struct Secret {
    pub key_id: Uuid,
    pub value: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// A registered certificate: enough of it to check a client assertion.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub key_id: Uuid,
    /// Base64url SHA-256 of the certificate, as in `x5t#S256`.
    pub thumbprint_sha256: String,
    /// Base64url SHA-1 of the certificate, as in `x5t`.
    pub thumbprint_sha1: Option<String>,
    /// The RSA public key, DER (`SubjectPublicKeyInfo` or PKCS#1).
    pub public_key: Vec<u8>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

impl Certificate {
    /// As the portal reads an uploaded file; `None` if it is no certificate of an RSA key.
    pub fn from_pem(key_id: Uuid, pem: &str) -> Option<Self> {
        let (_, file) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
        let parsed = file.parse_x509().ok()?;
        let PublicKey::RSA(_) = parsed.public_key().parsed().ok()? else {
            return None;
        };
        let print = |how| URL_SAFE_NO_PAD.encode(digest::digest(how, &file.contents));
        let instant = |seconds| Timestamp::from_second(seconds).ok();
        Some(Self {
            key_id,
            thumbprint_sha256: print(&digest::SHA256),
            thumbprint_sha1: Some(print(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            public_key: parsed.public_key().subject_public_key.data.to_vec(),
            starts_at: instant(parsed.validity().not_before.timestamp())?,
            ends_at: instant(parsed.validity().not_after.timestamp())?,
        })
    }
}

impl Tenant {
    pub fn answers_to(&self, segment: &str) -> bool {
        self.id.eq_ignore_ascii_case(segment) || self.domain.eq_ignore_ascii_case(segment)
    }
}
