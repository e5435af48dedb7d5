//! Phonebooks. Who is in one is changed by adding and taking out, some hundreds a call.

use serde_json::{Map, Value, json};

use super::client::PbxClient;
use super::contact_wire::{ListedPhonebook, SELECT_SPECIFIC};
use super::error::{Effect, Fault, code};
use super::listing::Listing;
use super::system::reading;
use super::transport::Call;
use super::wire::Created;
use crate::domain::contact::PbxContactId;
use crate::domain::phonebook::{PhonebookId, PhonebookRow};
use crate::ports::{Deleted, PhoneSystemError, PhonebookPatch};

/// Contacts in one call: no limit is documented, and this many keep the body below 10 KB.
const MEMBERS_PER_CALL: usize = 500;

impl PbxClient {
    pub(super) async fn read_phonebooks(&self) -> Result<Vec<PhonebookRow>, PhoneSystemError> {
        const ENDPOINT: &str = "phonebook/list";
        let listing = Listing {
            endpoint: ENDPOINT,
            search: None,
        };
        let rows = self.read_listing::<ListedPhonebook>(listing).await;
        Ok(rows
            .map_err(reading(ENDPOINT))?
            .into_iter()
            .map(PhonebookRow::from)
            .collect())
    }

    pub(super) async fn make_phonebook(&self, name: &str) -> Result<PhonebookId, PhoneSystemError> {
        const ENDPOINT: &str = "phonebook/create";
        let body = json!({ "name": name, "member_select": SELECT_SPECIFIC });
        let created: Created = self
            .ask(&Call::write(ENDPOINT).body(&body))
            .await
            .map_err(writing(ENDPOINT))?;
        // Some firmware answers without the id; the name is unique.
        created
            .id
            .map(|id| PhonebookId(id.0))
            .ok_or_else(|| PhoneSystemError::OutcomeUnknown {
                doing: format!("{ENDPOINT}: the answer has no id"),
                source: None,
            })
    }

    pub(super) async fn write_phonebook(
        &self,
        id: PhonebookId,
        patch: &PhonebookPatch,
    ) -> Result<(), PhoneSystemError> {
        let mut body = Map::new();
        if let Some(name) = &patch.name {
            body.insert("name".to_owned(), name.clone().into());
        }
        if patch.narrow {
            body.insert("member_select".to_owned(), SELECT_SPECIFIC.into());
        }
        if !body.is_empty() {
            self.tell_phonebook(id, body).await?;
        }
        for (key, members) in [
            ("add_contacts_id_list", &patch.add),
            ("del_contacts_id_list", &patch.remove),
        ] {
            for chunk in members.chunks(MEMBERS_PER_CALL) {
                let ids: Vec<i64> = chunk.iter().map(|id: &PbxContactId| id.0).collect();
                let body = Map::from_iter([(key.to_owned(), ids.into())]);
                self.tell_phonebook(id, body).await?;
            }
        }
        Ok(())
    }

    async fn tell_phonebook(
        &self,
        id: PhonebookId,
        mut body: Map<String, Value>,
    ) -> Result<(), PhoneSystemError> {
        const ENDPOINT: &str = "phonebook/update";
        body.insert("id".to_owned(), id.0.into());
        let call = Call::write(ENDPOINT).body(&body);
        self.tell(&call).await.map_err(writing(ENDPOINT))
    }

    pub(super) async fn remove_phonebook(&self, id: PhonebookId) -> Result<Deleted, PhoneSystemError> {
        const ENDPOINT: &str = "phonebook/delete";
        let call = Call::write(ENDPOINT).with("id", id.to_string());
        match self.tell(&call).await {
            Ok(()) => Ok(Deleted::Now),
            Err(fault) if matches!(fault.code(), Some(code::NOT_FOUND | code::NO_PHONEBOOK)) => {
                Ok(Deleted::Earlier)
            }
            Err(fault) => Err(writing(ENDPOINT)(fault)),
        }
    }
}

/// Explains a fault of a write.
fn writing(doing: &'static str) -> impl Fn(Fault) -> PhoneSystemError {
    move |fault| fault.explain(doing, Effect::Write)
}
