//! Contacts and phonebooks on the wire. They are written with a list of numbers and read with one key for each place.

use serde::{Deserialize, Serialize};

use super::listing::ListedRow;
use super::wire::{Int, Text, null_as_empty};
use crate::domain::contact::{Card, ContactRow, NumberSlot, Numbers, PbxContactId};
use crate::domain::phonebook::{PhonebookId, PhonebookRow};

/// A row of `company_contact/list` and `company_contact/search`.
#[derive(Deserialize)]
pub(super) struct ListedContact {
    id: Int,
    #[serde(default)]
    contact_name: Text,
    #[serde(default)]
    company: Text,
    #[serde(default)]
    email: Text,
    #[serde(default)]
    remark: Text,
    #[serde(default, deserialize_with = "null_as_empty")]
    phonebook_list: Vec<PhonebookRef>,
    #[serde(default)]
    business: Text,
    #[serde(default)]
    business2: Text,
    #[serde(default)]
    business_fax: Text,
    #[serde(default)]
    mobile: Text,
    #[serde(default)]
    mobile2: Text,
    #[serde(default)]
    home: Text,
    #[serde(default)]
    home2: Text,
    #[serde(default)]
    home_fax: Text,
    #[serde(default)]
    other: Text,
}

#[derive(Deserialize)]
struct PhonebookRef {
    id: Int,
}

impl ListedRow for ListedContact {
    fn id(&self) -> i64 {
        self.id.0
    }
}

impl From<ListedContact> for ContactRow {
    fn from(row: ListedContact) -> Self {
        let numbers = [
            (NumberSlot::Business, row.business),
            (NumberSlot::Business2, row.business2),
            (NumberSlot::BusinessFax, row.business_fax),
            (NumberSlot::Mobile, row.mobile),
            (NumberSlot::Mobile2, row.mobile2),
            (NumberSlot::Home, row.home),
            (NumberSlot::Home2, row.home2),
            (NumberSlot::HomeFax, row.home_fax),
            (NumberSlot::Other, row.other),
        ];
        let filled = numbers.into_iter().filter(|(_, number)| !number.0.is_empty());
        let numbers: Numbers = filled.map(|(slot, number)| (slot, number.0)).collect();
        Self {
            id: PbxContactId(row.id.0),
            name: row.contact_name.0,
            company: row.company.0,
            email: row.email.0,
            remark: row.remark.0,
            numbers,
            phonebooks: row
                .phonebook_list
                .into_iter()
                .map(|book| PhonebookId(book.id.0))
                .collect(),
        }
    }
}

/// A row of `phonebook/list`.
#[derive(Deserialize)]
pub(super) struct ListedPhonebook {
    id: Int,
    name: Text,
    #[serde(default)]
    total: Option<Int>,
    #[serde(default)]
    member_select: Text,
}

impl ListedRow for ListedPhonebook {
    fn id(&self) -> i64 {
        self.id.0
    }
}

impl From<ListedPhonebook> for PhonebookRow {
    fn from(row: ListedPhonebook) -> Self {
        Self {
            id: PhonebookId(row.id.0),
            name: row.name.0,
            total: row
                .total
                .and_then(|total| u64::try_from(total.0).ok())
                .unwrap_or_default(),
            everyone: row.member_select.0 == SELECT_ALL,
        }
    }
}

/// Every company contact.
const SELECT_ALL: &str = "sel_all";
/// Chosen contacts.
pub(super) const SELECT_SPECIFIC: &str = "sel_specific";

/// The body of `company_contact/create` and, with an id, of `company_contact/update`. Empty texts clear a field.
#[derive(Serialize)]
pub(super) struct ContactBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    first_name: &'a str,
    last_name: &'a str,
    company: &'a str,
    email: &'a str,
    remark: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phonebook_id_list: Option<Vec<i64>>,
    number_list: Vec<NumberEntry<'a>>,
}

#[derive(Serialize)]
struct NumberEntry<'a> {
    num_type: &'static str,
    number: &'a str,
}

impl<'a> ContactBody<'a> {
    pub(super) fn new(card: &'a Card, id: Option<PbxContactId>, phonebook: Option<PhonebookId>) -> Self {
        let entry = |(slot, number): (&NumberSlot, &'a String)| NumberEntry {
            num_type: written_key(*slot),
            number,
        };
        Self {
            id: id.map(|id| id.0),
            first_name: &card.first_name,
            last_name: &card.last_name,
            company: &card.company,
            email: &card.email,
            remark: &card.remark,
            phonebook_id_list: phonebook.map(|book| vec![book.0]),
            number_list: card.numbers.iter().map(entry).collect(),
        }
    }
}

/// The `num_type` of a place.
fn written_key(slot: NumberSlot) -> &'static str {
    match slot {
        NumberSlot::Business => "business_number",
        NumberSlot::Business2 => "business_number2",
        NumberSlot::BusinessFax => "business_fax",
        NumberSlot::Mobile => "mobile_number",
        NumberSlot::Mobile2 => "mobile_number2",
        NumberSlot::Home => "home_number",
        NumberSlot::Home2 => "home_number2",
        NumberSlot::HomeFax => "home_fax",
        NumberSlot::Other => "other_number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pbx::wire::decode;

    #[test]
    fn what_is_written_with_a_list_is_read_with_a_key_each() {
        let card = Card {
            first_name: "Rui".into(),
            numbers: NumberSlot::ALL
                .into_iter()
                .map(|slot| (slot, slot.key().to_owned()))
                .collect(),
            ..Card::default()
        };
        let body = serde_json::to_value(ContactBody::new(&card, None, Some(PhonebookId(5)))).unwrap();
        assert_eq!(body["phonebook_id_list"], serde_json::json!([5]));
        assert_eq!(body["number_list"].as_array().unwrap().len(), 9);
        let row = br#"{"id":"7","contact_name":"Rui","remark":null,"phonebook_list":[{"id":5,"name":"x"}],
            "business":"business","business2":"business2","business_fax":"business_fax","mobile":"mobile",
            "mobile2":"mobile2","home":"home","home2":"home2","home_fax":"home_fax","other":"other"}"#;
        let row = ContactRow::from(decode::<ListedContact>(row).unwrap());
        assert_eq!(row.numbers, card.numbers);
        assert_eq!(
            (row.id, row.phonebooks),
            (PbxContactId(7), [PhonebookId(5)].into())
        );
    }
}
