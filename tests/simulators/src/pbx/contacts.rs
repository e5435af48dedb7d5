//! Company contacts. They are written with a `number_list` and read with one key per slot; which phonebooks
//! select a contact is remembered on both sides and always agrees.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Call, Page, PageSize};
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::phonebooks::Phonebook;
use super::state::State;
use super::validation::{Checker, is_dialable, is_mail};

/// The written `num_type` and the key it is read under.
pub const SLOTS: [(&str, &str); 9] = [
    ("business_number", "business"),
    ("business_number2", "business2"),
    ("business_fax", "business_fax"),
    ("mobile_number", "mobile"),
    ("mobile_number2", "mobile2"),
    ("home_number", "home"),
    ("home_number2", "home2"),
    ("home_fax", "home_fax"),
    ("other_number", "other"),
];

const SORTABLE: [&str; 8] = [
    "id",
    "contact_name",
    "company",
    "email",
    "business",
    "mobile",
    "home",
    "business_fax",
];
const ADDRESS: [&str; 5] = ["zip_code", "street", "city", "state", "country"];

/// One company contact.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Contact {
    pub first_name: String,
    pub last_name: String,
    pub company: String,
    pub email: String,
    pub remark: String,
    pub address: BTreeMap<&'static str, String>,
    /// Number by the key it is read under.
    pub numbers: BTreeMap<&'static str, String>,
    /// The `sel_specific` phonebooks that select it.
    pub phonebooks: BTreeSet<u32>,
}

impl Contact {
    fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    fn number(&self, slot: &str) -> &str {
        self.numbers.get(slot).map_or("", String::as_str)
    }
}

/// `company_contact/list` and `company_contact/search`.
pub fn list(state: &mut State, call: &Call) -> Reply {
    let behaviour = &state.settings.behaviour;
    let size = PageSize {
        default: behaviour.contact_page_size_max,
        max: behaviour.contact_page_size_max,
    };
    let page = Page::read(call, &SORTABLE, size, behaviour.reject_unknown_sort)?;
    let mut found: Vec<_> = state
        .contacts
        .rows
        .iter()
        .filter(|(_, contact)| is_found(contact, &page))
        .collect();
    match page.sort_by.as_deref() {
        None | Some("id") => {}
        Some("contact_name") => found.sort_by_cached_key(|(_, contact)| contact.name()),
        Some("company") => found.sort_by_key(|(_, contact)| &contact.company),
        Some("email") => found.sort_by_key(|(_, contact)| &contact.email),
        Some(slot) => found.sort_by(|(_, a), (_, b)| a.number(slot).cmp(b.number(slot))),
    }
    let total = found.len();
    let data: Vec<Value> = page
        .cut(found)
        .into_iter()
        .map(|(id, contact)| row(state, *id, contact))
        .collect();
    Ok(fields([("total_number", total.into()), ("data", data.into())]))
}

/// `company_contact/get`.
pub fn get(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let contact = state.contacts.rows.get(&id).ok_or_else(|| unknown(state))?;
    Ok(fields([("data", detail(state, id, contact))]))
}

/// `company_contact/query`.
pub fn query(state: &mut State, call: &Call) -> Reply {
    let ids = call.query_ids(&state.settings.behaviour)?;
    let found = ids
        .into_iter()
        .filter_map(|id| Some(detail(state, id, state.contacts.rows.get(&id)?)));
    Ok(fields([("data", found.collect::<Vec<_>>().into())]))
}

/// `company_contact/create`.
pub fn create(state: &mut State, call: &Call) -> Reply {
    let mut contact = Contact::default();
    apply(state, &call.body, &mut contact, true)?;
    if state.contacts.rows.len() >= state.settings.behaviour.max_contacts {
        return Err(Refusal::new(code::LIMIT));
    }
    let selected = contact.phonebooks.clone();
    let id = state.contacts.insert(contact);
    select(state, id, &selected);
    Ok(if state.settings.behaviour.create_returns_id {
        fields([("id", id.into())])
    } else {
        Fields::new()
    })
}

/// `company_contact/update`.
pub fn update(state: &mut State, call: &Call) -> Reply {
    let id = call.body_id()?;
    let mut contact = state
        .contacts
        .rows
        .get(&id)
        .cloned()
        .ok_or_else(|| unknown(state))?;
    apply(state, &call.body, &mut contact, false)?;
    let selected = contact.phonebooks.clone();
    state.contacts.rows.insert(id, contact);
    select(state, id, &selected);
    done()
}

/// `company_contact/delete`.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let contact = state.contacts.rows.get(&id).ok_or_else(|| unknown(state))?;
    if state.settings.behaviour.selected_contact_stays && !contact.phonebooks.is_empty() {
        return Err(Refusal::new(code::REFERENCED));
    }
    state.contacts.rows.remove(&id);
    select(state, id, &BTreeSet::new());
    done()
}

