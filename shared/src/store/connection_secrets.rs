//! The secrets of a connection: one sealed text, so that nothing tells which of them are there.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::item::{Row, body, from_doc, row, to_doc};
use super::keys::Key;
use super::{Store, Version, Versioned};
use crate::domain::connection::{
    AppCertificate, AppCredential, Connection, ConnectionSecrets, LinkusSdkCredentials, PbxCredentials,
};
use crate::domain::ids::ConnectionId;
use crate::secrets::Sealed;

/// Bytes that only this module's sealer can read.
#[derive(Serialize, Deserialize)]
struct SealedRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
}

/// As a binary attribute instead of a list of numbers.
pub(super) mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(value)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        from.deserialize_byte_buf(Bytes)
    }
}

/// The text that is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    /// Empty where the app has a certificate.
    #[serde(default)]
    client_secret: String,
    /// Key and certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<(String, String)>,
    pbx: (String, String),
    linkus_sdk: Option<(String, String)>,
}

impl From<&ConnectionSecrets> for Plain {
    fn from(secrets: &ConnectionSecrets) -> Self {
        let ConnectionSecrets { app, pbx, linkus_sdk } = secrets;
        let open = |secret: &SecretString| secret.expose_secret().to_owned();
        let (client_secret, certificate) = match app {
            AppCredential::Secret(secret) => (open(secret), None),
            AppCredential::Certificate(own) => {
                let pair = (open(&own.private_key_pem), own.certificate_pem.clone());
                (String::new(), Some(pair))
            }
        };
        Self {
            client_secret,
            certificate,
            pbx: (pbx.client_id.clone(), open(&pbx.client_secret)),
            linkus_sdk: linkus_sdk
                .as_ref()
                .map(|sdk| (sdk.access_id.clone(), open(&sdk.access_key))),
        }
    }
}

impl From<Plain> for ConnectionSecrets {
    fn from(plain: Plain) -> Self {
        let (client_id, client_secret) = plain.pbx;
        let app = match plain.certificate {
            None => AppCredential::secret(plain.client_secret),
            Some((key, certificate_pem)) => AppCredential::Certificate(AppCertificate {
                private_key_pem: key.into(),
                certificate_pem,
            }),
        };
        Self {
            app,
            pbx: PbxCredentials {
                client_id,
                client_secret: client_secret.into(),
            },
            linkus_sdk: plain
                .linkus_sdk
                .map(|(access_id, access_key)| LinkusSdkCredentials {
                    access_id,
                    access_key: access_key.into(),
                }),
        }
    }
}

impl Store {
    /// Seals a value that serde knows.
    pub(super) async fn seal(
        &self,
        connection: ConnectionId,
        value: &impl Serialize,
        doing: &'static str,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = SecretString::from(to_doc(value)?);
        let sealed = self.sealer().seal(connection, &plain).await;
        let sealed = sealed.map_err(|source| StoreError::Sealing { doing, source })?;
        Ok(sealed.as_bytes().to_vec())
    }

    /// The reverse of [`Store::seal`].
    pub(super) async fn unseal<T: serde::de::DeserializeOwned>(
        &self,
        connection: ConnectionId,
        sealed: Vec<u8>,
        doing: &'static str,
    ) -> Result<T, StoreError> {
        let opened = self.sealer().open(connection, &Sealed::from_bytes(sealed)).await;
        let opened = opened.map_err(|source| StoreError::Sealing { doing, source })?;
        from_doc(opened.expose_secret(), "sealed value")
    }

    pub(super) async fn secrets_row(
        &self,
        connection: ConnectionId,
        secrets: &ConnectionSecrets,
    ) -> Result<Row, StoreError> {
        let sealed = self
            .seal(
                connection,
                &Plain::from(secrets),
                "sealing the secrets of a connection",
            )
            .await?;
        row(&Key::secrets(connection), &SealedRow { sealed })
    }

    /// The secrets of a connection; `None` without such a connection.
    pub async fn secrets(&self, connection: ConnectionId) -> Result<Option<ConnectionSecrets>, StoreError> {
        const DOING: &str = "reading the secrets of a connection";
        let Some(item) = self.get(&Key::secrets(connection), DOING).await? else {
            return Ok(None);
        };
        self.open_secrets(connection, item, DOING).await.map(Some)
    }

    pub(super) async fn open_secrets(
        &self,
        connection: ConnectionId,
        item: Row,
        doing: &'static str,
    ) -> Result<ConnectionSecrets, StoreError> {
        let stored: SealedRow = body(item, "sealed secrets")?;
        let plain: Plain = self.unseal(connection, stored.sealed, doing).await?;
        Ok(plain.into())
    }

    /// Replaces a connection that is still as it was read together with its secrets: whoever loses to another writer has
    /// written neither. [`StoreError::Conflict`]: it is not as it was read. [`StoreError::PbxInUse`]: it names a PBX that
    /// another connection has.
    pub async fn save_connection_and_secrets(
        &self,
        changed: &Versioned<Connection>,
        secrets: &ConnectionSecrets,
    ) -> Result<Version, StoreError> {
        const DOING: &str = "saving a connection with its secrets";
        let id = changed.value.id;
        let stored = self.connection(id).await?;
        let stored = stored.ok_or(StoreError::Missing { doing: DOING })?;
        if stored.version != changed.version {
            return Err(StoreError::Conflict { doing: DOING });
        }
        let secrets = self.put_in_if(self.secrets_row(id, secrets).await?, Self::exists());
        let old_serial = &stored.value.pbx.serial_number;
        self.transact_connection(changed, old_serial, vec![secrets], DOING)
            .await
    }

    /// Replaces the secrets of a connection that exists and stays as it is.
    pub async fn save_secrets(
        &self,
        connection: ConnectionId,
        secrets: &ConnectionSecrets,
    ) -> Result<(), StoreError> {
        const DOING: &str = "storing the secrets of a connection";
        let item = self.secrets_row(connection, secrets).await?;
        match self.put_if(item, Self::exists(), DOING).await? {
            super::write::Written::Yes => Ok(()),
            super::write::Written::Refused(_) => Err(StoreError::Missing { doing: DOING }),
        }
    }
}
