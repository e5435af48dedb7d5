//! From a contact in Outlook to the company contact it becomes. Pure; what does not fit the PBX's rules is reported, never
//! dropped in silence, and the same contact always gives the same card.

use std::collections::BTreeSet;

use super::contact::{Card, ContactKey, NumberSlot, Numbers, OutlookContact};
use super::mapping::{MAX_EMAIL, MAX_NAME, is_address, one_line};
use super::phone_number::{Country, Dialable, MAX_NUMBER, NotDialable, numbers_in};

/// Company: P-Series contact parameters.
const MAX_COMPANY: usize = 127;
/// The job title stands in the remark, which takes 1024 in all.
const MAX_TITLE: usize = 127;

/// A contact that the PBX can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// As the PBX should have it.
    pub card: Card,
    /// What had to be changed or left out, as sentences.
    pub notes: Vec<String>,
}

/// A contact that the PBX cannot hold. The others are not concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// What is missing and would mend it.
    pub missing: &'static str,
    /// What was there but could not be used, as sentences.
    pub notes: Vec<String>,
}

/// The name a contact goes by in lists and in the order of the quota, complete or not.
pub fn shown_name(contact: &OutlookContact) -> String {
    let joined = format!("{} {}", contact.given_name, contact.surname);
    let candidates = [&contact.display_name, &joined, &contact.file_as, &contact.company];
    candidates
        .into_iter()
        .map(|text| one_line(text))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// The card of a contact. Its remark carries the mark of `key`.
pub fn card_of(contact: &OutlookContact, key: &ContactKey, country: Country) -> Result<Mapped, Incomplete> {
    let mut notes = Vec::new();
    let names = names(contact, &mut notes);
    let numbers = numbers(contact, country, &mut notes);
    let (first_name, last_name) = match (names, numbers.is_empty()) {
        (Some(names), false) => names,
        (names, no_number) => {
            return Err(Incomplete {
                missing: missing(names.is_none(), no_number),
                notes,
            });
        }
    };
    let card = Card {
        first_name,
        last_name,
        company: cut(&contact.company, "company", MAX_COMPANY, &mut notes),
        email: email(contact, &mut notes),
        remark: remark(contact, key, &mut notes),
        numbers,
    };
    Ok(Mapped { card, notes })
}

fn missing(name: bool, number: bool) -> &'static str {
    match (name, number) {
        (true, true) => "enter a first or last name, and a mobile, home or business number",
        (true, false) => "enter a first or last name",
        _ => "enter a mobile, home or business number",
    }
}

/// First and last name. The PBX wants a first name: where there is one name only, it is the first.
fn names(contact: &OutlookContact, notes: &mut Vec<String>) -> Option<(String, String)> {
    let given = cut(&contact.given_name, "first name", MAX_NAME, notes);
    let surname = cut(&contact.surname, "last name", MAX_NAME, notes);
    match (given.is_empty(), surname.is_empty()) {
        (false, _) => return Some((given, surname)),
        (true, false) => return Some((surname, String::new())),
        (true, true) => {}
    }
    let shown = [&contact.display_name, &contact.file_as, &contact.company];
    let shown = shown
        .into_iter()
        .map(|text| one_line(text))
        .find(|text| !text.is_empty())?;
    let (first, last) = split(&shown);
    Some((
        cut(&first, "first name", MAX_NAME, notes),
        cut(&last, "last name", MAX_NAME, notes),
    ))
}

/// `Last, First` is turned round; any other name stays whole unless it is too long for one field.
fn split(name: &str) -> (String, String) {
    if let Some((last, first)) = name.split_once(',') {
        let (last, first) = (last.trim(), first.trim());
        if !first.is_empty() && !last.is_empty() && !first.contains(',') {
            return (first.to_owned(), last.to_owned());
        }
    }
    if name.chars().count() <= MAX_NAME {
        return (name.to_owned(), String::new());
    }
    let room = name.char_indices().nth(MAX_NAME).map_or(name.len(), |(at, _)| at);
    let (head, _) = name.split_at(room);
    // A name without a space in its first half-line has no better place to be parted.
    let at = head.rfind(' ').unwrap_or(room);
    let (first, last) = name.split_at(at);
    (first.trim().to_owned(), last.trim().to_owned())
}

