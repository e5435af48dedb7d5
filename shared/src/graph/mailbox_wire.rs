//! Contacts and their folders as Graph sends them. Null, empty and missing are the same to a sync; an object without an id
//! is an error.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::wire::Page;
use crate::domain::contact::{ContactId, OutlookContact};
use crate::domain::ids::EntraUserId;
use crate::domain::mailbox::MailboxAccount;

/// What a sync reads of a contact.
pub(super) const CONTACT_PROPERTIES: &str = "id,displayName,givenName,surname,fileAs,companyName,jobTitle,emailAddresses,businessPhones,homePhones,mobilePhone";

/// A list or a page of changes.
#[derive(Deserialize)]
pub(super) struct ListPage<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta_link: Option<String>,
}

impl<T> ListPage<T> {
    pub fn into_page<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.value.into_iter().map(each).collect(),
            next_link: self.next_link,
            delta_link: self.delta_link,
        }
    }
}

/// What a change read says of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContactChange {
    /// As it is now.
    Present(ContactId, Box<OutlookContact>),
    /// Deleted, or moved to another folder.
    Removed(ContactId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContact {
    id: String,
    #[serde(rename = "@removed", default)]
    removed: Option<IgnoredAny>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    given_name: Option<String>,
    #[serde(default)]
    surname: Option<String>,
    #[serde(default)]
    file_as: Option<String>,
    #[serde(default)]
    company_name: Option<String>,
    #[serde(default)]
    job_title: Option<String>,
    #[serde(default)]
    email_addresses: Option<Vec<WireAddress>>,
    #[serde(default)]
    business_phones: Option<Vec<Option<String>>>,
    #[serde(default)]
    home_phones: Option<Vec<Option<String>>>,
    #[serde(default)]
    mobile_phone: Option<String>,
}

#[derive(Deserialize)]
struct WireAddress {
    #[serde(default)]
    address: Option<String>,
}

impl From<WireContact> for ContactChange {
    fn from(wire: WireContact) -> Self {
        let id = ContactId(wire.id);
        if wire.removed.is_some() {
            return Self::Removed(id);
        }
        let addresses = wire.email_addresses.unwrap_or_default();
        let contact = OutlookContact {
            display_name: wire.display_name.unwrap_or_default(),
            given_name: wire.given_name.unwrap_or_default(),
            surname: wire.surname.unwrap_or_default(),
            file_as: wire.file_as.unwrap_or_default(),
            company: wire.company_name.unwrap_or_default(),
            job_title: wire.job_title.unwrap_or_default(),
            emails: filled(addresses.into_iter().map(|entry| entry.address)),
            business_phones: filled(wire.business_phones.unwrap_or_default().into_iter()),
            home_phones: filled(wire.home_phones.unwrap_or_default().into_iter()),
            mobile_phone: wire.mobile_phone.unwrap_or_default(),
        };
        Self::Present(id, Box::new(contact))
    }
}

fn filled(texts: impl Iterator<Item = Option<String>>) -> Vec<String> {
    texts.flatten().filter(|text| !text.trim().is_empty()).collect()
}

/// Parses a page of contacts or of their changes.
pub(super) fn contact_page(body: &[u8]) -> serde_json::Result<Page<ContactChange>> {
    let page: ListPage<WireContact> = serde_json::from_slice(body)?;
    Ok(page.into_page(ContactChange::from))
}

/// A folder, or one that went.
#[derive(Deserialize)]
struct WireFolder {
    id: String,
}

/// Parses a page of folders or of their changes: their keys.
pub(super) fn folder_page(body: &[u8]) -> serde_json::Result<Page<String>> {
    let page: ListPage<WireFolder> = serde_json::from_slice(body)?;
    Ok(page.into_page(|folder| folder.id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlace {
    #[serde(default)]
    parent_folder_id: Option<String>,
}

/// Parses a page of contacts of which only the folder matters.
pub(super) fn place_page(body: &[u8]) -> serde_json::Result<Page<Option<String>>> {
    let page: ListPage<WirePlace> = serde_json::from_slice(body)?;
    Ok(page.into_page(|place| place.parent_folder_id))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAccount {
    id: EntraUserId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    mail: Option<String>,
}

/// Parses a page of accounts; those without an address are left out.
pub(super) fn account_page(body: &[u8]) -> serde_json::Result<Page<Option<MailboxAccount>>> {
    let page: ListPage<WireAccount> = serde_json::from_slice(body)?;
    Ok(page.into_page(|account| {
        let address = account.mail.filter(|mail| !mail.trim().is_empty())?;
        Some(MailboxAccount {
            id: account.id,
            name: account
                .display_name
                .filter(|name| !name.trim().is_empty())
                .unwrap_or_else(|| address.clone()),
            address,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_read_with_whatever_they_lack() {
        let body = br#"{"value":[
            {"id":"a","displayName":null,"givenName":"Rui","emailAddresses":[{"name":"x"},{"address":"r@x.test"}],
             "businessPhones":["1",null,""],"mobilePhone":null,"@odata.etag":"W/1"},
            {"id":"b","@removed":{"reason":"deleted"}}],"@odata.deltaLink":"d"}"#;
        let page = contact_page(body).unwrap();
        let expected = OutlookContact {
            given_name: "Rui".into(),
            emails: vec!["r@x.test".into()],
            business_phones: vec!["1".into()],
            ..OutlookContact::default()
        };
        let present = ContactChange::Present(ContactId("a".into()), Box::new(expected));
        assert_eq!(
            page.items,
            [present, ContactChange::Removed(ContactId("b".into()))]
        );
        assert_eq!(page.delta_link.as_deref(), Some("d"));
        assert!(contact_page(br#"{"value":[{"displayName":"x"}]}"#).is_err());
        assert!(contact_page(b"{}").is_err(), "a missing list is not an empty one");
    }
}