/// A row as lists and phonebooks show it: names joined, one key per number slot.
pub fn row(state: &State, id: u32, contact: &Contact) -> Value {
    Value::Object(row_fields(state, id, contact))
}

fn detail(state: &State, id: u32, contact: &Contact) -> Value {
    let mut detail = row_fields(state, id, contact);
    detail.insert("first_name".to_owned(), contact.first_name.clone().into());
    detail.insert("last_name".to_owned(), contact.last_name.clone().into());
    for key in ADDRESS {
        let value = contact.address.get(key).cloned().unwrap_or_default();
        detail.insert(key.to_owned(), value.into());
    }
    Value::Object(detail)
}

fn row_fields(state: &State, id: u32, contact: &Contact) -> Fields {
    let everyone = state
        .phonebooks
        .rows
        .iter()
        .filter(|(_, book)| book.everyone)
        .map(|(id, _)| id);
    let books = everyone.chain(&contact.phonebooks).filter_map(|id| {
        let book: &Phonebook = state.phonebooks.rows.get(id)?;
        Some(json!({ "id": id, "name": book.name }))
    });
    let mut row = fields([
        ("id", id.into()),
        ("contact_name", contact.name().into()),
        ("company", contact.company.clone().into()),
        ("email", contact.email.clone().into()),
        ("phonebook_list", books.collect::<Vec<_>>().into()),
        ("remark", contact.remark.clone().into()),
    ]);
    row.extend(
        SLOTS
            .iter()
            .map(|(_, slot)| ((*slot).to_owned(), contact.number(slot).into())),
    );
    row
}

fn unknown(state: &State) -> Refusal {
    Refusal::new(state.settings.behaviour.unknown_contact_errcode)
}

fn is_found(contact: &Contact, page: &Page) -> bool {
    page.search.is_empty()
        || page.matches(&[&contact.name(), &contact.company, &contact.email])
        || contact.numbers.values().any(|number| page.matches(&[number]))
}

/// Makes the phonebooks agree with what the contact says.
fn select(state: &mut State, contact: u32, selected: &BTreeSet<u32>) {
    for (id, book) in &mut state.phonebooks.rows {
        if selected.contains(id) {
            book.contacts.insert(contact);
        } else {
            book.contacts.remove(&contact);
        }
    }
}

fn apply(state: &State, body: &Fields, contact: &mut Contact, creating: bool) -> Result<(), Refusal> {
    let clears = creating || state.settings.behaviour.empty_text_clears;
    let mut checker = Checker::new(body, &state.settings.behaviour);
    if creating {
        checker.require(&["first_name", "number_list"]);
    }
    let set = |target: &mut String, text: Option<String>| {
        if let Some(text) = text.filter(|text| clears || !text.is_empty()) {
            *target = text;
        }
    };
    set(&mut contact.first_name, checker.short("first_name", 63));
    set(&mut contact.last_name, checker.short("last_name", 63));
    set(&mut contact.company, checker.short("company", 127));
    set(&mut contact.email, checker.text("email", is_mail));
    set(&mut contact.remark, checker.short("remark", 1_024));
    for key in ADDRESS {
        set(contact.address.entry(key).or_default(), checker.short(key, 255));
    }
    if contact.first_name.is_empty() {
        checker.blame("first_name");
    }
    match checker.list("number_list").map(|list| numbers(list)) {
        Some(Some(numbers)) if state.settings.behaviour.number_list_replaces => contact.numbers = numbers,
        Some(Some(numbers)) => contact.numbers.extend(numbers),
        Some(None) => checker.blame("number_list"),
        None => {}
    }
    let books = checker.ids("phonebook_id_list");
    checker.finish()?;
    apply_phonebooks(state, contact, books)
}

fn apply_phonebooks(state: &State, contact: &mut Contact, ids: Option<Vec<u32>>) -> Result<(), Refusal> {
    let Some(ids) = ids else { return Ok(()) };
    if ids.iter().any(|id| !state.phonebooks.rows.contains_key(id)) {
        return Err(Refusal::naming(code::NO_PHONEBOOK, ["phonebook_id_list"]));
    }
    let specific = |id: &u32| state.phonebooks.rows.get(id).is_some_and(|book| !book.everyone);
    contact.phonebooks = ids.into_iter().filter(specific).collect();
    Ok(())
}

/// One number per slot, at least one in all.
fn numbers(list: &[Value]) -> Option<BTreeMap<&'static str, String>> {
    let mut numbers = BTreeMap::new();
    for entry in list {
        let kind = entry.get("num_type")?.as_str()?;
        let number = entry
            .get("number")?
            .as_str()
            .filter(|number| !number.is_empty() && is_dialable(number))?;
        let (_, slot) = SLOTS.iter().find(|(written, _)| *written == kind)?;
        if numbers.insert(*slot, number.to_owned()).is_some() {
            return None;
        }
    }
    (!numbers.is_empty()).then_some(numbers)
}
