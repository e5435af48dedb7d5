//! Company contacts. Each write is sent once; what it cannot tell about the outcome it says.

use super::client::PbxClient;
use super::contact_wire::{ContactBody, ListedContact};
use super::error::{Effect, Fault, code};
use super::listing::Listing;
use super::system::reading;
use super::transport::Call;
use super::wire::Created;
use crate::domain::contact::{Card, ContactRow, PbxContactId};
use crate::domain::phonebook::PhonebookId;
use crate::ports::{Deleted, PhoneSystemError};

impl PbxClient {
    pub(super) async fn read_contacts(&self) -> Result<Vec<ContactRow>, PhoneSystemError> {
        self.contact_rows("company_contact/list", None).await
    }

    pub(super) async fn find_contacts(&self, text: &str) -> Result<Vec<ContactRow>, PhoneSystemError> {
        self.contact_rows("company_contact/search", Some(text)).await
    }

    async fn contact_rows(
        &self,
        endpoint: &'static str,
        search: Option<&str>,
    ) -> Result<Vec<ContactRow>, PhoneSystemError> {
        let listing = Listing { endpoint, search };
        match self.read_listing::<ListedContact>(listing).await {
            Ok(rows) => Ok(rows.into_iter().map(ContactRow::from).collect()),
            Err(fault) if search.is_some() && is_gone(&fault) => Ok(Vec::new()),
            Err(fault) => Err(reading(endpoint)(fault)),
        }
    }

    pub(super) async fn contact_is_there(&self, id: PbxContactId) -> Result<bool, PhoneSystemError> {
        const ENDPOINT: &str = "company_contact/get";
        match self.tell(&Call::read(ENDPOINT).with("id", id.to_string())).await {
            Ok(()) => Ok(true),
            Err(fault) if is_gone(&fault) => Ok(false),
            Err(fault) => Err(reading(ENDPOINT)(fault)),
        }
    }

    pub(super) async fn make_contact(
        &self,
        card: &Card,
        phonebook: PhonebookId,
    ) -> Result<PbxContactId, PhoneSystemError> {
        const ENDPOINT: &str = "company_contact/create";
        let call = Call::write(ENDPOINT).body(&ContactBody::new(card, None, Some(phonebook)));
        let created: Created = self.ask(&call).await.map_err(writing(ENDPOINT))?;
        // Some firmware answers without the id; whoever knows the mark can find it.
        created
            .id
            .map(|id| PbxContactId(id.0))
            .ok_or_else(|| PhoneSystemError::OutcomeUnknown {
                doing: format!("{ENDPOINT}: the answer has no id"),
                source: None,
            })
    }

    pub(super) async fn write_contact(&self, id: PbxContactId, card: &Card) -> Result<(), PhoneSystemError> {
        const ENDPOINT: &str = "company_contact/update";
        let call = Call::write(ENDPOINT).body(&ContactBody::new(card, Some(id), None));
        self.tell(&call).await.map_err(writing(ENDPOINT))
    }

    pub(super) async fn take_out_of_phonebooks(&self, id: PbxContactId) -> Result<(), PhoneSystemError> {
        const ENDPOINT: &str = "company_contact/update";
        let none: [i64; 0] = [];
        let call = Call::write(ENDPOINT).body(&serde_json::json!({ "id": id.0, "phonebook_id_list": none }));
        self.tell(&call).await.map_err(writing(ENDPOINT))
    }

    pub(super) async fn remove_contact(&self, id: PbxContactId) -> Result<Deleted, PhoneSystemError> {
        const ENDPOINT: &str = "company_contact/delete";
        let call = Call::write(ENDPOINT).with("id", id.to_string());
        match self.tell(&call).await {
            Ok(()) => Ok(Deleted::Now),
            Err(fault) if is_gone(&fault) => Ok(Deleted::Earlier),
            Err(fault) => Err(writing(ENDPOINT)(fault)),
        }
    }
}

/// Firmware differs in how it says so.
fn is_gone(fault: &Fault) -> bool {
    matches!(fault.code(), Some(code::NOT_FOUND | code::NO_CONTACT))
}

/// Explains a fault of a write.
fn writing(doing: &'static str) -> impl Fn(Fault) -> PhoneSystemError {
    move |fault| fault.explain(doing, Effect::Write)
}
