//! Mailboxes over the administrator's HTTP side.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Graph;
use super::admin_http::{Routed, body, done, id_of};
use super::answer::Answer;
use super::call::Call;

#[derive(Deserialize)]
struct NewFolder {
    name: String,
    #[serde(default)]
    parent: Option<String>,
}

#[derive(Deserialize)]
struct NewContact {
    #[serde(default)]
    folder: Option<String>,
    contact: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InFolder {
    folder: Option<String>,
}

/// `rest` starts after `mailbox`.
pub fn route(graph: &Graph, call: &Call, (tenant, user): (&str, Uuid), rest: &[&str]) -> Routed {
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(graph
            .mailbox(tenant, user)?
            .map(|mailbox| Answer::json(json!(mailbox)))),
        ("PUT", []) => done(graph.change_mailbox(
            tenant,
            user,
            &body(call, "{state?, default_listed?, distribution_lists?}")?,
        )),
        ("POST", ["folders"]) => {
            let NewFolder { name, parent } = body(call, "{name, parent?}")?;
            let key = graph.add_contact_folder(tenant, user, (&name, parent.as_deref()))?;
            Ok(Some(Answer::with_status(201, json!({ "id": key }))))
        }
        ("DELETE", ["folders", folder]) => done(graph.delete_contact_folder(tenant, user, folder)),
        ("POST", ["contacts"]) => {
            let NewContact { folder, contact } = body(call, "{folder?, contact}")?;
            let id = graph.create_contact(tenant, user, (folder.as_deref(), &contact))?;
            Ok(Some(Answer::with_status(201, json!({ "id": id }))))
        }
        ("PATCH", ["contacts", contact]) => {
            done(graph.update_contact(tenant, user, (contact, &body(call, "properties")?)))
        }
        ("DELETE", ["contacts", contact]) => done(graph.delete_contact(tenant, user, contact)),
        ("POST", ["contacts", contact, "move"]) => {
            let InFolder { folder } = body(call, "{folder?}")?;
            done(graph.move_contact(tenant, user, (contact, folder.as_deref())))
        }
        (method @ ("PUT" | "DELETE"), ["shared-with", with]) => {
            let InFolder { folder } = if call.body.is_empty() {
                InFolder::default()
            } else {
                body(call, "{folder?}")?
            };
            let how = (folder.as_deref(), id_of(with)?, method == "PUT");
            done(graph.share_contacts(tenant, user, how))
        }
        (method @ ("PUT" | "DELETE"), ["members", member]) => {
            done(graph.set_mailbox_member(tenant, user, (id_of(member)?, method == "PUT")))
        }
        _ => Ok(None),
    }
}
