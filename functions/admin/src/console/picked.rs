//! What was picked in a search, put into a settings document that somebody is filling in. Decides nothing, saves nothing.

use serde_json::{Map, Value, json};

use super::form::Form;
use super::names::LISTS;

/// What a search is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Groups,
    /// Groups with a presence mapping of their own.
    MappedGroups,
    Mailboxes,
}

impl Wanted {
    /// Of the field that the search was begun from, which must be one of the section.
    pub fn of(section: &str, pointer: &str) -> Option<Self> {
        let wanted = match pointer {
            _ if LISTS.contains(&pointer) => Self::Groups,
            "/presence/groups" => Self::MappedGroups,
            "/contacts/shared/mailboxes" => Self::Mailboxes,
            _ => return None,
        };
        (pointer.split('/').nth(1) == Some(section)).then_some(wanted)
    }
}

/// What the field held when the search was begun, or what is ticked since.
pub fn chosen(wanted: Wanted, pointer: &str, form: &Form, document: &Value) -> Vec<String> {
    if !form.text("do").is_empty() {
        return form.all("chosen").to_vec();
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let rows = document.pointer(pointer).and_then(Value::as_array);
    match wanted {
        Wanted::Groups => form.lines(pointer),
        Wanted::MappedGroups => rows
            .into_iter()
            .flatten()
            .filter_map(|row| text(row.get("group_id")))
            .collect(),
        Wanted::Mailboxes => rows
            .into_iter()
            .flatten()
            .filter_map(|row| text(row.get("mailbox")))
            .collect(),
    }
}

/// The phonebook of a mailbox: typed beside it, else what the field said of it, else `otherwise`.
pub fn phonebook_of(mailbox: &str, form: &Form, document: &Value, otherwise: &str) -> String {
    let typed = form.text(&format!("book/{mailbox}"));
    if !typed.is_empty() {
        return typed.to_owned();
    }
    let rows = document
        .pointer("/contacts/shared/mailboxes")
        .and_then(Value::as_array);
    let of_mailbox = |row: &&Value| {
        row.get("mailbox")
            .and_then(Value::as_str)
            .is_some_and(|known| known.eq_ignore_ascii_case(mailbox))
    };
    let known = rows.into_iter().flatten().find(of_mailbox);
    let known = known.and_then(|row| row.get("phonebook")).and_then(Value::as_str);
    known.unwrap_or(otherwise).to_owned()
}

/// The document with what is ticked in the field.
pub fn put(wanted: Wanted, pointer: &str, form: &Form, document: &mut Value) {
    let chosen = form.all("chosen");
    match wanted {
        Wanted::Groups => put_groups(pointer, chosen, document),
        Wanted::MappedGroups => put_mapped(chosen, document),
        Wanted::Mailboxes => {
            let rows: Vec<Value> = chosen
                .iter()
                .map(|mailbox| {
                    let phonebook = phonebook_of(mailbox, form, document, "");
                    json!({ "mailbox": mailbox, "phonebook": phonebook })
                })
                .collect();
            document["contacts"]["shared"]["mailboxes"] = Value::Array(rows);
            document["contacts"]["shared"]["scope"] = json!("selected");
        }
    }
}

fn put_groups(pointer: &str, chosen: &[String], document: &mut Value) {
    let Some((scope, list)) = pointer.rsplit_once('/') else {
        return;
    };
    let Some(Value::Object(scope)) = document.pointer_mut(scope) else {
        return;
    };
    if list == "group_ids" {
        // Whoever chooses groups wants them to count.
        scope.insert("kind".to_owned(), json!("groups"));
        scope.remove("types");
    }
    if chosen.is_empty() {
        scope.remove(list);
    } else {
        scope.insert(list.to_owned(), json!(chosen));
    }
}

/// Groups that stay keep their place and mapping; the others begin with that of the connection.
fn put_mapped(chosen: &[String], document: &mut Value) {
    let own = document.pointer("/presence/mapping").cloned().unwrap_or_default();
    let rows = document.pointer("/presence/groups").and_then(Value::as_array);
    let id = |row: &Value| {
        row.get("group_id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut kept: Vec<Value> = rows.cloned().unwrap_or_default();
    kept.retain(|row| chosen.contains(&id(row)));
    let known: Vec<String> = kept.iter().map(id).collect();
    let fresh = chosen.iter().filter(|group| !known.contains(group));
    kept.extend(fresh.map(|group| json!({ "group_id": group, "mapping": own })));
    if let Some(Value::Object(presence)) = document.get_mut("presence") {
        let rows: Map<String, Value> = [("groups".to_owned(), Value::Array(kept))].into_iter().collect();
        presence.extend(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes())
    }

    #[test]
    fn a_search_is_for_a_field_of_its_section_alone() {
        assert_eq!(
            Wanted::of("users", "/users/scope/group_ids"),
            Some(Wanted::Groups)
        );
        assert_eq!(
            Wanted::of("presence", "/presence/groups"),
            Some(Wanted::MappedGroups)
        );
        for (section, pointer) in [
            ("groups", "/users/scope/group_ids"),
            ("users", "/users/number/reserved"),
            ("users", ""),
        ] {
            assert_eq!(Wanted::of(section, pointer), None, "{section} {pointer}");
        }
    }

    #[test]
    fn groups_that_are_ticked_become_the_list_and_make_it_count() {
        let mut document = json!({"users": {"scope": {"kind": "types", "types": ["member"]}}});
        let at = "/users/scope/group_ids";
        put(Wanted::Groups, at, &form("chosen=a&chosen=b"), &mut document);
        assert_eq!(
            document["users"]["scope"],
            json!({"kind": "groups", "group_ids": ["a", "b"]})
        );
        let excluded = "/users/scope/exclude_group_ids";
        put(Wanted::Groups, excluded, &form("chosen=c"), &mut document);
        put(Wanted::Groups, excluded, &form(""), &mut document);
        assert_eq!(document["users"]["scope"].get("exclude_group_ids"), None);
        assert_eq!(document["users"]["scope"]["kind"], "groups");
    }

    #[test]
    fn a_search_begins_with_what_the_field_holds_and_goes_on_with_what_is_ticked() {
        let at = "/users/scope/group_ids";
        let begun = form("/users/scope/group_ids=a%0Ab&chosen=x");
        assert_eq!(chosen(Wanted::Groups, at, &begun, &json!({})), ["a", "b"]);
        let going_on = form("/users/scope/group_ids=a%0Ab&do=search&chosen=x");
        assert_eq!(chosen(Wanted::Groups, at, &going_on, &json!({})), ["x"]);
    }

    #[test]
    fn mapped_groups_keep_their_place_and_mapping() {
        let mut document = json!({"presence": {
            "mapping": {"busy": "away"},
            "groups": [{"group_id": "a", "mapping": {"busy": "lunch"}}, {"group_id": "b", "mapping": {}}],
        }});
        let ticked = form("chosen=c&chosen=a");
        put(Wanted::MappedGroups, "/presence/groups", &ticked, &mut document);
        assert_eq!(
            document["presence"]["groups"],
            json!([{"group_id": "a", "mapping": {"busy": "lunch"}}, {"group_id": "c", "mapping": {"busy": "away"}}])
        );
    }

    #[test]
    fn mailboxes_keep_their_phonebooks_unless_another_one_is_typed() {
        let mut document = json!({"contacts": {"shared": {"scope": "all", "mailboxes": [
            {"mailbox": "Sales@contoso.example", "phonebook": "Sales"},
            {"mailbox": "help@contoso.example", "phonebook": "Help"},
        ]}}});
        let ticked = form(
            "chosen=sales@contoso.example&chosen=new@contoso.example&book/new@contoso.example=+New+&book/other=x",
        );
        put(
            Wanted::Mailboxes,
            "/contacts/shared/mailboxes",
            &ticked,
            &mut document,
        );
        assert_eq!(
            document["contacts"]["shared"],
            json!({"scope": "selected", "mailboxes": [
                {"mailbox": "sales@contoso.example", "phonebook": "Sales"},
                {"mailbox": "new@contoso.example", "phonebook": "New"},
            ]})
        );
    }
}
