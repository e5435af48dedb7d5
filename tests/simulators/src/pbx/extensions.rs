//! The calls that change extensions. Each one either does everything it says or nothing.

use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::extension::{Extension, Monitor};
use super::state::{OTHER_NUMBERS, State};
use super::{extension_rules, groups, organizations, presence};

/// `extension/create`.
pub fn create(state: &mut State, call: &Call) -> Reply {
    let number = call
        .body
        .get("number")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut draft = Extension::blank(number);
    extension_rules::apply(state, &call.body, &mut draft, true)?;
    extension_rules::check_number(&state.settings, number)?;
    let joins = group_list(state, &call.body)?;
    if OTHER_NUMBERS.iter().any(|(taken, _, _)| *taken == number)
        || state.extensions.id_of_number(number).is_some()
    {
        return Err(Refusal::naming(code::DUPLICATE, ["number"]));
    }
    mail_is_free(state, &draft)?;
    if state.extensions.len() >= state.settings.capacity {
        return Err(Refusal::new(state.settings.behaviour.capacity_errcode));
    }
    draft.monitor = Monitor::all(state.settings.behaviour.monitor_new_extensions);
    let id = state.extensions.insert(draft.clone());
    groups::set_memberships(state, id, joins);
    announce(state, &draft.number, "CREATE");
    organizations::announce_members(state, draft.organizations.iter().copied());
    Ok(if state.settings.behaviour.create_returns_id {
        fields([("id", id.into())])
    } else {
        Fields::new()
    })
}

/// `extension/update`.
pub fn update(state: &mut State, call: &Call) -> Reply {
    let id = call.body_id()?;
    let unknown = Refusal::new(state.settings.behaviour.unknown_object_errcode);
    let old = state.extensions.get(id).cloned().ok_or(unknown)?;
    if state.settings.behaviour.refuse_number_on_update && call.body.contains_key("number") {
        return Err(Refusal::parameter("number"));
    }
    let mut draft = old.clone();
    extension_rules::apply(state, &call.body, &mut draft, false)?;
    mail_is_free(state, &draft)?;
    let joins = group_list(state, &call.body)?;
    state.extensions.replace(draft.clone());
    groups::set_memberships(state, id, joins);
    announce(state, &draft.number, "UPDATE");
    presence::announce(state, old.presence_status, &draft);
    let moved = old
        .organizations
        .symmetric_difference(&draft.organizations)
        .copied();
    organizations::announce_members(state, moved);
    done()
}

/// `extension/delete`.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let unknown = Refusal::new(state.settings.behaviour.unknown_object_errcode);
    let gone = state.extensions.remove(id).ok_or(unknown)?;
    groups::forget_extension(state, id);
    if state.settings.behaviour.delete_ends_signatures {
        state.signatures.retain(|_, signature| signature.extension != id);
    }
    announce(state, &gone.number, "DELETE");
    done()
}

fn mail_is_free(state: &State, draft: &Extension) -> Result<(), Refusal> {
    let holder = state.extensions.id_of_mail(&draft.email_addr);
    if !draft.email_addr.is_empty() && holder.is_some_and(|holder| holder != draft.id) {
        return Err(Refusal::naming(code::DUPLICATE, ["email_addr"]));
    }
    Ok(())
}

/// The groups a body asks for, where this PBX listens to that key at all.
fn group_list(state: &State, body: &Fields) -> Result<Option<Vec<u32>>, Refusal> {
    let Some(list) = body
        .get("group_list")
        .filter(|_| state.settings.behaviour.group_list_on_extension)
    else {
        return Ok(None);
    };
    let id_of = |entry: &Value| entry.get("value")?.as_str()?.parse().ok();
    let exists = |id: &u32| state.groups.rows.contains_key(id);
    let ids = list
        .as_array()
        .map(|list| list.iter().map(|entry| id_of(entry).filter(exists)).collect());
    ids.flatten()
        .map(Some)
        .ok_or_else(|| Refusal::parameter("group_list"))
}

fn announce(state: &mut State, number: &str, option: &str) {
    state.emit(30_022, &json!({ "ext_number": number, "option": option }), false);
}
