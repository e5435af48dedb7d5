//! Reads and writes the presence of extensions. There is no call for presence alone, and none for several extensions.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Deserialize;

use super::by_ids::{EXTENSIONS, Identified};
use super::client::PbxClient;
use super::error::Effect;
use super::system::reading;
use super::transport::Call;
use super::wire::{Int, Text};
use crate::domain::ids::ExtensionId;
use crate::domain::settings::ExtensionPresence;
use crate::ports::{ExtensionPresences, PhoneSystemError, ShownPresence};

/// What `extension/get` and `extension/query` say of presence.
#[derive(Deserialize)]
struct Shown {
    id: Int,
    #[serde(default)]
    presence_status: Text,
    #[serde(default)]
    custom_presence_status: Text,
}

impl Identified for Shown {
    fn id(&self) -> i64 {
        self.id.0
    }
}

impl Shown {
    /// What a custom presence means for the standard one is not documented, so it stands alone.
    fn read(self) -> (ExtensionId, ShownPresence) {
        let standard = ExtensionPresence::of_wire(&self.presence_status.0);
        let shown = match standard.filter(|_| self.custom_presence_status.0.is_empty()) {
            Some(presence) => ShownPresence::Standard(presence),
            None => ShownPresence::Other,
        };
        (ExtensionId(self.id.0), shown)
    }
}

#[async_trait]
impl ExtensionPresences for PbxClient {
    async fn set_presence(
        &self,
        extension: ExtensionId,
        presence: ExtensionPresence,
    ) -> Result<(), PhoneSystemError> {
        let body = serde_json::json!({ "id": extension.0, "presence_status": presence.wire() });
        let call = Call::write("extension/update").body(&body);
        let told = self.tell(&call).await;
        told.map_err(|fault| fault.explain("extension/update", Effect::Write))
    }

    async fn shown_presences(
        &self,
        extensions: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, ShownPresence>, PhoneSystemError> {
        let ids = extensions.iter().map(|id| id.0).collect();
        let found = self.read_by_ids::<Shown>(EXTENSIONS, ids).await;
        let found = found.map_err(reading(EXTENSIONS.many))?;
        Ok(found.into_values().map(Shown::read).collect())
    }

    fn slots(&self) -> usize {
        self.limiter.most()
    }
}
