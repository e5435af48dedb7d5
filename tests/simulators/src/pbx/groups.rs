//! Extension groups: a flat list with members. An update replaces the whole list of members.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::behaviour::MemberShape;
use super::call::{Call, Page, PageSize, as_id};
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::state::State;
use super::validation::Checker;

const USER_TYPES: [&str; 3] = ["manager", "user", "custom"];

/// One extension group.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub name: String,
    /// `sel_all_ext` instead of a list of members.
    pub everyone: bool,
    /// User type by extension id.
    pub members: BTreeMap<u32, String>,
    /// `mgr_enb_*` and `user_enb_*`.
    pub permissions: BTreeMap<String, i64>,
}

impl Group {
    fn blank() -> Self {
        Self {
            name: String::new(),
            everyone: false,
            members: BTreeMap::new(),
            permissions: BTreeMap::new(),
        }
    }

    /// The one the factory makes.
    pub fn everyone() -> Self {
        Self {
            name: "Default_All_Extensions".to_owned(),
            everyone: true,
            ..Self::blank()
        }
    }
}

/// `extensiongroup/list` and `extensiongroup/search`.
pub fn list(state: &mut State, call: &Call) -> Reply {
    let size = PageSize::usual(&state.settings.behaviour);
    let page = Page::read(
        call,
        &["id", "name"],
        size,
        state.settings.behaviour.reject_unknown_sort,
    )?;
    let mut found: Vec<_> = state
        .groups
        .rows
        .iter()
        .filter(|(_, group)| page.matches(&[&group.name]))
        .collect();
    if page.sort_by.as_deref() == Some("name") {
        found.sort_by_key(|(_, group)| &group.name);
    }
    let total = found.len();
    let row = |(id, group): (&u32, &Group)| {
        let members = if group.everyone {
            state.extensions.len()
        } else {
            group.members.len()
        };
        let select = select_word(group);
        json!({ "id": id, "name": group.name, "member_select": select, "total_extensions": members })
    };
    let data: Vec<Value> = page.cut(found).into_iter().map(row).collect();
    Ok(fields([("total_number", total.into()), ("data", data.into())]))
}

/// `extensiongroup/get`.
pub fn get(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    let group = state.groups.rows.get(&id).ok_or_else(|| unknown(state))?;
    Ok(fields([("data", detail(state, id, group))]))
}

/// `extensiongroup/query`.
pub fn query(state: &mut State, call: &Call) -> Reply {
    let ids = call.query_ids(&state.settings.behaviour)?;
    let found = ids
        .into_iter()
        .filter_map(|id| Some(detail(state, id, state.groups.rows.get(&id)?)));
    Ok(fields([("data", found.collect::<Vec<_>>().into())]))
}

/// `extensiongroup/create`.
pub fn create(state: &mut State, call: &Call) -> Reply {
    let mut group = Group::blank();
    apply(state, &call.body, &mut group, true)?;
    if name_is_taken(state, &group.name, None) {
        return Err(Refusal::naming(code::DUPLICATE, ["name"]));
    }
    if state.groups.rows.len() >= state.settings.behaviour.max_extension_groups {
        return Err(Refusal::new(code::LIMIT));
    }
    let id = state.groups.insert(group);
    Ok(if state.settings.behaviour.create_returns_id {
        fields([("id", id.into())])
    } else {
        Fields::new()
    })
}

/// `extensiongroup/update`. The documented table has no `name`: it is ignored unless the portal sends it.
pub fn update(state: &mut State, call: &Call) -> Reply {
    let id = call.body_id()?;
    let mut group = state
        .groups
        .rows
        .get(&id)
        .cloned()
        .ok_or_else(|| unknown(state))?;
    let renames = call.portal || state.settings.behaviour.group_rename_honoured;
    let name = group.name.clone();
    apply(state, &call.body, &mut group, false)?;
    if !renames {
        group.name = name;
    }
    if name_is_taken(state, &group.name, Some(id)) {
        return Err(Refusal::naming(code::DUPLICATE, ["name"]));
    }
    state.groups.rows.insert(id, group);
    done()
}

