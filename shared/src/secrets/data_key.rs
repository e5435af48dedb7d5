//! AES-256-GCM under a 32-byte key. The connection and the format byte are authenticated, so bytes moved to another
//! connection or read under another format do not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::SealError;
use crate::domain::ids::ConnectionId;

/// Length of a key.
pub(super) const KEY_LENGTH: usize = 32;

/// A key that seals and opens.
pub(super) struct DataKey(RandomizedNonceKey);

impl DataKey {
    /// Of exactly [`KEY_LENGTH`] bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes)
            .map(Self)
            .map_err(|_| SealError::Cipher)
    }

    /// A random nonce, then the ciphertext with its tag.
    pub(super) fn seal(
        &self,
        format: u8,
        context: ConnectionId,
        plain: &SecretString,
    ) -> Result<Vec<u8>, SealError> {
        let mut body = plain.expose_secret().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(associated(format, context), &mut body)
            .map_err(|_| SealError::Cipher)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// The reverse of [`DataKey::seal`].
    pub(super) fn open(
        &self,
        format: u8,
        context: ConnectionId,
        sealed: &[u8],
    ) -> Result<SecretString, SealError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::DoesNotOpen)?;
        let mut body = body.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, associated(format, context), &mut body)
            .map_err(|_| SealError::DoesNotOpen)?;
        let text = std::str::from_utf8(plain).map_err(|_| SealError::DoesNotOpen)?;
        Ok(SecretString::from(text))
    }
}

fn associated(format: u8, context: ConnectionId) -> Aad<Vec<u8>> {
    let mut bytes = context.as_uuid().as_bytes().to_vec();
    bytes.push(format);
    Aad::from(bytes)
}
