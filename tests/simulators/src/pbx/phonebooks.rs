//! Phonebooks: named selections of company contacts, edited by adding and removing. At most one selects all.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Call, Page, PageSize};
use super::contacts;
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::state::State;
use super::validation::Checker;

/// One phonebook.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Phonebook {
    pub name: String,
    /// `sel_all`: every company contact.
    pub everyone: bool,
    /// The contacts of a `sel_specific` one.
    pub contacts: BTreeSet<u32>,
    /// Kept by a third party: the API may not touch it.
    pub third_party: bool,
}

impl Phonebook {
    /// The one the factory makes.
    pub fn everyone() -> Self {
        Self {
            name: "All Company Contacts_Phonebook".to_owned(),
            everyone: true,
            ..Self::default()
        }
    }
}

/// `phonebook/list` and `phonebook/search`.
pub fn list(state: &mut State, call: &Call) -> Reply {
    let size = PageSize::usual(&state.settings.behaviour);
    let strict = state.settings.behaviour.reject_unknown_sort;
    let page = Page::read(call, &["name", "total", "id"], size, strict)?;
    let mut found: Vec<_> = state
        .phonebooks
        .rows
        .iter()
        .filter(|(_, book)| page.matches(&[&book.name]))
        .collect();
    match page.sort_by.as_deref() {
        Some("name") => found.sort_by_key(|(_, book)| &book.name),
        Some("total") => found.sort_by_key(|(_, book)| total(state, book)),
        _ => {}
    }
    let count = found.len();
    let data: Vec<Value> = page
        .cut(found)
        .into_iter()
        .map(|(id, book)| Value::Object(summary(state, *id, book)))
        .collect();
    Ok(fields([("total_number", count.into()), ("data", data.into())]))
}

/// `phonebook/get`.
pub fn get(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let book = state.phonebooks.rows.get(&id).ok_or_else(unknown)?;
    Ok(fields([("data", detail(state, id, book))]))
}

/// `phonebook/query`.
pub fn query(state: &mut State, call: &Call) -> Reply {
    let ids = call.query_ids(&state.settings.behaviour)?;
    let found = ids
        .into_iter()
        .filter_map(|id| Some(detail(state, id, state.phonebooks.rows.get(&id)?)));
    Ok(fields([("data", found.collect::<Vec<_>>().into())]))
}

/// `phonebook/create`.
pub fn create(state: &mut State, call: &Call) -> Reply {
    let mut book = Phonebook::default();
    apply(state, &call.body, &mut book, true)?;
    may_stand(state, &book, None)?;
    if state.phonebooks.rows.len() >= state.settings.behaviour.max_phonebooks {
        return Err(Refusal::new(code::LIMIT));
    }
    book.third_party = call.portal && call.body.contains_key("third_party");
    let id = state.phonebooks.take_id();
    store(state, id, &book);
    Ok(if state.settings.behaviour.create_returns_id {
        fields([("id", id.into())])
    } else {
        Fields::new()
    })
}

/// `phonebook/update`.
pub fn update(state: &mut State, call: &Call) -> Reply {
    let id = call.body_id()?;
    let mut book = state.phonebooks.rows.get(&id).cloned().ok_or_else(unknown)?;
    refuse_third_party(&book, call)?;
    apply(state, &call.body, &mut book, false)?;
    may_stand(state, &book, Some(id))?;
    store(state, id, &book);
    done()
}

/// `phonebook/delete`: its contacts stay.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let book = state.phonebooks.rows.get(&id).ok_or_else(unknown)?;
    refuse_third_party(book, call)?;
    state.phonebooks.rows.remove(&id);
    for contact in state.contacts.rows.values_mut() {
        contact.phonebooks.remove(&id);
    }
    done()
}

fn unknown() -> Refusal {
    Refusal::new(code::NO_PHONEBOOK)
}

fn refuse_third_party(book: &Phonebook, call: &Call) -> Result<(), Refusal> {
    if book.third_party && !call.portal {
        Err(Refusal::new(code::FORBIDDEN))
    } else {
        Ok(())
    }
}

fn total(state: &State, book: &Phonebook) -> usize {
    if book.everyone {
        state.contacts.rows.len()
    } else {
        book.contacts.len()
    }
}

fn summary(state: &State, id: u32, book: &Phonebook) -> Fields {
    let select = if book.everyone { "sel_all" } else { "sel_specific" };
    fields([
        ("id", id.into()),
        ("name", book.name.clone().into()),
        ("total", total(state, book).into()),
        ("member_select", select.into()),
    ])
}

fn detail(state: &State, id: u32, book: &Phonebook) -> Value {
    let chosen = |id: &u32| book.everyone || book.contacts.contains(id);
    let rows = state.contacts.rows.iter().filter(|(id, _)| chosen(id));
    let contacts: Vec<Value> = rows
        .map(|(id, contact)| contacts::row(state, *id, contact))
        .collect();
    let mut detail = summary(state, id, book);
    detail.insert("contacts_list".to_owned(), json!(contacts));
    Value::Object(detail)
}

/// Stores a phonebook and makes the contacts that came or went agree with it.
fn store(state: &mut State, id: u32, book: &Phonebook) {
    let before = state
        .phonebooks
        .rows
        .insert(id, book.clone())
        .unwrap_or_default()
        .contacts;
    for gone in before.difference(&book.contacts) {
        if let Some(contact) = state.contacts.rows.get_mut(gone) {
            contact.phonebooks.remove(&id);
        }
    }
    for joined in book.contacts.difference(&before) {
        if let Some(contact) = state.contacts.rows.get_mut(joined) {
            contact.phonebooks.insert(id);
        }
    }
}

fn may_stand(state: &State, book: &Phonebook, except: Option<u32>) -> Result<(), Refusal> {
    for (_, other) in state
        .phonebooks
        .rows
        .iter()
        .filter(|(id, _)| Some(**id) != except)
    {
        if other.name == book.name {
            return Err(Refusal::naming(code::DUPLICATE, ["name"]));
        }
        if other.everyone && book.everyone {
            return Err(Refusal::naming(code::DUPLICATE, ["member_select"]));
        }
    }
    Ok(())
}

fn apply(state: &State, body: &Fields, book: &mut Phonebook, creating: bool) -> Result<(), Refusal> {
    let mut checker = Checker::new(body, &state.settings.behaviour);
    if creating {
        checker.require(&["name"]);
    }
    if let Some(name) = checker.short("name", 127) {
        if name.is_empty() {
            checker.blame("name");
        }
        book.name = name;
    }
    if let Some(select) = checker.text("member_select", |word| {
        word == "sel_all" || word == "sel_specific"
    }) {
        book.everyone = select == "sel_all";
    }
    let add = checker.ids("add_contacts_id_list").unwrap_or_default();
    let remove = checker.ids("del_contacts_id_list").unwrap_or_default();
    let idle = !remove.is_empty() && remove.iter().all(|id| !book.contacts.contains(id));
    if idle && state.settings.behaviour.nothing_to_delete_refused {
        checker.blame("del_contacts_id_list");
    }
    checker.finish()?;
    if add.iter().any(|id| !state.contacts.rows.contains_key(id)) {
        return Err(Refusal::naming(code::NO_CONTACT, ["add_contacts_id_list"]));
    }
    book.contacts.extend(add);
    book.contacts.retain(|id| !remove.contains(id));
    if book.everyone {
        book.contacts.clear();
    }
    Ok(())
}
