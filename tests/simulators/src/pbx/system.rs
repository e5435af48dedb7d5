//! `system/*`: what the PBX is, how much it holds, the ids other calls need, and its mails.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Refusal, Reply, code, done, fields};
use super::extension::Extension;
use super::organizations;
use super::state::{Mail, OTHER_NUMBERS, ROLES, State, Table};
use super::validation::{Checker, is_mail};

/// Concurrent calls of the licence.
const CALL_CAPACITY: u32 = 25;

/// `system/information`.
#[expect(clippy::unnecessary_wraps, reason = "every handler has this shape")]
pub fn information(state: &mut State, _: &Call) -> Reply {
    let now = state.clock.now();
    let system_time = now
        .to_zoned(TimeZone::UTC)
        .strftime("%Y/%m/%d %H:%M:%S")
        .to_string();
    let mut data = json!({
        "device_name": "PBX",
        "model_name": "P-Series Software Edition",
        "sn": state.settings.serial_number,
        "firmware_version": state.settings.firmware,
        "system_time": system_time,
        "up_time": now.as_second() - state.started.as_second(),
        "system_date_format": "YYYY/MM/DD",
        "system_time_format": "HH:mm:ss",
        "timestamp": now.as_second(),
    });
    if !state.settings.behaviour.tells_serial_number
        && let Some(data) = data.as_object_mut()
    {
        data.remove("sn");
    }
    Ok(fields([("data", data)]))
}

/// `system/capacity`.
#[expect(clippy::unnecessary_wraps, reason = "every handler has this shape")]
pub fn capacity(state: &mut State, _: &Call) -> Reply {
    let data = json!({
        "extension_capacity": state.settings.capacity,
        "extension_used": state.extensions.len(),
        "cc_capacity": CALL_CAPACITY,
        "cc_used": 0,
    });
    Ok(fields([("data", data)]))
}

/// `system/get_menuoptions`.
pub fn menu_options(state: &mut State, call: &Call) -> Reply {
    let menu = call.query.get("menu").map_or("", String::as_str);
    let data = match menu {
        "extension" => state.extensions.iter().map(extension_option).collect(),
        "ext_group" => table(&state.groups, |group| &group.name),
        "phonebook" => table(&state.phonebooks, |book| &book.name),
        "role" => ROLES.iter().map(|(id, name)| option(name, *id)).collect(),
        "org_list" => {
            organizations::enabled(state)?;
            organizations::tree(state, None)
        }
        "IVR" | "ring_group" | "queue" | "conference" | "group_vm" => other_objects(menu),
        "trunk" | "pinset" => Vec::new(),
        "queue_agent" => {
            call.query_id()?;
            Vec::new()
        }
        _ => return Err(Refusal::parameter("menu")),
    };
    Ok(fields([("data", data.into())]))
}

/// `system/sendemail`.
pub fn send_email(state: &mut State, call: &Call) -> Reply {
    let mut checker = Checker::new(&call.body, &state.settings.behaviour);
    checker.require(&["to", "subject", "content"]);
    let to = checker.text("to", |to| !to.is_empty() && is_mail(to));
    let subject = checker.short("subject", 255);
    let content = checker.text("content", |_| true);
    checker.finish()?;
    mail_server(state)?;
    let mail = Mail {
        at: state.clock.now(),
        to: to.unwrap_or_default(),
        kind: "plain",
        subject: subject.unwrap_or_default(),
        content: content.unwrap_or_default(),
    };
    state.outbox.push(mail);
    done()
}

/// `extension/send_welcome_email`: who has no mail address gets none, and the answer says "partial".
pub fn send_welcome(state: &mut State, call: &Call) -> Reply {
    let mut checker = Checker::new(&call.body, &state.settings.behaviour);
    checker.require(&["id_list"]);
    let ids = checker.ids("id_list").unwrap_or_default();
    if ids.is_empty() {
        checker.blame("id_list");
    }
    checker.finish()?;
    mail_server(state)?;
    let at = state.clock.now();
    let found: Vec<Mail> = ids
        .iter()
        .filter_map(|id| state.extensions.get(*id))
        .filter(|extension| !extension.email_addr.is_empty())
        .map(|extension| Mail {
            at,
            to: extension.email_addr.clone(),
            kind: "welcome",
            subject: "Welcome to Linkus".to_owned(),
            content: format!("Your extension is {}.", extension.number),
        })
        .collect();
    let sent = found.len();
    state.outbox.extend(found);
    match sent {
        0 => Err(Refusal::new(state.settings.behaviour.unknown_object_errcode)),
        sent if sent < ids.len() => Ok(fields([("errcode", code::PARTIAL.into())])),
        _ => done(),
    }
}

fn mail_server(state: &State) -> Result<(), Refusal> {
    if state.settings.mail_server {
        Ok(())
    } else {
        Err(Refusal::new(code::FAILURE))
    }
}

/// Ids are texts here, and only here.
fn option(text: &str, id: u32) -> Value {
    json!({ "text": text, "value": id.to_string() })
}

fn extension_option(extension: &Extension) -> Value {
    option(
        &format!("{}-{}", extension.number, extension.display_name()),
        extension.id,
    )
}

fn table<T>(table: &Table<T>, name: fn(&T) -> &str) -> Vec<Value> {
    table
        .rows
        .iter()
        .map(|(id, row)| option(name(row), *id))
        .collect()
}

fn other_objects(kind: &str) -> Vec<Value> {
    let rows = OTHER_NUMBERS
        .iter()
        .filter(|(_, its_kind, _)| *its_kind == kind)
        .zip(1..);
    rows.map(|((number, _, name), id)| option(&format!("{number}-{name}"), id))
        .collect()
}
