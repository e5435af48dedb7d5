//! A line on the PBX: the fields this product owns, and the rows it reads.

use serde::{Deserialize, Serialize};

use super::ids::ExtensionId;
use super::number::ExtensionNumber;

/// The five fields that Entra decides on a bound extension. Empty text is a field without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnedFields {
    /// At most 63 characters.
    pub first_name: String,
    /// At most 63 characters.
    pub last_name: String,
    /// At most 255 characters, unique among the extensions of a PBX.
    pub email: String,
    /// At most 31 characters.
    pub mobile: String,
    /// Job title, at most 127 characters.
    pub title: String,
}

/// Names one of the owned fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// E-mail address.
    Email,
    /// Mobile number.
    Mobile,
    /// Job title.
    Title,
}

impl Field {
    /// All of them, in the order people read them.
    pub const ALL: [Self; 5] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Mobile,
        Self::Title,
    ];

    /// Its name in reports and in the admin API.
    pub fn key(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Mobile => "mobile",
            Self::Title => "title",
        }
    }

    /// What the PBX portal calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::FirstName => "First Name",
            Self::LastName => "Last Name",
            Self::Email => "Email Address",
            Self::Mobile => "Mobile Number",
            Self::Title => "Job Title",
        }
    }
}

impl OwnedFields {
    /// The value of one field.
    pub fn get(&self, field: Field) -> &str {
        match field {
            Field::FirstName => &self.first_name,
            Field::LastName => &self.last_name,
            Field::Email => &self.email,
            Field::Mobile => &self.mobile,
            Field::Title => &self.title,
        }
    }

    /// Gives one field a value.
    pub fn set(&mut self, field: Field, value: String) {
        match field {
            Field::FirstName => self.first_name = value,
            Field::LastName => self.last_name = value,
            Field::Email => self.email = value,
            Field::Mobile => self.mobile = value,
            Field::Title => self.title = value,
        }
    }

    /// The fields in which `self` and `other` differ. Mail addresses are compared without regard to case,
    /// as the PBX and the directory each keep their own.
    pub fn differing(&self, other: &Self) -> Vec<Field> {
        let same = |field: Field| match field {
            Field::Email => self.email.eq_ignore_ascii_case(&other.email),
            field => self.get(field) == other.get(field),
        };
        Field::ALL.into_iter().filter(|field| !same(*field)).collect()
    }

    /// First and last name as the PBX shows them together.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }
}

/// Short, stable fingerprint of the fields last written to an extension, so that a hand-made change on the PBX
/// can be told from a change in the directory without keeping personal data twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldsDigest(u64);

impl FieldsDigest {
    /// Of these values; equal for addresses that differ in case alone.
    pub fn of(fields: &OwnedFields) -> Self {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        for field in Field::ALL {
            let value = fields.get(field);
            let value = if field == Field::Email {
                value.to_ascii_lowercase()
            } else {
                value.to_owned()
            };
            hash.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(value.as_bytes());
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

/// What the list call says of an extension: no separate names, no title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionRow {
    /// The PBX's key.
    pub id: ExtensionId,
    /// As text: the PBX may hold numbers that this product would never give out.
    pub number: String,
    /// First and last name joined.
    pub display_name: String,
    /// Empty if none.
    pub email: String,
    /// Empty if none.
    pub mobile: String,
}

/// An extension with every owned field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The PBX's key.
    pub id: ExtensionId,
    /// As text, see [`ExtensionRow::number`].
    pub number: String,
    /// What Entra decides once the extension is bound.
    pub fields: OwnedFields,
}

/// An extension to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExtension {
    /// Free on the PBX and reserved in the table.
    pub number: ExtensionNumber,
    /// Values within the PBX's rules.
    pub fields: OwnedFields,
}

/// Fields to write; the others keep their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldsPatch {
    /// What to write.
    pub after: OwnedFields,
    /// Which of them.
    pub fields: Vec<Field>,
}

/// How many extensions the licence allows and how many exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Capacity {
    /// Most extensions.
    pub extensions: u64,
    /// In use.
    pub used: u64,
}

impl Capacity {
    /// How many more fit.
    pub fn free(&self) -> u64 {
        self.extensions.saturating_sub(self.used)
    }
}
