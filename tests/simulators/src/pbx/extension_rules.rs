//! What may be written on an extension: reads a body onto a draft and blames every bad key.
//! Nothing is stored here; a refused body leaves no trace.

use serde_json::Value;

use super::call::as_id;
use super::config::Settings;
use super::envelope::{Fields, Refusal, code};
use super::extension::Extension;
use super::presence;
use super::state::{ROLES, State};
use super::validation::{
    Checker, has_four_digits_in_a_row, is_dialable, is_mail, is_number, is_user_password, length,
};

const LANGUAGES: [&str; 9] = ["follow_system", "zh-cn", "en", "ru", "de", "fr", "bp", "it", "tr"];

/// Flags kept as they come: 0 or 1.
const FLAGS: [&str; 24] = [
    "enb_vm",
    "enb_vm_pin",
    "enb_vm_play_datetime",
    "enb_vm_play_caller_id",
    "enb_vm_play_duration",
    "enb_email_pwd_chg",
    "enb_email_miss_call",
    "enb_ctl_record",
    "disable_outb_call",
    "disable_office_time_outb_call",
    "enb_mobile_client",
    "enb_desktop_client",
    "enb_web_client",
    "enb_qualify",
    "enb_nat",
    "enb_srtp",
    "enb_t38_support",
    "allow_reg_remotely",
    "enb_user_agent_ident",
    "enb_ip_rstr",
    "enb_sip_outb_proxy",
    "enb_hot_line",
    "enb_mobile_push",
    "enb_same_srv_msg",
];

/// Texts kept as they come.
const TEXTS: [&str; 10] = [
    "user_lang",
    "vm_lang",
    "new_vm_notify",
    "after_vm_notify",
    "vm_greeting",
    "emergency_caller_id",
    "presence_status_text",
    "presence_mobile_prefix",
    "dtmf_mode",
    "transport",
];

/// Arrays kept as they come.
const LISTS: [&str; 2] = ["trunk_caller_id_list", "caller_id_rule_list"];

/// The keys without which `extension/create` refuses.
pub const REQUIRED: [&str; 7] = [
    "type",
    "user_password",
    "number",
    "reg_name",
    "reg_password",
    "concurrent_registrations",
    "presence_status",
];

/// Reads a body onto `draft`. Roles and organizations have their own error numbers and are judged last.
pub fn apply(state: &State, body: &Fields, draft: &mut Extension, creating: bool) -> Result<(), Refusal> {
    let settings = &state.settings;
    let mut checker = Checker::new(body, &settings.behaviour);
    if creating {
        checker.require(&REQUIRED);
        if settings.organizations_enabled {
            checker.require(&["organization_list"]);
        }
        checker.text("type", |kind| kind == "SIP");
    }
    identity(&mut checker, draft, settings);
    passwords(&mut checker, draft, settings.behaviour.strict_passwords);
    telephony(&mut checker, draft);
    extras(&mut checker, draft);
    presence::apply_list(&mut checker, draft, settings.behaviour.presence_list_merges);
    if let Some(role) = checker.int("role_id", 0, i64::from(u32::MAX)) {
        draft.role_id = u32::try_from(role).unwrap_or(u32::MAX);
    }
    checker.finish()?;
    if draft.role_id != 0 && ROLES.iter().all(|(id, _)| *id != draft.role_id) {
        return Err(Refusal::naming(code::NO_ROLE, ["role_id"]));
    }
    organizations(state, body, draft)
}

/// Whether a number may be given to an extension at all; who holds it is another question.
pub fn check_number(settings: &Settings, number: &str) -> Result<(), Refusal> {
    let digits = if settings.firmware_since(&settings.behaviour.newer_api_since) {
        8
    } else {
        7
    };
    if !is_number(number, digits) {
        return Err(Refusal::parameter("number"));
    }
    let (first, last) = settings.number_range;
    if number
        .parse()
        .is_ok_and(|value: u64| (first..=last).contains(&value))
    {
        return Ok(());
    }
    Err(Refusal::naming(
        settings.behaviour.number_out_of_range_errcode,
        ["number"],
    ))
}