/// `extensiongroup/delete`.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    let id = call.query_id()?;
    state.groups.rows.remove(&id).ok_or_else(|| unknown(state))?;
    done()
}

/// Makes an extension a user of exactly these groups; `None` changes nothing.
pub fn set_memberships(state: &mut State, extension: u32, groups: Option<Vec<u32>>) {
    let Some(groups) = groups else { return };
    for (id, group) in state.groups.rows.iter_mut().filter(|(_, group)| !group.everyone) {
        if groups.contains(id) {
            group
                .members
                .entry(extension)
                .or_insert_with(|| "user".to_owned());
        } else {
            group.members.remove(&extension);
        }
    }
}

/// Takes a deleted extension out of every group.
pub fn forget_extension(state: &mut State, extension: u32) {
    for group in state.groups.rows.values_mut() {
        group.members.remove(&extension);
    }
}

fn unknown(state: &State) -> Refusal {
    Refusal::new(state.settings.behaviour.unknown_object_errcode)
}

fn name_is_taken(state: &State, name: &str, except: Option<u32>) -> bool {
    state
        .groups
        .rows
        .iter()
        .any(|(id, group)| group.name == name && Some(*id) != except)
}

fn select_word(group: &Group) -> &'static str {
    if group.everyone {
        "sel_all_ext"
    } else {
        "sel_specific"
    }
}

fn apply(state: &State, body: &Fields, group: &mut Group, creating: bool) -> Result<(), Refusal> {
    let mut checker = Checker::new(body, &state.settings.behaviour);
    if creating {
        checker.require(&["name", "member_select"]);
    }
    if let Some(name) = checker.short("name", state.settings.behaviour.group_name_length) {
        if name.is_empty() {
            checker.blame("name");
        }
        group.name = name;
    }
    if let Some(select) = checker.text("member_select", |word| {
        word == "sel_all_ext" || word == "sel_specific"
    }) {
        group.everyone = select == "sel_all_ext";
    }
    match checker.list("members") {
        Some(list) => match members(state, list) {
            Some(members) if state.settings.behaviour.group_members_replace => group.members = members,
            Some(members) => group.members.extend(members),
            None => checker.blame("members"),
        },
        None if creating && !group.everyone => checker.require(&["members"]),
        None => {}
    }
    if group.everyone {
        group.members.clear();
    }
    for key in body
        .keys()
        .filter(|key| key.starts_with("mgr_enb_") || key.starts_with("user_enb_"))
    {
        if let Some(flag) = checker.int(key, 0, 1) {
            group.permissions.insert(key.clone(), flag);
        }
    }
    checker.finish()
}

fn members(state: &State, list: &[Value]) -> Option<BTreeMap<u32, String>> {
    let member = |entry: &Value| {
        let id = entry
            .get("ext_id")
            .and_then(as_id)
            .filter(|id| state.extensions.get(*id).is_some())?;
        let kind = entry.get("user_type").map_or(Some("user"), Value::as_str)?;
        USER_TYPES.contains(&kind).then(|| (id, kind.to_owned()))
    };
    list.iter().map(member).collect()
}

fn detail(state: &State, id: u32, group: &Group) -> Value {
    let shape = state.settings.behaviour.group_member_shape;
    let member = |(ext_id, user_type): (&u32, &String)| {
        let name = state
            .extensions
            .get(*ext_id)
            .map(super::extension::Extension::display_name);
        match shape {
            MemberShape::Portal | MemberShape::PortalList => {
                json!({ "ext_id": ext_id, "caller_id_name": name, "user_type": user_type })
            }
            MemberShape::Options => json!({ "value": ext_id.to_string(), "text": name, "type": "extension" }),
            MemberShape::Keys => json!(ext_id),
        }
    };
    let members: Vec<Value> = group.members.iter().map(member).collect();
    let list = if shape == MemberShape::PortalList {
        "member_list"
    } else {
        "members"
    };
    let mut detail = fields([
        ("id", id.into()),
        ("name", group.name.clone().into()),
        ("member_select", select_word(group).into()),
        (list, members.into()),
    ]);
    detail.extend(
        group
            .permissions
            .iter()
            .map(|(key, flag)| (key.clone(), Value::from(*flag))),
    );
    Value::Object(detail)
}
