//! The key that proves a notification to be an answer to a subscription of ours: one an installation, sealed. It is made
//! once, by whoever asks first; a second maker takes the first one's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Store;
use super::connection_secrets::bytes;
use super::error::{Cause, StoreError};
use super::item::{body, row};
use super::keys::Key;
use super::write::{Expression, VACANT, Written};
use crate::domain::client_state::ClientStateKey;
use crate::domain::ids::ConnectionId;

const DOING: &str = "reading the key of the notifications";

#[derive(Serialize, Deserialize)]
struct KeyRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
}

/// What is the whole installation's is sealed under the id that no connection has.
pub(super) fn installation() -> ConnectionId {
    ConnectionId::from(Uuid::nil())
}

impl Store {
    /// The key of this installation's notifications.
    pub async fn webhook_key(&self) -> Result<ClientStateKey, StoreError> {
        let key = Key::webhook_key();
        if let Some(item) = self.get(&key, DOING).await? {
            return self.open_key(body(item, "key of the notifications")?).await;
        }
        let fresh = ClientStateKey::generate();
        let sealed = self
            .seal(installation(), &hex::encode(fresh.as_bytes()), DOING)
            .await?;
        let item = row(&key, &KeyRow { sealed })?;
        match self.put_if(item, Expression::new(VACANT), DOING).await? {
            Written::Yes => Ok(fresh),
            Written::Refused(Some(found)) => self.open_key(body(found, "key of the notifications")?).await,
            Written::Refused(None) => Err(StoreError::Conflict { doing: DOING }),
        }
    }

    async fn open_key(&self, stored: KeyRow) -> Result<ClientStateKey, StoreError> {
        let text: String = self.unseal(installation(), stored.sealed, DOING).await?;
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).map_err(|_| StoreError::Corrupt {
            what: "key of the notifications",
            source: Cause("it does not have its length".to_owned()),
        })?;
        Ok(ClientStateKey::from_bytes(key))
    }
}
