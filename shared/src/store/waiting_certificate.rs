//! A certificate that was made here and waits until the app registration has it. Its key is sealed like any other secret.

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::Store;
use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{body, row};
use super::keys::Key;
use crate::domain::connection::AppCertificate;
use crate::domain::ids::ConnectionId;

#[derive(Serialize, Deserialize)]
struct WaitingRow {
    certificate_pem: String,
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
}

impl Store {
    /// The certificate that waits, if one does.
    pub async fn waiting_certificate(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<AppCertificate>, StoreError> {
        const DOING: &str = "reading the certificate that waits";
        let item = self.get(&Key::waiting_certificate(connection), DOING).await?;
        let Some(item) = item else {
            return Ok(None);
        };
        let stored: WaitingRow = body(item, "certificate that waits")?;
        let key: String = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some(AppCertificate {
            private_key_pem: key.into(),
            certificate_pem: stored.certificate_pem,
        }))
    }

    /// Keeps one in the place of any that waited before.
    pub async fn put_waiting_certificate(
        &self,
        connection: ConnectionId,
        certificate: &AppCertificate,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing a certificate that waits";
        let key = certificate.private_key_pem.expose_secret();
        let stored = WaitingRow {
            certificate_pem: certificate.certificate_pem.clone(),
            sealed: self.seal(connection, &key, DOING).await?,
        };
        self.put(row(&Key::waiting_certificate(connection), &stored)?, DOING)
            .await
    }

    /// Forgets the one that waited: it is in use, or not wanted. Repeating is safe.
    pub async fn drop_waiting_certificate(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.delete(
            &Key::waiting_certificate(connection),
            "forgetting a certificate that waited",
        )
        .await
    }
}
