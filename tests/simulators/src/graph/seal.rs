//! Paging and delta tokens: opaque to the client, bound to one tenant, and refused when altered.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

const TAG_LENGTH: usize = 32;

pub struct Sealer(hmac::Key);

impl Sealer {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub fn seal(&self, tenant: &str, state: &impl Serialize) -> String {
        let mut bytes = serde_json::to_vec(state).expect("paging state has string keys only");
        let tag = hmac::sign(&self.0, &signed(tenant, &bytes));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` when the token is not one of ours for this tenant.
    pub fn open<T: DeserializeOwned>(&self, tenant: &str, token: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (state, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_LENGTH)?)?;
        hmac::verify(&self.0, &signed(tenant, state), tag).ok()?;
        serde_json::from_slice(state).ok()
    }
}

fn signed(tenant: &str, state: &[u8]) -> Vec<u8> {
    [tenant.as_bytes(), b"\n", state].concat()
}
