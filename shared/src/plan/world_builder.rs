//! Builds a valid world for tests; a test bends one thing in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::binding::{Binding, BoundExtension, LeavingCause, Stage};
use crate::domain::entra_user::{EntraUser, UserType};
use crate::domain::extension::{Capacity, Extension, ExtensionRow, FieldsDigest, OwnedFields};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::mapping::desired_fields;
use crate::domain::number::ExtensionNumber;
use crate::domain::settings::{SafetySettings, UserSettings};

use super::operation::{Change, Operation};
use super::snapshot::{Coverage, DirectorySnapshot, PhoneSystemSnapshot, Policy, World};

pub const NOW: &str = "2026-03-02T00:30:00Z";

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn user_id(n: u32) -> EntraUserId {
    EntraUserId::parse(&format!("00000000-0000-0000-0000-{n:012}")).unwrap()
}

pub fn number(text: &str) -> ExtensionNumber {
    ExtensionNumber::parse(text).unwrap()
}

/// Person `n`: enabled member with a mail address of their own.
pub fn person(n: u32) -> EntraUser {
    EntraUser {
        id: user_id(n),
        display_name: Some(format!("Person {n:03}")),
        given_name: Some("Person".into()),
        surname: Some(format!("{n:03}")),
        user_principal_name: Some(format!("p{n}@contoso.example")),
        mail: Some(format!("p{n}@contoso.example")),
        mobile_phone: Some("+41441234567".into()),
        job_title: Some("Engineer".into()),
        account_enabled: true,
        user_type: UserType::Member,
        number_values: vec![format!("{}", 3000 + n)],
    }
}

pub fn policy() -> Policy {
    Policy {
        removal: None,
        users: UserSettings {
            enabled: true,
            ..UserSettings::default()
        },
        safety: SafetySettings::default(),
        now: now(),
        last_good_managed: None,
    }
}

/// Nobody, nothing, room for 1000.
pub fn empty() -> World {
    World {
        directory: DirectorySnapshot {
            users: BTreeMap::new(),
            coverage: Coverage::Complete,
            scope_members: BTreeSet::new(),
            excluded_members: BTreeSet::new(),
        },
        phone_system: PhoneSystemSnapshot {
            rows: Some(BTreeMap::new()),
            details: BTreeMap::new(),
            capacity: Capacity {
                extensions: 1000,
                used: 0,
            },
        },
        bindings: BTreeMap::new(),
        refused_numbers: BTreeSet::new(),
    }
}

impl World {
    pub(super) fn with_person(mut self, user: EntraUser) -> Self {
        self.directory.users.insert(user.id, user);
        self
    }

    /// An extension on the PBX that nobody owns.
    pub(super) fn with_extension(mut self, id: i64, number: &str, fields: OwnedFields) -> Self {
        self.put_extension(Extension {
            id: ExtensionId(id),
            number: number.into(),
            fields,
        });
        self
    }

    /// A person in step: extension `id` with this number, bound.
    pub(super) fn with_bound(mut self, user: EntraUser, id: i64, text: &str) -> Self {
        let fields = desired_fields(&user, &number(text)).fields;
        self.bind(&user, ExtensionId(id), number(text), &fields);
        self.put_extension(Extension {
            id: ExtensionId(id),
            number: text.into(),
            fields,
        });
        self.directory.users.insert(user.id, user);
        self
    }

    pub(super) fn without_person(mut self, n: u32) -> Self {
        self.directory.users.remove(&user_id(n));
        self
    }

    pub(super) fn edit_person(mut self, n: u32, edit: impl FnOnce(&mut EntraUser)) -> Self {
        edit(self.directory.users.get_mut(&user_id(n)).unwrap());
        self
    }

    pub(super) fn edit_extension(mut self, id: i64, edit: impl FnOnce(&mut OwnedFields)) -> Self {
        let mut extension = self.phone_system.details.get(&ExtensionId(id)).unwrap().clone();
        edit(&mut extension.fields);
        self.put_extension(extension);
        self
    }

