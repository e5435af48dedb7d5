//! Creates, updates and deletes extensions. Each write is sent once; what it cannot tell about the outcome it says.

use serde::Serialize;
use serde_json::{Map, Value};

use secrecy::ExposeSecret as _;

use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::organization::Organization;
use super::passwords::GeneratedSecrets;
use super::transport::Call;
use super::wire::{Created, OrganizationRef};
use crate::domain::extension::{Field, FieldsPatch, NewExtension};
use crate::domain::ids::ExtensionId;
use crate::ports::{Deleted, PhoneSystemError};

/// The body of `extension/create`.
#[derive(Serialize)]
struct CreateBody<'a> {
    r#type: &'a str,
    number: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email_addr: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mobile_number: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    user_password: &'a str,
    reg_name: &'a str,
    reg_password: &'a str,
    concurrent_registrations: u8,
    presence_status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_list: Option<Vec<OrganizationRef>>,
}

impl PbxClient {
    pub(super) async fn create(&self, wanted: &NewExtension) -> Result<ExtensionId, PhoneSystemError> {
        let secrets = GeneratedSecrets::generate(wanted).map_err(|error| PhoneSystemError::Unexpected {
            doing: format!("extension/create: {error}"),
        })?;
        let created = self
            .create_in_organization(wanted, &secrets)
            .await
            .map_err(writing("extension/create"))?;
        match created.id {
            Some(id) => Ok(ExtensionId(id.0)),
            None => self.find_created(wanted).await,
        }
    }

    /// A refusal for want of the organization is no attempt: nothing was carried out, so one more follows.
    async fn create_in_organization(
        &self,
        wanted: &NewExtension,
        secrets: &GeneratedSecrets,
    ) -> Result<Created, Fault> {
        let organization = self.known_organization();
        let refused = match self.ask(&create_call(wanted, secrets, &organization)).await {
            Err(fault) => fault,
            created => return created,
        };
        // What cannot be learnt now leaves the refusal as it is.
        let learnt = self.learn_organization(&organization, &refused).await;
        if !matches!(learnt, Ok(true)) {
            return Err(refused);
        }
        self.ask(&create_call(wanted, secrets, &self.known_organization()))
            .await
    }

    /// Some firmware answers without the id.
    async fn find_created(&self, wanted: &NewExtension) -> Result<ExtensionId, PhoneSystemError> {
        let unknown = |source: Option<PhoneSystemError>| PhoneSystemError::OutcomeUnknown {
            doing: "extension/create: the answer has no id".to_owned(),
            source: source.map(|error| Box::new(error).into()),
        };
        match self.find_row(&wanted.number).await {
            Ok(Some(row)) => Ok(row.id),
            Ok(None) => Err(unknown(None)),
            Err(error) => Err(unknown(Some(error))),
        }
    }

    pub(super) async fn update(&self, id: ExtensionId, patch: &FieldsPatch) -> Result<(), PhoneSystemError> {
        if patch.fields.is_empty() {
            return Ok(());
        }
        // An explicit empty text clears a field; a key left out keeps its value.
        let fields = patch
            .fields
            .iter()
            .map(|field| (wire_key(*field).to_owned(), patch.after.get(*field).into()));
        let mut body: Map<String, Value> = fields.collect();
        body.insert("id".to_owned(), id.0.into());
        let call = Call::write("extension/update").body(&body);
        self.tell(&call).await.map_err(writing("extension/update"))
    }

    pub(super) async fn delete(&self, id: ExtensionId) -> Result<Deleted, PhoneSystemError> {
        let call = Call::write("extension/delete").with("id", id.to_string());
        match self.tell(&call).await {
            Ok(()) => Ok(Deleted::Now),
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(Deleted::Earlier),
            Err(fault) => Err(writing("extension/delete")(fault)),
        }
    }

    pub(super) async fn welcome(&self, ids: &[ExtensionId]) -> Result<(), PhoneSystemError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let call = Call::write("extension/send_welcome_email").body(&serde_json::json!({ "id_list": ids }));
        match self.tell(&call).await {
            Err(fault) if fault.code() == Some(code::PARTIAL) => Err(PhoneSystemError::Unexpected {
                doing: "extension/send_welcome_email: the PBX sent only some of the mails (1)".to_owned(),
            }),
            told => told.map_err(writing("extension/send_welcome_email")),
        }
    }
}

fn create_call(wanted: &NewExtension, secrets: &GeneratedSecrets, organization: &Organization) -> Call {
    let fields = &wanted.fields;
    Call::write("extension/create").body(&CreateBody {
        r#type: "SIP",
        number: wanted.number.as_str(),
        first_name: &fields.first_name,
        last_name: &fields.last_name,
        email_addr: &fields.email,
        mobile_number: &fields.mobile,
        title: &fields.title,
        user_password: secrets.user_password.expose_secret(),
        reg_name: &secrets.reg_name,
        reg_password: secrets.reg_password.expose_secret(),
        concurrent_registrations: 1,
        presence_status: "available",
        organization_list: organization.list(),
    })
}

/// The PBX's key of an owned field.
fn wire_key(field: Field) -> &'static str {
    match field {
        Field::FirstName => "first_name",
        Field::LastName => "last_name",
        Field::Email => "email_addr",
        Field::Mobile => "mobile_number",
        Field::Title => "title",
    }
}

/// Explains a fault of a write.
fn writing(doing: &'static str) -> impl Fn(Fault) -> PhoneSystemError {
    move |fault| fault.explain(doing, Effect::Write)
}