fn cut(text: &str, label: &str, limit: usize, notes: &mut Vec<String>) -> String {
    let clean = one_line(text);
    if clean.chars().count() <= limit {
        return clean;
    }
    notes.push(format!(
        "{label} was cut to {limit} characters, the most the PBX takes"
    ));
    let cut: String = clean.chars().take(limit).collect();
    cut.trim_end().to_owned()
}

/// The first address that the PBX takes. Contacts saved from the address book may hold internal ones (`/o=...`).
fn email(contact: &OutlookContact, notes: &mut Vec<String>) -> String {
    let written: Vec<String> = contact
        .emails
        .iter()
        .map(|address| one_line(address))
        .filter(|address| !address.is_empty())
        .collect();
    let fits = |address: &&String| address.chars().count() <= MAX_EMAIL && is_address(address);
    if let Some(address) = written.iter().find(fits) {
        return address.clone();
    }
    if !written.is_empty() {
        notes.push(
            "email was left out: the PBX takes letters, digits, @ _ - . ' in the form name@domain.tld"
                .to_owned(),
        );
    }
    String::new()
}

fn remark(contact: &OutlookContact, key: &ContactKey, notes: &mut Vec<String>) -> String {
    let title = cut(&contact.job_title, "job title", MAX_TITLE, notes);
    format!("{title} {}", key.mark()).trim_start().to_owned()
}

/// The places of each kind of number, then the one place for what is left over.
const PLACES: [(NumberSlot, NumberSlot, &str); 3] = [
    (NumberSlot::Mobile, NumberSlot::Mobile2, "mobile"),
    (NumberSlot::Business, NumberSlot::Business2, "business"),
    (NumberSlot::Home, NumberSlot::Home2, "home"),
];

/// Mobile, business and home numbers in their own two places each, in Outlook's order; the first one without a place in
/// Other. Every number once. Outlook's contacts in Graph have no fax numbers.
fn numbers(contact: &OutlookContact, country: Country, notes: &mut Vec<String>) -> Numbers {
    let mobile = std::slice::from_ref(&contact.mobile_phone);
    let fields: [&[String]; 3] = [mobile, &contact.business_phones, &contact.home_phones];
    let mut seen = BTreeSet::new();
    let mut filled = Numbers::new();
    let mut left_over = Vec::new();
    for ((first, second, label), texts) in PLACES.into_iter().zip(fields) {
        for dialable in dialables(texts, label, country, notes) {
            if !seen.insert(dialable.number.clone()) {
                continue;
            }
            note_extension(&dialable, label, notes);
            let place = [first, second]
                .into_iter()
                .find(|slot| !filled.contains_key(slot));
            match place {
                Some(slot) => drop(filled.insert(slot, dialable.number)),
                None => left_over.push(dialable.number),
            }
        }
    }
    let mut left_over = left_over.into_iter();
    if let Some(number) = left_over.next() {
        filled.insert(NumberSlot::Other, number);
    }
    let unplaced = left_over.count();
    if unplaced > 0 {
        notes.push(format!(
            "{unplaced} more numbers were left out: the PBX has no place for them"
        ));
    }
    filled
}

fn dialables(texts: &[String], label: &str, country: Country, notes: &mut Vec<String>) -> Vec<Dialable> {
    let mut found = Vec::new();
    for text in texts {
        match numbers_in(text, country) {
            Ok(numbers) => found.extend(numbers),
            Err(NotDialable::NoDigits) => {
                notes.push(format!("a {label} number was left out: there is no digit in it"));
            }
            Err(NotDialable::TooLong) => notes.push(format!(
                "a {label} number was left out: the PBX takes at most {MAX_NUMBER} characters"
            )),
        }
    }
    found
}

fn note_extension(dialable: &Dialable, label: &str, notes: &mut Vec<String>) {
    if let Some(extension) = &dialable.extension {
        notes.push(format!(
            "extension {extension} of a {label} number was left out: the PBX has no place for it"
        ));
    }
}

#[cfg(test)]
#[path = "contact_mapping_tests.rs"]
mod tests;
