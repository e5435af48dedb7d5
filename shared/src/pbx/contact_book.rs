//! The client as contact sync knows it.

use async_trait::async_trait;

use super::client::PbxClient;
use crate::domain::contact::{Card, ContactRow, PbxContactId};
use crate::domain::phonebook::{PhonebookId, PhonebookRow};
use crate::ports::{ContactBook, Deleted, PhoneSystemError, PhonebookPatch};

#[async_trait]
impl ContactBook for PbxClient {
    async fn list_contacts(&self) -> Result<Vec<ContactRow>, PhoneSystemError> {
        self.read_contacts().await
    }

    async fn search_contacts(&self, text: &str) -> Result<Vec<ContactRow>, PhoneSystemError> {
        self.find_contacts(text).await
    }

    async fn list_phonebooks(&self) -> Result<Vec<PhonebookRow>, PhoneSystemError> {
        self.read_phonebooks().await
    }

    async fn has_contact(&self, id: PbxContactId) -> Result<bool, PhoneSystemError> {
        self.contact_is_there(id).await
    }

    async fn create_contact(
        &self,
        card: &Card,
        phonebook: PhonebookId,
    ) -> Result<PbxContactId, PhoneSystemError> {
        self.make_contact(card, phonebook).await
    }

    async fn update_contact(&self, id: PbxContactId, card: &Card) -> Result<(), PhoneSystemError> {
        self.write_contact(id, card).await
    }

    async fn clear_phonebooks_of(&self, id: PbxContactId) -> Result<(), PhoneSystemError> {
        self.take_out_of_phonebooks(id).await
    }

    async fn delete_contact(&self, id: PbxContactId) -> Result<Deleted, PhoneSystemError> {
        self.remove_contact(id).await
    }

    async fn create_phonebook(&self, name: &str) -> Result<PhonebookId, PhoneSystemError> {
        self.make_phonebook(name).await
    }

    async fn update_phonebook(
        &self,
        id: PhonebookId,
        patch: &PhonebookPatch,
    ) -> Result<(), PhoneSystemError> {
        self.write_phonebook(id, patch).await
    }

    async fn delete_phonebook(&self, id: PhonebookId) -> Result<Deleted, PhoneSystemError> {
        self.remove_phonebook(id).await
    }
}
