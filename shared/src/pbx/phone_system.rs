//! The client as the use cases know it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::client::PbxClient;
use crate::domain::connection::Capabilities;
use crate::domain::extension::{Capacity, Extension, ExtensionRow, FieldsPatch, NewExtension};
use crate::domain::ids::ExtensionId;
use crate::domain::number::ExtensionNumber;
use crate::ports::{Deleted, PhoneSystem, PhoneSystemError, SystemInformation};

#[async_trait]
impl PhoneSystem for PbxClient {
    async fn information(&self) -> Result<SystemInformation, PhoneSystemError> {
        self.read_information().await
    }

    async fn identity(&self) -> Result<SystemInformation, PhoneSystemError> {
        self.read_identity().await
    }

    async fn capabilities(&self) -> Result<Capabilities, PhoneSystemError> {
        self.read_capabilities().await
    }

    async fn capacity(&self) -> Result<Capacity, PhoneSystemError> {
        self.read_capacity().await
    }

    async fn list_extensions(&self) -> Result<Vec<ExtensionRow>, PhoneSystemError> {
        self.list().await
    }

    async fn extension_details(
        &self,
        ids: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<ExtensionId, Extension>, PhoneSystemError> {
        self.details(ids).await
    }

    async fn lookup_extension(
        &self,
        number: &ExtensionNumber,
    ) -> Result<Option<Extension>, PhoneSystemError> {
        self.lookup(number).await
    }

    async fn create_extension(&self, wanted: &NewExtension) -> Result<ExtensionId, PhoneSystemError> {
        self.create(wanted).await
    }

    async fn update_extension(&self, id: ExtensionId, patch: &FieldsPatch) -> Result<(), PhoneSystemError> {
        self.update(id, patch).await
    }

    async fn delete_extension(&self, id: ExtensionId) -> Result<Deleted, PhoneSystemError> {
        self.delete(id).await
    }

    async fn send_welcome_mail(&self, ids: &[ExtensionId]) -> Result<(), PhoneSystemError> {
        self.welcome(ids).await
    }

    fn write_slots(&self) -> usize {
        self.limiter.most()
    }

    async fn close(&self) {
        self.give_back_token().await;
    }
}
