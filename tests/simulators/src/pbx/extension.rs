//! An extension, and the store of all of them. Number and mail are each held by one extension at most;
//! the indexes always agree with the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::envelope::Fields;

/// One line on the PBX.
#[derive(Clone, PartialEq, Serialize)]
pub struct Extension {
    pub id: u32,
    pub number: String,
    pub first_name: String,
    pub last_name: String,
    pub email_addr: String,
    pub mobile_number: String,
    pub title: String,
    pub role_id: u32,
    /// Ids of the organizations it belongs to.
    pub organizations: BTreeSet<u32>,
    pub presence_status: &'static str,
    /// A presence of the company's own making, over the standard one; empty when none.
    pub custom_presence_status: String,
    /// What differs from the defaults of each presence.
    pub presence: BTreeMap<&'static str, Fields>,
    pub caller_id: String,
    pub agent_id: String,
    pub reg_name: String,
    pub concurrent_registrations: i64,
    /// Every other setting that was ever written.
    pub settings: Fields,
    pub monitor: Monitor,
    #[serde(skip)]
    pub reg_password: String,
    #[serde(skip)]
    pub user_password: String,
}

/// As JSON, which leaves the passwords out.
impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The switches of Integrations > API > Advanced: without them no status event is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Monitor {
    pub registration: bool,
    pub call: bool,
    pub presence: bool,
}

impl Monitor {
    /// All three alike.
    pub fn all(on: bool) -> Self {
        Self {
            registration: on,
            call: on,
            presence: on,
        }
    }
}

impl Extension {
    /// An extension with nothing but defaults.
    pub fn blank(number: &str) -> Self {
        Self {
            id: 0,
            number: number.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            email_addr: String::new(),
            mobile_number: String::new(),
            title: String::new(),
            role_id: 0,
            organizations: BTreeSet::new(),
            presence_status: "available",
            custom_presence_status: String::new(),
            presence: BTreeMap::new(),
            caller_id: number.to_owned(),
            agent_id: number.to_owned(),
            reg_name: String::new(),
            concurrent_registrations: 1,
            settings: Fields::new(),
            monitor: Monitor::all(false),
            reg_password: String::new(),
            user_password: String::new(),
        }
    }

    /// First and last name as the lists show them.
    pub fn display_name(&self) -> String {
        match (self.first_name.is_empty(), self.last_name.is_empty()) {
            (false, false) => format!("{} {}", self.first_name, self.last_name),
            (true, _) => self.last_name.clone(),
            (false, true) => self.first_name.clone(),
        }
    }
}

/// All extensions, by id, number and mail.
#[derive(Default)]
pub struct Extensions {
    rows: BTreeMap<u32, Extension>,
    by_number: BTreeMap<String, u32>,
    by_mail: BTreeMap<String, u32>,
    last_id: u32,
}

impl Extensions {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get(&self, id: u32) -> Option<&Extension> {
        self.rows.get(&id)
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Extension> {
        self.rows.values()
    }

    pub fn id_of_number(&self, number: &str) -> Option<u32> {
        self.by_number.get(number).copied()
    }

    /// Mails are compared without regard to case.
    pub fn id_of_mail(&self, mail: &str) -> Option<u32> {
        self.by_mail.get(&mail.to_lowercase()).copied()
    }

    /// Adds an extension whose number and mail nobody holds, and gives it an id.
    pub fn insert(&mut self, mut extension: Extension) -> u32 {
        self.last_id += 1;
        extension.id = self.last_id;
        self.index(&extension);
        self.rows.insert(self.last_id, extension);
        self.last_id
    }

    /// Puts a changed extension in the place of the one with its id.
    pub fn replace(&mut self, extension: Extension) {
        if let Some(old) = self.rows.get(&extension.id) {
            self.by_number.remove(&old.number);
            self.by_mail.remove(&old.email_addr.to_lowercase());
        }
        self.index(&extension);
        self.rows.insert(extension.id, extension);
    }

    pub fn remove(&mut self, id: u32) -> Option<Extension> {
        let gone = self.rows.remove(&id)?;
        self.by_number.remove(&gone.number);
        self.by_mail.remove(&gone.email_addr.to_lowercase());
        Some(gone)
    }

    fn index(&mut self, extension: &Extension) {
        self.by_number.insert(extension.number.clone(), extension.id);
        if !extension.email_addr.is_empty() {
            self.by_mail
                .insert(extension.email_addr.to_lowercase(), extension.id);
        }
    }
}
