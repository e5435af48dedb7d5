//! RSA signing keys, as published in a key set. Making one takes long, so keys are made when first needed
//! and shared by all simulators of a process; which keys a tenant uses is its own affair.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Length of the modulus of a 2048-bit key.
const MODULUS: usize = 256;

pub struct SigningKey {
    pair: KeyPair,
    pub kid: String,
}

type Slot = Arc<OnceLock<SigningKey>>;

static POOL: Mutex<Vec<Slot>> = Mutex::new(Vec::new());

fn slot(index: usize) -> Slot {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    while pool.len() <= index {
        pool.push(Slot::default());
    }
    Arc::clone(pool.get(index).expect("the pool was filled up to this index"))
}

impl SigningKey {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("the library makes 2048-bit keys");
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, pair.public_key().as_ref());
        Self {
            pair,
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
        }
    }

    /// A compact JWT. Those of version 1 name the key twice.
    pub fn sign(&self, claims: &Value, version_1: bool) -> String {
        let mut header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid });
        if version_1 {
            header["x5t"] = json!(self.kid);
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signed = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &rand::SystemRandom::new(),
                message.as_bytes(),
                &mut signed,
            )
            .expect("the buffer has the length of the modulus");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))
    }

    pub fn verifies(&self, message: &str, signed: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            self.pair.public_key().as_ref(),
        );
        key.verify(message.as_bytes(), signed).is_ok()
    }

    /// The entry of the key set.
    pub fn public_entry(&self, issuer: &str) -> Value {
        let (modulus, exponent) = self.numbers();
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
            "x5c": [super::certificate::self_signed(&self.pair)], "issuer": issuer,
        })
    }

    /// Modulus and exponent out of the DER of a PKCS#1 public key: both stand at its end.
    fn numbers(&self) -> (Vec<u8>, Vec<u8>) {
        let der = self.pair.public_key().as_ref();
        // SEQUENCE { INTEGER n, INTEGER e }: behind n stand the two bytes of e's header and e, 65537.
        let exponent_at = der.len().saturating_sub(3);
        let modulus_end = exponent_at.saturating_sub(2);
        let modulus = der
            .get(modulus_end.saturating_sub(MODULUS)..modulus_end)
            .unwrap_or_default();
        (
            modulus.to_vec(),
            der.get(exponent_at..).unwrap_or_default().to_vec(),
        )
    }
}

/// The public key of a pair as `SubjectPublicKeyInfo`.
pub fn public_key_info(pair: &KeyPair) -> Vec<u8> {
    let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key());
    der.expect("a generated key can be written down")
        .as_ref()
        .to_vec()
}

/// The keys of one tenant: several are published, one signs.
pub struct KeyRing {
    published: Vec<usize>,
    signing: usize,
    next: usize,
}

/// Distance between the keys of two tenants in the shared pool: room for rollovers without overlap.
const KEYS_PER_TENANT: usize = 16;

impl KeyRing {
    /// The keys of the tenant with this number.
    pub fn new(tenant: usize) -> Self {
        let first = tenant * KEYS_PER_TENANT;
        Self {
            published: vec![first, first + 1],
            signing: first,
            next: first + 2,
        }
    }

    /// Signs with another key from here on. With overlap the old ones stay published; without, they are
    /// gone at once and so is every token they signed.
    pub fn roll(&mut self, overlap: bool) {
        if overlap {
            let standby = self.published.last().copied().unwrap_or(self.next);
            self.signing = standby;
        } else {
            self.published = vec![self.next];
            self.signing = self.next;
            self.next += 1;
        }
        self.published.push(self.next);
        self.next += 1;
    }

    pub fn sign(&self, claims: &Value) -> String {
        slot(self.signing)
            .get_or_init(SigningKey::generate)
            .sign(claims, true)
    }

    /// As id_tokens of version 2 are signed.
    pub fn sign_v2(&self, claims: &Value) -> String {
        slot(self.signing)
            .get_or_init(SigningKey::generate)
            .sign(claims, false)
    }

    /// Whether a published key with this id made this signature.
    pub fn verifies(&self, kid: &str, message: &str, signed: &[u8]) -> bool {
        self.published.iter().any(|index| {
            let slot = slot(*index);
            // A key that was never needed has signed nothing.
            slot.get()
                .is_some_and(|key| key.kid == kid && key.verifies(message, signed))
        })
    }

    pub fn entries(&self, issuer: &str) -> Vec<Value> {
        self.published
            .iter()
            .map(|index| {
                slot(*index)
                    .get_or_init(SigningKey::generate)
                    .public_entry(issuer)
            })
            .collect()
    }
}
