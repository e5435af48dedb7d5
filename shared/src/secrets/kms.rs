//! Sealing with AWS KMS. Each secret has its own data key, which KMS alone can unwrap, and only when told the same
//! connection; so a secret may be longer than the 4 KB that KMS takes.

use std::error::Error;

use async_trait::async_trait;
use aws_sdk_kms::primitives::Blob;
use secrecy::SecretString;

use super::data_key::{DataKey, KEY_LENGTH};
use super::{SealError, Sealed, Sealer};
use crate::domain::ids::ConnectionId;

/// First byte of what this sealer makes.
const FORMAT: u8 = 2;

/// Name of the encryption context that the key policy may ask for.
const CONTEXT: &str = "connection_id";

/// Seals under a KMS key; needs `kms:Encrypt` and `kms:Decrypt` on it.
pub struct KmsSealer {
    client: aws_sdk_kms::Client,
    key_id: String,
}

impl KmsSealer {
    /// With the key of this id or ARN.
    pub fn new(client: aws_sdk_kms::Client, key_id: impl Into<String>) -> Self {
        Self {
            client,
            key_id: key_id.into(),
        }
    }

    async fn wrap(&self, context: ConnectionId, key: &[u8]) -> Result<Vec<u8>, SealError> {
        let answer = self
            .client
            .encrypt()
            .key_id(&self.key_id)
            .encryption_context(CONTEXT, context.to_string())
            .plaintext(Blob::new(key))
            .send()
            .await
            .map_err(key_service)?;
        answer
            .ciphertext_blob
            .map(Blob::into_inner)
            .ok_or(SealError::Cipher)
    }

    async fn unwrap_key(&self, context: ConnectionId, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let answer = self
            .client
            .decrypt()
            .key_id(&self.key_id)
            .encryption_context(CONTEXT, context.to_string())
            .ciphertext_blob(Blob::new(wrapped))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(refused) if refused.is_invalid_ciphertext_exception() => SealError::DoesNotOpen,
                _ => key_service(error),
            })?;
        let key = answer.plaintext.ok_or(SealError::DoesNotOpen)?;
        DataKey::new(key.as_ref())
    }
}

#[async_trait]
impl Sealer for KmsSealer {
    async fn seal(&self, context: ConnectionId, plain: &SecretString) -> Result<Sealed, SealError> {
        let mut key = [0; KEY_LENGTH];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| SealError::Cipher)?;
        let wrapped = self.wrap(context, &key).await?;
        let length = u16::try_from(wrapped.len()).map_err(|_| SealError::Cipher)?;
        let mut bytes = vec![FORMAT];
        bytes.extend(length.to_be_bytes());
        bytes.extend(wrapped);
        bytes.append(&mut DataKey::new(&key)?.seal(FORMAT, context, plain)?);
        Ok(Sealed(bytes))
    }

    async fn open(&self, context: ConnectionId, sealed: &Sealed) -> Result<SecretString, SealError> {
        let (wrapped, body) = split(&sealed.0).ok_or(SealError::DoesNotOpen)?;
        self.unwrap_key(context, wrapped)
            .await?
            .open(FORMAT, context, body)
    }
}

/// The wrapped key and what it seals.
fn split(sealed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[format, high, low], rest) = sealed.split_first_chunk::<3>()?;
    (format == FORMAT).then_some(())?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))
}

fn key_service(error: impl Error + Send + Sync + 'static) -> SealError {
    SealError::KeyService(Box::new(error))
}
