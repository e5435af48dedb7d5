//! What the API shows of extensions. List rows carry the joined name only; detail carries everything.

use serde_json::{Value, json};

use super::call::{Call, Page, PageSize};
use super::envelope::{Fields, Refusal, Reply, fields};
use super::extension::Extension;
use super::presence;
use super::state::{ROLES, State};

const SORTABLE: [&str; 6] = [
    "id",
    "number",
    "caller_id_name",
    "email_addr",
    "mobile_number",
    "presence_status",
];

/// `extension/list`.
pub fn list(state: &mut State, call: &Call) -> Reply {
    let page = read_page(state, call)?;
    Ok(rows(state, &page, state.extensions.iter().collect()))
}

/// `extension/search`.
pub fn search(state: &mut State, call: &Call) -> Reply {
    let page = read_page(state, call)?;
    let found = state.extensions.iter().filter(|extension| {
        let name = extension.display_name();
        page.matches(&[
            &extension.number,
            &name,
            &extension.email_addr,
            &extension.mobile_number,
        ])
    });
    Ok(rows(state, &page, found.collect()))
}

/// `extension/get`.
pub fn get(state: &mut State, call: &Call) -> Reply {
    let extension = find(state, call.query_id()?)?;
    Ok(fields([("data", detail(state, extension))]))
}

/// `extension/query`: ids that do not exist are left out.
pub fn query(state: &mut State, call: &Call) -> Reply {
    let ids = call.query_ids(&state.settings.behaviour)?;
    let found = ids.into_iter().filter_map(|id| state.extensions.get(id));
    let data: Vec<Value> = found.map(|extension| detail(state, extension)).collect();
    Ok(fields([("data", data.into())]))
}

/// `extension/getpassword`.
pub fn get_password(state: &mut State, call: &Call) -> Reply {
    let extension = find(state, call.query_id()?)?;
    let pin = extension
        .settings
        .get("vm_pin")
        .cloned()
        .unwrap_or_else(|| "".into());
    Ok(fields([(
        "data",
        json!({ "reg_password": extension.reg_password, "vm_pin": pin }),
    )]))
}

/// `extension_status_monitor/list`.
pub fn monitors(state: &mut State, call: &Call) -> Reply {
    let size = PageSize::usual(&state.settings.behaviour);
    let page = Page::read(
        call,
        &["ext_id"],
        size,
        state.settings.behaviour.reject_unknown_sort,
    )?;
    let total = state.extensions.len();
    let row = |extension: &Extension| {
        json!({
            "ext_id": extension.id, "number": extension.number, "name": extension.display_name(),
            "enb_register_status": i32::from(extension.monitor.registration),
            "enb_call_status": i32::from(extension.monitor.call),
            "enb_presence_status": i32::from(extension.monitor.presence),
        })
    };
    let data: Vec<Value> = page
        .cut(state.extensions.iter().collect())
        .into_iter()
        .map(row)
        .collect();
    Ok(fields([("total_number", total.into()), ("data", data.into())]))
}

fn find(state: &State, id: u32) -> Result<&Extension, Refusal> {
    let unknown = Refusal::new(state.settings.behaviour.unknown_object_errcode);
    state.extensions.get(id).ok_or(unknown)
}

fn read_page(state: &State, call: &Call) -> Result<Page, Refusal> {
    let behaviour = &state.settings.behaviour;
    Page::read(
        call,
        &SORTABLE,
        PageSize::usual(behaviour),
        behaviour.reject_unknown_sort,
    )
}

fn rows(state: &State, page: &Page, mut found: Vec<&Extension>) -> Fields {
    let total = found.len();
    match page.sort_by.as_deref() {
        Some("number") => found.sort_by_key(|row| (row.number.len(), row.number.clone())),
        Some("caller_id_name") => found.sort_by_cached_key(|row| row.display_name()),
        Some("email_addr") => found.sort_by(|a, b| a.email_addr.cmp(&b.email_addr)),
        Some("mobile_number") => found.sort_by(|a, b| a.mobile_number.cmp(&b.mobile_number)),
        Some("presence_status") => found.sort_by_key(|row| row.presence_status),
        _ => {}
    }
    let newer = state
        .settings
        .firmware_since(&state.settings.behaviour.newer_api_since);
    let data: Vec<Value> = page
        .cut(found)
        .into_iter()
        .map(|extension| row(extension, newer))
        .collect();
    fields([("total_number", total.into()), ("data", data.into())])
}

fn row(extension: &Extension, newer: bool) -> Value {
    let mut row = json!({
        "id": extension.id,
        "online_status": online_status(),
        "presence_status": extension.presence_status,
        "number": extension.number,
        "caller_id_name": extension.display_name(),
        "role_name": ROLES.iter().find(|(id, _)| *id == extension.role_id).map_or("", |(_, name)| name),
        "email_addr": extension.email_addr,
        "mobile_number": extension.mobile_number,
    });
    if let (true, Some(row)) = (newer, row.as_object_mut()) {
        row.insert(
            "custom_presence_status".to_owned(),
            extension.custom_presence_status.clone().into(),
        );
    }
    row
}

/// No device ever registers with a simulated PBX.
fn online_status() -> Value {
    let off = |kind: &str| json!({ "status": 0, "ext_dev_type": kind });
    json!({
        "sip_phone": off("sip"), "linkus_desktop": off("linkusdesktop"),
        "linkus_mobile": off("linkusmobile"), "linkus_web": off("linkusweb"),
    })
}

fn detail(state: &State, extension: &Extension) -> Value {
    let mut detail = extension.settings.clone();
    for (key, value) in presence::active(extension) {
        detail.entry(key).or_insert(value);
    }
    detail.remove("status");
    detail.extend(identity(extension));
    detail.extend(fields([
        ("organization_list", organization_list(state, extension).into()),
        ("caller_id", extension.caller_id.clone().into()),
        ("agent_id", extension.agent_id.clone().into()),
        ("reg_name", extension.reg_name.clone().into()),
        (
            "concurrent_registrations",
            extension.concurrent_registrations.into(),
        ),
        ("presence_status", extension.presence_status.into()),
        ("presence_list", presence::list(extension).into()),
    ]));
    let follow_system = || "follow_system".into();
    detail.entry("email_language").or_insert_with(follow_system);
    if state
        .settings
        .firmware_since(&state.settings.behaviour.newer_api_since)
    {
        detail.entry("user_lang").or_insert_with(follow_system);
    } else {
        detail.insert("user_password".to_owned(), extension.user_password.clone().into());
    }
    Value::Object(detail)
}

fn identity(extension: &Extension) -> Fields {
    fields([
        ("id", extension.id.into()),
        ("type", "SIP".into()),
        ("number", extension.number.clone().into()),
        ("first_name", extension.first_name.clone().into()),
        ("last_name", extension.last_name.clone().into()),
        ("email_addr", extension.email_addr.clone().into()),
        ("mobile_number", extension.mobile_number.clone().into()),
        ("title", extension.title.clone().into()),
        ("role_id", extension.role_id.into()),
    ])
}

/// Empty while organization management is off.
fn organization_list(state: &State, extension: &Extension) -> Vec<Value> {
    let ids = extension
        .organizations
        .iter()
        .filter(|_| state.settings.organizations_enabled);
    ids.filter_map(|id| {
        let organization = state.organizations.rows.get(id)?;
        Some(json!({ "value": id.to_string(), "text": organization.name }))
    })
    .collect()
}