fn identity(checker: &mut Checker<'_>, draft: &mut Extension, settings: &Settings) {
    let clears = settings.behaviour.empty_text_clears || draft.id == 0;
    let set = |target: &mut String, text: Option<String>| {
        if let Some(text) = text.filter(|text| clears || !text.is_empty()) {
            *target = text;
        }
    };
    set(&mut draft.first_name, checker.short("first_name", 63));
    set(&mut draft.last_name, checker.short("last_name", 63));
    set(&mut draft.email_addr, checker.text("email_addr", is_mail));
    set(
        &mut draft.mobile_number,
        checker.text("mobile_number", is_dialable),
    );
    set(
        &mut draft.title,
        checker.short("title", settings.behaviour.title_length),
    );
    set(&mut draft.caller_id, checker.text("caller_id", is_dialable));
    set(
        &mut draft.agent_id,
        checker.text("agent_id", |text| text.is_empty() || is_number(text, 8)),
    );
    if draft.first_name.is_empty() && draft.last_name.is_empty() {
        draft.first_name.clone_from(&draft.number);
    }
}

fn passwords(checker: &mut Checker<'_>, draft: &mut Extension, strict: bool) {
    let own = [
        draft.number.to_lowercase(),
        draft.first_name.to_lowercase(),
        draft.last_name.to_lowercase(),
    ];
    let fits = |text: &str| {
        let told = own
            .iter()
            .any(|word| !word.is_empty() && *word == text.to_lowercase());
        is_user_password(text) && !(strict && (has_four_digits_in_a_row(text) || told))
    };
    if let Some(password) = checker.text("user_password", fits) {
        draft.user_password = password;
    }
    if let Some(password) = checker.text("reg_password", |text| (8..=63).contains(&text.chars().count())) {
        draft.reg_password = password;
    }
}

fn telephony(checker: &mut Checker<'_>, draft: &mut Extension) {
    if let Some(name) = checker.text("reg_name", |text| (1..=63).contains(&length(text, false))) {
        draft.reg_name = name;
    }
    if let Some(count) = checker.int("concurrent_registrations", 1, 3) {
        draft.concurrent_registrations = count;
    }
    if let Some(status) = presence::read(checker, "presence_status") {
        draft.presence_status = status;
        draft.custom_presence_status.clear();
    }
}

fn extras(checker: &mut Checker<'_>, draft: &mut Extension) {
    for key in FLAGS {
        let flag = checker.int(key, 0, 1).map(Value::from);
        keep(draft, key, flag);
    }
    for key in TEXTS {
        let text = checker.short(key, 255).map(Value::from);
        keep(draft, key, text);
    }
    for key in LISTS {
        let list = checker.list(key).cloned().map(Value::from);
        keep(draft, key, list);
    }
    let language = checker
        .text("email_language", |word| LANGUAGES.contains(&word))
        .map(Value::from);
    keep(draft, "email_language", language);
    let pin = checker
        .text("vm_pin", |pin| pin.is_empty() || is_number(pin, 15))
        .map(Value::from);
    keep(draft, "vm_pin", pin);
    let seconds = checker.int("max_outb_call_duration", -1, 86_400).map(Value::from);
    keep(draft, "max_outb_call_duration", seconds);
}

fn keep(draft: &mut Extension, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        draft.settings.insert(key.to_owned(), value);
    }
}

/// `[{"value":"1"}]`: off refuses with its own number, on needs at least one that exists.
fn organizations(state: &State, body: &Fields, draft: &mut Extension) -> Result<(), Refusal> {
    let Some(list) = body.get("organization_list").filter(|value| !value.is_null()) else {
        return Ok(());
    };
    if !state.settings.organizations_enabled {
        return Err(Refusal::new(code::ORGANIZATION_OFF));
    }
    let wrong = || Refusal::parameter("organization_list");
    let id_of = |entry: &Value| {
        let value = entry.get("value")?;
        as_id(value).or_else(|| value.as_str()?.parse().ok())
    };
    let exists = |id: &u32| state.organizations.rows.contains_key(id);
    let entries = list
        .as_array()
        .filter(|entries| !entries.is_empty())
        .ok_or_else(wrong)?;
    draft.organizations = entries
        .iter()
        .map(|entry| id_of(entry).filter(exists))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    Ok(())
}
