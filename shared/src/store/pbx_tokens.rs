//! The PBX token pair that all functions share: a PBX allows eight sessions, so one function renews and the others wait.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::Store;
use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{AttributeValue, body, nanos, number};
use super::keys::Key;
use super::write::Expression;
use crate::domain::ids::ConnectionId;
use crate::ports::{CredentialsDigest, PbxTokenStore, PbxTokens, TokenStoreError};

/// The token pair of one connection's PBX, in the table.
#[derive(Clone)]
pub struct StoredPbxTokens {
    store: Store,
    connection: ConnectionId,
    application: Application,
}

/// Of which of the PBX's two applications; each has its own credentials and its own eight sessions.
#[derive(Clone, Copy)]
enum Application {
    Api,
    LinkusSdk,
}

#[derive(Deserialize)]
struct TokenRow {
    #[serde(with = "bytes", default)]
    sealed: Vec<u8>,
    #[serde(with = "bytes", default)]
    refusal: Vec<u8>,
}

/// Why which credentials were refused. Sealed, for a digest of a secret is a way to try guesses.
#[derive(Serialize, Deserialize)]
struct Refusal {
    of: CredentialsDigest,
    sentence: String,
}

/// The text that is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    access_token: String,
    refresh_token: String,
    access_ends: Timestamp,
    refresh_ends: Timestamp,
    /// A pair of which it is not known is nobody's.
    #[serde(default)]
    of: Option<CredentialsDigest>,
}

impl Store {
    /// The token pair of this connection's PBX.
    pub fn pbx_token_store(&self, connection: ConnectionId) -> StoredPbxTokens {
        StoredPbxTokens {
            store: self.clone(),
            connection,
            application: Application::Api,
        }
    }

    /// The token pair of the Linkus SDK of this connection's PBX.
    pub fn sdk_token_store(&self, connection: ConnectionId) -> StoredPbxTokens {
        StoredPbxTokens {
            application: Application::LinkusSdk,
            ..self.pbx_token_store(connection)
        }
    }
}

impl StoredPbxTokens {
    fn key(&self) -> Key {
        match self.application {
            Application::Api => Key::pbx_tokens(self.connection),
            Application::LinkusSdk => Key::sdk_tokens(self.connection),
        }
    }

    async fn load_pair(&self) -> Result<Option<PbxTokens>, StoreError> {
        const DOING: &str = "reading the PBX tokens";
        let Some(item) = self.store.get(&self.key(), DOING).await? else {
            return Ok(None);
        };
        let stored: TokenRow = body(item, "PBX tokens")?;
        if stored.sealed.is_empty() {
            return Ok(None);
        }
        let plain: Plain = self.store.unseal(self.connection, stored.sealed, DOING).await?;
        Ok(plain.of.map(|of| PbxTokens {
            access_token: SecretString::from(plain.access_token),
            refresh_token: SecretString::from(plain.refresh_token),
            access_ends: plain.access_ends,
            refresh_ends: plain.refresh_ends,
            of,
        }))
    }

    async fn claim(&self, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let mark = uuid::Uuid::new_v4().to_string();
        let update = Expression::new("SET renew_until = :until, renew_mark = :mark")
            .with(":until", number(nanos(until)))
            .with(":mark", super::item::text(&mark));
        let free = Expression::new("attribute_not_exists(renew_until) OR renew_until <= :now")
            .with(":now", number(nanos(now)));
        let written = self
            .store
            .update_if(
                &self.key(),
                update,
                free,
                "claiming the renewal of the PBX tokens",
            )
            .await?;
        Ok(match written {
            super::write::Written::Yes => true,
            super::write::Written::Refused(found) => found
                .and_then(|found| found.get("renew_mark")?.as_s().ok().cloned())
                .is_some_and(|found| found == mark),
        })
    }

    async fn load_refusal(&self, of: &CredentialsDigest) -> Result<Option<String>, StoreError> {
        const DOING: &str = "reading whether the PBX credentials were refused";
        let Some(item) = self.store.get(&self.key(), DOING).await? else {
            return Ok(None);
        };
        let stored: TokenRow = body(item, "PBX tokens")?;
        if stored.refusal.is_empty() {
            return Ok(None);
        }
        let refusal: Refusal = self.store.unseal(self.connection, stored.refusal, DOING).await?;
        Ok((refusal.of == *of).then_some(refusal.sentence))
    }

    async fn save_refusal(&self, of: &CredentialsDigest, sentence: &str) -> Result<(), StoreError> {
        let refusal = Refusal {
            of: of.clone(),
            sentence: sentence.to_owned(),
        };
        self.save_sealed("refusal", &refusal).await
    }

    /// Forgets that credentials were refused: they were taken since.
    pub async fn forget_refusal(&self) -> Result<(), StoreError> {
        let update = Expression::new("REMOVE refusal");
        let refused = Expression::new("attribute_exists(refusal)");
        let doing = "forgetting that the PBX refused its credentials";
        self.store
            .update_if(&self.key(), update, refused, doing)
            .await
            .map(|_| ())
    }

    /// The whole row with one sealed value; what was there before is gone, the claim too.
    async fn save_sealed(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        const DOING: &str = "storing the PBX tokens";
        let sealed = self.store.seal(self.connection, value, DOING).await?;
        let mut item = self.key().row();
        let sealed = AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(sealed));
        item.insert(name.to_owned(), sealed);
        self.store.put(item, DOING).await
    }

    async fn save_pair(&self, tokens: &PbxTokens) -> Result<(), StoreError> {
        let plain = Plain {
            access_token: tokens.access_token.expose_secret().to_owned(),
            refresh_token: tokens.refresh_token.expose_secret().to_owned(),
            access_ends: tokens.access_ends,
            refresh_ends: tokens.refresh_ends,
            of: Some(tokens.of.clone()),
        };
        self.save_sealed("sealed", &plain).await
    }
}

fn failed(error: StoreError) -> TokenStoreError {
    TokenStoreError(Box::new(error))
}

#[async_trait]
impl PbxTokenStore for StoredPbxTokens {
    async fn load(&self) -> Result<Option<PbxTokens>, TokenStoreError> {
        self.load_pair().await.map_err(failed)
    }

    async fn claim_renewal(&self, now: Timestamp, until: Timestamp) -> Result<bool, TokenStoreError> {
        self.claim(now, until).await.map_err(failed)
    }

    async fn save(&self, tokens: &PbxTokens) -> Result<(), TokenStoreError> {
        self.save_pair(tokens).await.map_err(failed)
    }

    async fn refusal(&self, of: &CredentialsDigest) -> Result<Option<String>, TokenStoreError> {
        self.load_refusal(of).await.map_err(failed)
    }

    async fn note_refusal(&self, of: &CredentialsDigest, sentence: &str) -> Result<(), TokenStoreError> {
        self.save_refusal(of, sentence).await.map_err(failed)
    }

    async fn clear(&self) -> Result<(), TokenStoreError> {
        let cleared = self.store.delete(&self.key(), "forgetting the PBX tokens").await;
        cleared.map_err(failed)
    }
}
