//! Contacts: as Outlook has them, as the PBX should have them, and as the PBX lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::{ConnectionId, InvalidId};
use super::mailbox::MailboxId;
use super::phonebook::PhonebookId;

/// Graph's key of a contact, unique in its mailbox; letter case counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactId(pub String);

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The PBX's own key of a company contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct PbxContactId(pub i64);

impl fmt::Display for PbxContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Our key of a contact: made of the connection, the mailbox and Graph's key, so that it is always the same for the same
/// contact and never for another. It stands in the remark of the contact on the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactKey([u8; KEY_BYTES]);

/// 80 bits: no two of half a million contacts share one.
const KEY_BYTES: usize = 10;

/// Before and after the key in a remark.
const MARK: (&str, &str) = ("[Outlook ", "]");

impl ContactKey {
    /// Of this contact of this mailbox.
    pub fn of(connection: ConnectionId, mailbox: MailboxId, contact: &ContactId) -> Self {
        let mut hash = Sha256::new();
        hash.update(connection.as_uuid().as_bytes());
        hash.update(mailbox.as_uuid().as_bytes());
        hash.update(contact.0.as_bytes());
        let mut key = [0; KEY_BYTES];
        for (place, byte) in key.iter_mut().zip(hash.finalize()) {
            *place = byte;
        }
        Self(key)
    }

    /// The reverse of `to_string`; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = [0; KEY_BYTES];
        hex::decode_to_slice(text, &mut key).ok()?;
        // One key has one spelling.
        (hex::encode(key) == text).then_some(Self(key))
    }

    /// The end of a remark that carries this key.
    pub fn mark(&self) -> String {
        let (open, close) = MARK;
        format!("{open}{self}{close}")
    }

    /// The key at the end of a remark.
    pub fn in_remark(remark: &str) -> Option<Self> {
        let (open, close) = MARK;
        let inner = remark.trim_end().strip_suffix(close)?;
        let (_, key) = inner.rsplit_once(open)?;
        Self::parse(key)
    }
}

impl fmt::Display for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl From<ContactKey> for String {
    fn from(key: ContactKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for ContactKey {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text).ok_or(InvalidId {
            wanted: "the key of a contact",
        })
    }
}

/// A contact as Outlook has it, reduced to what the PBX can hold. Stored by the thousand, hence the short names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutlookContact {
    /// As Outlook shows it.
    #[serde(rename = "d", skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// First name.
    #[serde(rename = "g", skip_serializing_if = "String::is_empty")]
    pub given_name: String,
    /// Last name.
    #[serde(rename = "s", skip_serializing_if = "String::is_empty")]
    pub surname: String,
    /// What it is sorted by, often `Last, First`.
    #[serde(rename = "f", skip_serializing_if = "String::is_empty")]
    pub file_as: String,
    /// Company.
    #[serde(rename = "c", skip_serializing_if = "String::is_empty")]
    pub company: String,
    /// Job title.
    #[serde(rename = "j", skip_serializing_if = "String::is_empty")]
    pub job_title: String,
    /// Mail addresses in Outlook's order.
    #[serde(rename = "e", skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Numbers at work.
    #[serde(rename = "b", skip_serializing_if = "Vec::is_empty")]
    pub business_phones: Vec<String>,
    /// Numbers at home.
    #[serde(rename = "h", skip_serializing_if = "Vec::is_empty")]
    pub home_phones: Vec<String>,
    /// Mobile number; Outlook has one.
    #[serde(rename = "m", skip_serializing_if = "String::is_empty")]
    pub mobile_phone: String,
}

/// A place for a number on the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NumberSlot {
    /// Business.
    Business,
    /// Business 2.
    Business2,
    /// Business Fax.
    BusinessFax,
    /// Mobile.
    Mobile,
    /// Mobile 2.
    Mobile2,
    /// Home.
    Home,
    /// Home 2.
    Home2,
    /// Home Fax.
    HomeFax,
    /// Other.
    Other,
}

impl NumberSlot {
    /// All nine, in the order of the PBX portal.
    pub const ALL: [Self; 9] = [
        Self::Business,
        Self::Business2,
        Self::BusinessFax,
        Self::Mobile,
        Self::Mobile2,
        Self::Home,
        Self::Home2,
        Self::HomeFax,
        Self::Other,
    ];

    /// The key reports use.
    pub fn key(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Business2 => "business2",
            Self::BusinessFax => "business_fax",
            Self::Mobile => "mobile",
            Self::Mobile2 => "mobile2",
            Self::Home => "home",
            Self::Home2 => "home2",
            Self::HomeFax => "home_fax",
            Self::Other => "other",
        }
    }
}

/// A number for each place that has one.
pub type Numbers = BTreeMap<NumberSlot, String>;

/// A company contact as the PBX should have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// Never empty.
    pub first_name: String,
    /// Empty if none.
    pub last_name: String,
    /// Empty if none.
    pub company: String,
    /// Empty if none.
    pub email: String,
    /// Job title and our mark.
    pub remark: String,
    /// At least one.
    pub numbers: Numbers,
}

impl Card {
    /// First and last name together.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    /// Field by field, for reports.
    pub fn values(&self) -> BTreeMap<String, String> {
        let texts = [
            ("name", self.name()),
            ("company", self.company.clone()),
            ("email", self.email.clone()),
            ("remark", self.remark.clone()),
        ];
        filled(texts, &self.numbers)
    }
}

