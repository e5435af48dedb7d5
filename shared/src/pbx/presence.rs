//! Reads and writes the presence of extensions. There is no call for presence alone, and none for several extensions.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::Deserialize;

use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::system::reading;
use super::transport::Call;
use super::wire::{Data, Int, Text};
use crate::domain::ids::ExtensionId;
use crate::domain::settings::ExtensionPresence;
use crate::ports::{ExtensionPresences, PhoneSystemError, ShownPresence};

/// Ids in one `extension/query`: keeps the URL under 2 KB.
const QUERY_BATCH: usize = 100;

/// What `extension/get` and `extension/query` say of presence.
#[derive(Deserialize)]
struct Shown {
    id: Int,
    #[serde(default)]
    presence_status: Text,
    #[serde(default)]
    custom_presence_status: Text,
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
        let all: Vec<ExtensionId> = extensions.iter().copied().collect();
        let mut shown = BTreeMap::new();
        for batch in all.chunks(QUERY_BATCH) {
            let found = self.shown_in(batch).await.map_err(reading("extension/query"))?;
            shown.extend(found.into_iter().map(Shown::read));
        }
        shown.retain(|id, _| extensions.contains(id));
        Ok(shown)
    }

    fn slots(&self) -> usize {
        self.limiter.most()
    }
}

impl PbxClient {
    async fn shown_in(&self, batch: &[ExtensionId]) -> Result<Vec<Shown>, Fault> {
        if let [one] = batch {
            return Ok(self.shown_by(*one).await?.into_iter().collect());
        }
        let joined = batch
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let call = Call::read("extension/query").with("ids", joined).long();
        match self.ask::<Data<Vec<Shown>>>(&call).await {
            Ok(answer) => Ok(answer.data),
            // One that is missing makes some firmware refuse or cut the whole batch.
            Err(fault)
                if matches!(
                    fault.code(),
                    Some(code::NOT_FOUND | code::PARTIAL | code::PARAMETER)
                ) =>
            {
                let mut found = Vec::new();
                for id in batch {
                    found.extend(self.shown_by(*id).await?);
                }
                Ok(found)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn shown_by(&self, id: ExtensionId) -> Result<Option<Shown>, Fault> {
        let call = Call::read("extension/get").with("id", id.to_string());
        match self.ask::<Data<Shown>>(&call).await {
            Ok(answer) => Ok(Some(answer.data)),
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
