//! A section of the settings from the fields of its form: the same document that the API takes, to be judged like it.

use serde_json::{Map, Value, json};
use shared::domain::presence::TeamsStatus;

use super::form::Form;

/// More rows than a list of the settings takes; a list that is too long is refused by what judges it.
const MOST_ROWS: usize = 1_000;

/// Puts what a form says into `document`; `false` for a section that there is none of.
pub fn fill_in(section: &str, form: &Form, document: &mut Value) -> bool {
    let reader = Reader { form };
    match section {
        "basic" => {
            document["schedule"] = reader.schedule();
            document["change_sync"] = reader.change_sync();
        }
        "users" => reader.users(&mut document["users"]),
        "groups" => reader.groups(&mut document["groups"]),
        "contacts" => reader.contacts(&mut document["contacts"]),
        "presence" => reader.presence(&mut document["presence"]),
        "sso" => document["sso"]["redirect_uris"] = json!(form.lines("/sso/redirect_uris")),
        "safety" => {
            document["safety"]["max_removals"] = reader.number("/safety/max_removals");
            document["safety"]["max_removals_percent"] = reader.number("/safety/max_removals_percent");
        }
        _ => return false,
    }
    true
}

struct Reader<'a> {
    form: &'a Form,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Value {
        json!(self.form.text(name))
    }

    fn ticked(&self, name: &str) -> Value {
        json!(self.form.ticked(name))
    }

    /// A number, or what was typed in its place, which is then refused.
    fn number(&self, name: &str) -> Value {
        let text = self.form.text(name);
        text.parse::<u64>()
            .map_or_else(|_| json!(text), |number| json!(number))
    }

    fn schedule(&self) -> Value {
        let weekly = self.form.text("/schedule/frequency") == "weekly";
        let days = if weekly {
            self.form.all("/schedule/days")
        } else {
            &[]
        };
        json!({
            "frequency": self.text("/schedule/frequency"),
            "time": self.text("/schedule/time"),
            "days": days,
            "time_zone": self.text("/schedule/time_zone"),
        })
    }

    fn change_sync(&self) -> Value {
        json!({
            "enabled": self.ticked("/change_sync/enabled"),
            "max_delay_seconds": self.number("/change_sync/max_delay_seconds"),
            "change_threshold": self.number("/change_sync/change_threshold"),
        })
    }

    fn users(&self, users: &mut Value) {
        let form = self.form;
        let mut scope = Map::new();
        scope.insert("kind".to_owned(), self.text("/users/scope/kind"));
        match form.text("/users/scope/kind") {
            "types" => scope.insert("types".to_owned(), json!(form.all("/users/scope/types"))),
            "groups" => scope.insert(
                "group_ids".to_owned(),
                json!(form.lines("/users/scope/group_ids")),
            ),
            _ => None,
        };
        let excluded = form.lines("/users/scope/exclude_group_ids");
        if !excluded.is_empty() {
            scope.insert("exclude_group_ids".to_owned(), json!(excluded));
        }
        if form.ticked("/users/scope/only_enabled") {
            scope.insert("only_enabled".to_owned(), json!(true));
        }
        users["scope"] = Value::Object(scope);
        users["number"] = self.extension_number();
        users["delete_when"] = json!(form.all("/users/delete_when"));
        users["delete_grace_days"] = self.number("/users/delete_grace_days");
        for switch in [
            "delete_when_out_of_scope",
            "bind_same_email",
            "send_welcome_email",
        ] {
            users[switch] = self.ticked(&format!("/users/{switch}"));
        }
    }

    fn extension_number(&self) -> Value {
        let form = self.form;
        let mut number = json!({ "kind": self.text("/users/number/kind") });
        if form.text("/users/number/kind") == "property" {
            number["name"] = self.text("/users/number/name");
            if !form.text("/users/number/last_digits").is_empty() {
                number["last_digits"] = self.number("/users/number/last_digits");
            }
        } else {
            number["start"] = self.text("/users/number/start");
        }
        let reserved = form.lines("/users/number/reserved");
        if !reserved.is_empty() {
            number["reserved"] = json!(reserved);
        }
        number
    }

    fn groups(&self, groups: &mut Value) {
        let form = self.form;
        let mut scope = json!({ "kind": self.text("/groups/scope/kind") });
        match form.text("/groups/scope/kind") {
            "types" => scope["types"] = json!(form.all("/groups/scope/types")),
            "groups" => scope["group_ids"] = json!(form.lines("/groups/scope/group_ids")),
            _ => {}
        }
        groups["scope"] = scope;
        groups["delete_when_out_of_scope"] = self.ticked("/groups/delete_when_out_of_scope");
        groups["target"] = self.text("/groups/target");
    }

    fn contacts(&self, contacts: &mut Value) {
        let form = self.form;
        contacts["access"] = self.text("/contacts/access");
        contacts["default_country"] = json!(form.text("/contacts/default_country").to_uppercase());
        let mut scope = json!({ "kind": self.text("/contacts/personal/scope/kind") });
        if form.text("/contacts/personal/scope/kind") == "groups" {
            scope["group_ids"] = json!(form.lines("/contacts/personal/scope/group_ids"));
        }
        contacts["personal"] = json!({
            "enabled": self.ticked("/contacts/personal/enabled"),
            "scope": scope,
            "acknowledged_visibility": self.ticked("/contacts/personal/acknowledged_visibility"),
        });
        contacts["shared"] = json!({
            "enabled": self.ticked("/contacts/shared/enabled"),
            "scope": self.text("/contacts/shared/scope"),
            "mailboxes": self.mailboxes(),
        });
    }

    /// One a line: address, equals sign, phonebook. What follows a comma belongs to the name.
    fn mailboxes(&self) -> Vec<Value> {
        let lines = self.form.exact("/contacts/shared/mailboxes").lines();
        let lines = lines.map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let (mailbox, phonebook) = line.split_once('=').unwrap_or((line, ""));
                json!({ "mailbox": mailbox.trim(), "phonebook": phonebook.trim() })
            })
            .collect()
    }

    fn presence(&self, presence: &mut Value) {
        presence["users_default"] = self.text("/presence/users_default");
        for status in TeamsStatus::ALL.map(TeamsStatus::key) {
            presence["mapping"][status] = self.text(&format!("/presence/mapping/{status}"));
        }
        let groups = self.group_mappings();
        if groups.is_empty() {
            presence.as_object_mut().map(|presence| presence.remove("groups"));
        } else {
            presence["groups"] = Value::Array(groups);
        }
        if self.form.ticked("/presence/office_hours") {
            presence["office_hours"] = json!({
                "days": self.form.all("/presence/office_hours/days"),
                "from": self.text("/presence/office_hours/from"),
                "to": self.text("/presence/office_hours/to"),
            });
        } else {
            presence
                .as_object_mut()
                .map(|presence| presence.remove("office_hours"));
        }
    }

    /// Each group's own mapping, without those to be removed.
    fn group_mappings(&self) -> Vec<Value> {
        let at = |place: usize, rest: &str| format!("/presence/groups/{place}/{rest}");
        let there = |place: &usize| !self.form.all(&at(*place, "group_id")).is_empty();
        let kept = |place: &usize| !self.form.ticked(&at(*place, "remove"));
        let mapping = |place: usize| {
            let mut mapping = Map::new();
            for status in TeamsStatus::ALL.map(TeamsStatus::key) {
                let chosen = self.text(&at(place, &format!("mapping/{status}")));
                mapping.insert(status.to_owned(), chosen);
            }
            json!({ "group_id": self.text(&at(place, "group_id")), "mapping": mapping })
        };
        (0..MOST_ROWS)
            .take_while(there)
            .filter(kept)
            .map(mapping)
            .collect()
    }
}