    pub(super) fn remove_extension(mut self, id: ExtensionId) -> Self {
        self.phone_system.rows.as_mut().unwrap().remove(&id);
        self.phone_system.details.remove(&id);
        self
    }

    pub(super) fn leaving(mut self, n: u32, since: Timestamp, cause: LeavingCause) -> Self {
        let binding = self.bindings.get_mut(&user_id(n)).unwrap();
        let bound = binding.bound().unwrap().clone();
        binding.stage = Stage::Leaving { bound, since, cause };
        self
    }

    pub(super) fn intended(mut self, n: u32, text: &str) -> Self {
        let user = self
            .directory
            .users
            .get(&user_id(n))
            .cloned()
            .unwrap_or_else(|| person(n));
        let wanted = FieldsDigest::of(&desired_fields(&user, &number(text)).fields);
        let stage = Stage::Intended { at: now(), wanted };
        let binding = Binding {
            user: user.id,
            number: number(text),
            name: "x".into(),
            stage,
        };
        self.bindings.insert(user.id, binding);
        self
    }

    fn put_extension(&mut self, extension: Extension) {
        let row = ExtensionRow {
            id: extension.id,
            number: extension.number.clone(),
            display_name: extension.fields.display_name(),
            email: extension.fields.email.clone(),
            mobile: extension.fields.mobile.clone(),
        };
        self.phone_system.rows.as_mut().unwrap().insert(row.id, row);
        self.phone_system.details.insert(extension.id, extension);
    }

    fn bind(
        &mut self,
        user: &EntraUser,
        extension: ExtensionId,
        number: ExtensionNumber,
        fields: &OwnedFields,
    ) {
        let written = FieldsDigest::of(fields);
        let bound = BoundExtension {
            extension,
            written,
            bound_at: now(),
            written_at: now(),
        };
        let name = fields.display_name();
        self.bindings.insert(
            user.id,
            Binding {
                user: user.id,
                number,
                name,
                stage: Stage::Bound(bound),
            },
        );
    }

    /// What the world is after `operation`, as a PBX and a table that work would make it.
    pub(super) fn apply(mut self, operation: &Operation) -> Self {
        match &operation.change {
            Change::Create { fields } => {
                let rows = self.phone_system.rows.as_ref().unwrap();
                let id = ExtensionId(rows.keys().map(|id| id.0).max().unwrap_or(0).max(10_000) + 1);
                assert!(
                    rows.values().all(|row| row.number != operation.number.as_str()),
                    "number given twice"
                );
                self.write(operation, id, fields)
            }
            Change::Bind { extension, after, .. } => self.write(operation, *extension, after),
            Change::Update { bound, after, .. } => self.write(operation, bound.extension, after),
            Change::Note { bound, fields } => self.write(operation, bound.extension, fields),
            Change::MarkLeaving { bound, cause } => {
                let stage = Stage::Leaving {
                    bound: bound.clone(),
                    since: now(),
                    cause: *cause,
                };
                self.bindings.get_mut(&operation.user).unwrap().stage = stage;
                self
            }
            Change::Release { .. } => {
                self.bindings.remove(&operation.user);
                self
            }
            Change::Delete { extension, .. } => {
                self.bindings.remove(&operation.user);
                match extension {
                    Some(id) => self.remove_extension(*id),
                    None => self,
                }
            }
        }
    }

    fn write(mut self, operation: &Operation, id: ExtensionId, fields: &OwnedFields) -> Self {
        let address = fields.email.to_ascii_lowercase();
        let twice = self
            .phone_system
            .rows
            .as_ref()
            .unwrap()
            .values()
            .any(|row| row.id != id && !address.is_empty() && row.email.to_ascii_lowercase() == address);
        assert!(!twice, "the address {address} would be on two extensions");
        let number = operation.number.as_str().to_owned();
        self.put_extension(Extension {
            id,
            number,
            fields: fields.clone(),
        });
        let user = EntraUser {
            id: operation.user,
            ..person(0)
        };
        self.bind(&user, id, operation.number.clone(), fields);
        self
    }
}