/// What the list call says of a contact: both names joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// The PBX's key.
    pub id: PbxContactId,
    /// First and last name, in the order that the PBX shows names in.
    pub name: String,
    /// Empty if none.
    pub company: String,
    /// Empty if none.
    pub email: String,
    /// Empty if none.
    pub remark: String,
    /// Those that are there.
    pub numbers: Numbers,
    /// The phonebooks that hold it.
    pub phonebooks: BTreeSet<PhonebookId>,
}

impl ContactRow {
    /// Whether it says what `card` says. Which of two joined names comes first is the PBX's choice.
    pub fn says(&self, card: &Card) -> bool {
        self.is_named(card)
            && self.company == card.company
            && self.email.eq_ignore_ascii_case(&card.email)
            && self.remark == card.remark
            && self.numbers == card.numbers
    }

    fn is_named(&self, card: &Card) -> bool {
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let (first, last, shown) = (bare(&card.first_name), bare(&card.last_name), bare(&self.name));
        shown == format!("{first}{last}") || shown == format!("{last}{first}")
    }

    /// Whether this still is the contact that was made with this key and looked like `card`: it carries the mark, or lost
    /// it and kept its name or a number. Any other contact under a key of ours belongs to somebody else.
    pub fn is_still(&self, key: &ContactKey, card: &Card) -> bool {
        match ContactKey::in_remark(&self.remark) {
            Some(found) => found == *key,
            None => {
                self.is_named(card)
                    || card
                        .numbers
                        .values()
                        .any(|n| self.numbers.values().any(|own| own == n))
            }
        }
    }

    /// Field by field, for reports.
    pub fn values(&self) -> BTreeMap<String, String> {
        let texts = [
            ("name", self.name.clone()),
            ("company", self.company.clone()),
            ("email", self.email.clone()),
            ("remark", self.remark.clone()),
        ];
        filled(texts, &self.numbers)
    }
}

fn filled(texts: [(&str, String); 4], numbers: &Numbers) -> BTreeMap<String, String> {
    let numbers = numbers.iter().map(|(slot, number)| (slot.key(), number.clone()));
    texts
        .into_iter()
        .chain(numbers)
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
}

/// Fingerprint of a card as it was last written, so that a change in Outlook can be told from one on the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardDigest(u64);

impl CardDigest {
    /// Of this card.
    pub fn of(card: &Card) -> Self {
        let mut hash = Sha256::new();
        let texts = [
            &card.first_name,
            &card.last_name,
            &card.company,
            &card.email,
            &card.remark,
        ];
        let numbers = card
            .numbers
            .iter()
            .map(|(slot, number)| format!("{}={number}", slot.key()));
        for text in texts.into_iter().cloned().chain(numbers) {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        let bytes = hash.finalize();
        Self(
            bytes
                .iter()
                .take(8)
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(contact: &str) -> ContactKey {
        let connection = ConnectionId::from(Uuid::from_u128(1));
        ContactKey::of(
            connection,
            MailboxId::from(Uuid::from_u128(2)),
            &ContactId(contact.into()),
        )
    }

    fn card() -> Card {
        Card {
            first_name: "Rui".into(),
            last_name: "Alves".into(),
            numbers: [(NumberSlot::Mobile, "+351930000000".into())].into(),
            remark: format!("Buyer {}", key("a").mark()),
            ..Card::default()
        }
    }

    fn row(name: &str, remark: &str, number: &str) -> ContactRow {
        ContactRow {
            id: PbxContactId(1),
            name: name.into(),
            company: String::new(),
            email: String::new(),
            remark: remark.into(),
            numbers: [(NumberSlot::Mobile, number.into())].into(),
            phonebooks: BTreeSet::new(),
        }
    }

    #[test]
    fn a_key_is_read_back_from_a_remark_and_from_nothing_else() {
        assert_eq!(ContactKey::in_remark(&card().remark), Some(key("a")));
        assert_ne!(key("a"), key("A"), "letter case counts");
        for other in [
            "",
            "Buyer",
            "[Outlook ]",
            "[Outlook 12345]",
            "[Outlook zzzzzzzzzzzzzzzzzzzz]",
            "x]",
        ] {
            assert_eq!(ContactKey::in_remark(other), None, "{other}");
        }
    }

    #[test]
    fn names_compare_in_either_order() {
        let remark = card().remark;
        for name in ["Rui Alves", "Alves Rui", "AlvesRui"] {
            assert!(row(name, &remark, "+351930000000").says(&card()), "{name}");
        }
        assert!(!row("Rui", &remark, "+351930000000").says(&card()));
        assert!(!row("Rui Alves", &remark, "+351930000001").says(&card()));
    }

    #[test]
    fn a_contact_stays_ours_while_it_can_be_recognised() {
        let (key, other, card) = (key("a"), key("b"), card());
        let number = "+351930000000";
        assert!(
            row("Anybody", &card.remark, "1").is_still(&key, &card),
            "by its mark"
        );
        assert!(row("Rui Alves", "", "1").is_still(&key, &card), "by its name");
        assert!(
            row("Anybody", "note", number).is_still(&key, &card),
            "by its number"
        );
        assert!(!row("Anybody", "", "1").is_still(&key, &card));
        assert!(
            !row("Rui Alves", &other.mark(), number).is_still(&key, &card),
            "another's mark"
        );
    }
}