/// The reverse of what a form of mailboxes says.
pub fn mailboxes_text(document: &Value) -> String {
    let mailboxes = document
        .pointer("/contacts/shared/mailboxes")
        .and_then(Value::as_array);
    let line = |entry: &Value| {
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        format!("{} = {}", text("mailbox"), text("phonebook"))
    };
    mailboxes.map_or_else(String::new, |list| {
        list.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

#[cfg(test)]
mod tests {
    use shared::domain::settings::ConnectionSettings;

    use super::*;
    use crate::settings_document::parse;

    fn filled(section: &str, form: &str) -> Value {
        let mut document = serde_json::to_value(ConnectionSettings::default()).unwrap();
        assert!(fill_in(section, &Form::parse(form.as_bytes()), &mut document));
        document
    }

    // spec: 49, 51, 53, 57, 59, 61, 144, 146
    #[test]
    fn forms_say_what_the_api_takes() {
        let basic = filled(
            "basic",
            "/schedule/frequency=weekly&/schedule/days=saturday&/schedule/days=sunday&/schedule/time=23:59\
             &/schedule/time_zone=Asia/Shanghai&/change_sync/max_delay_seconds=60&/change_sync/change_threshold=5",
        );
        let settings = parse(basic).unwrap();
        assert_eq!(
            (settings.schedule.days.len(), settings.change_sync.enabled),
            (2, false)
        );
        let users = filled(
            "users",
            "/users/scope/kind=types&/users/scope/types=member&/users/scope/types=guest&/users/number/kind=property\
             &/users/number/name=businessPhones&/users/number/last_digits=4&/users/delete_when=deleted\
             &/users/delete_grace_days=7&/users/number/reserved=2050%0A2100-2199&role=admin&tenant_id=x",
        );
        let settings = parse(users).unwrap();
        assert_eq!(
            (settings.users.scope.types.len(), settings.users.delete_grace_days),
            (2, 7)
        );
        assert_eq!(settings.users.number.reserved().len(), 2);
        assert!(!settings.users.bind_same_email && !settings.users.enabled);
    }

    #[test]
    fn what_is_wrong_is_named_by_the_field_it_was_typed_into() {
        let users = filled(
            "users",
            "/users/scope/kind=all&/users/number/kind=automatic&/users/number/start=x&/users/delete_grace_days=many",
        );
        let pointers: Vec<String> = parse(users)
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.pointer)
            .collect();
        assert!(
            pointers.contains(&"/users/number/start".to_owned()),
            "{pointers:?}"
        );
    }

    #[test]
    fn mappings_of_groups_are_kept_in_their_order_without_those_removed() {
        let statuses = |place: usize| -> String {
            TeamsStatus::ALL
                .map(|status| format!("&/presence/groups/{place}/mapping/{}=lunch", status.key()))
                .concat()
        };
        let own: String = TeamsStatus::ALL
            .map(|status| format!("&/presence/mapping/{}=away", status.key()))
            .concat();
        let id = |n: usize| format!("3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c00{n}");
        let rows = [0, 1, 2]
            .map(|n| format!("&/presence/groups/{n}/group_id={}{}", id(n), statuses(n)))
            .concat();
        let form = format!("/presence/users_default=on{own}{rows}&/presence/groups/1/remove=on");
        let document = filled("presence", &form);
        let settings = parse(document).unwrap().presence;
        let kept: Vec<String> = settings
            .groups
            .iter()
            .map(|group| group.group_id.to_string())
            .collect();
        assert_eq!(kept, [id(0), id(2)]);
        let none = filled("presence", &format!("/presence/users_default=on{own}"));
        assert!(parse(none).unwrap().presence.groups.is_empty());
    }

    #[test]
    fn hours_in_which_presence_is_carried_go_with_their_tick() {
        let rows: String = TeamsStatus::ALL
            .map(|status| format!("&/presence/mapping/{}=away", status.key()))
            .concat();
        let hours = "&/presence/office_hours/days=monday&/presence/office_hours/days=friday\
                     &/presence/office_hours/from=08:30&/presence/office_hours/to=18:00";
        let form = format!("/presence/users_default=on{rows}{hours}");
        assert_eq!(
            parse(filled("presence", &form)).unwrap().presence.office_hours,
            None
        );
        let ticked = format!("{form}&/presence/office_hours=on");
        let mut document = filled("presence", &ticked);
        let kept = parse(document.clone()).unwrap().presence.office_hours.unwrap();
        assert_eq!(
            (kept.days.len(), kept.from.as_str(), kept.to.as_str()),
            (2, "08:30", "18:00")
        );
        assert!(fill_in("presence", &Form::parse(form.as_bytes()), &mut document));
        assert_eq!(parse(document).unwrap().presence.office_hours, None);
        let no_day = format!("/presence/users_default=on{rows}&/presence/office_hours=on");
        let pointers: Vec<String> = parse(filled("presence", &no_day))
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.pointer)
            .collect();
        assert!(
            pointers.contains(&"/presence/office_hours/days".to_owned()),
            "{pointers:?}"
        );
    }

    #[test]
    fn mailboxes_are_written_a_line_each() {
        let document = filled(
            "contacts",
            "/contacts/shared/mailboxes=sales@contoso.example+=+Sales,+all%0D%0Ahelp@contoso.example=Help",
        );
        assert_eq!(
            mailboxes_text(&document),
            "sales@contoso.example = Sales, all\nhelp@contoso.example = Help"
        );
        assert!(!fill_in("nothing", &Form::default(), &mut json!({})));
    }
}
