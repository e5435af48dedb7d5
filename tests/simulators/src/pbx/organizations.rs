//! Organizations: the tree of departments. The root is the company; it can be neither changed nor deleted.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Call, Page, PageSize};
use super::envelope::{Fields, Refusal, Reply, code, done, fields};
use super::state::State;
use super::validation::Checker;

/// The root organization's id.
pub const ROOT: u32 = 1;

/// One department.
#[derive(Clone, Debug, Serialize)]
pub struct Organization {
    pub name: String,
    /// `None` for the root alone.
    pub parent: Option<u32>,
}

/// `organization/list` and `organization/search`.
pub fn list(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let size = PageSize::usual(&state.settings.behaviour);
    let strict = state.settings.behaviour.reject_unknown_sort;
    let keys: &[&str] = if state.settings.behaviour.organizations_sortable {
        &["id", "name", "parent_id"]
    } else {
        &[]
    };
    let page = Page::read(call, keys, size, strict)?;
    let mut found: Vec<_> = state
        .organizations
        .rows
        .iter()
        .filter(|(_, row)| page.matches(&[&row.name]))
        .collect();
    match page.sort_by.as_deref() {
        Some("name") => found.sort_by_key(|(_, row)| &row.name),
        Some("parent_id") => found.sort_by_key(|(_, row)| row.parent),
        _ => {}
    }
    let total = found.len();
    let data: Vec<Value> = page
        .cut(found)
        .into_iter()
        .map(|(id, row)| view(*id, row))
        .collect();
    Ok(fields([("total_number", total.into()), ("data", data.into())]))
}

/// `organization/get`.
pub fn get(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let id = call.query_id()?;
    let row = state.organizations.rows.get(&id).ok_or_else(|| unknown(state))?;
    Ok(fields([("data", view(id, row))]))
}

/// `organization/query`.
pub fn query(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let ids = call.query_ids(&state.settings.behaviour)?;
    let found = ids
        .into_iter()
        .filter_map(|id| Some(view(id, state.organizations.rows.get(&id)?)));
    Ok(fields([("data", found.collect::<Vec<_>>().into())]))
}

/// `organization/create`.
pub fn create(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let mut row = Organization {
        name: String::new(),
        parent: None,
    };
    apply(state, &call.body, &mut row, true)?;
    may_stand(state, &row, None)?;
    if state.organizations.rows.len() >= state.settings.behaviour.max_organizations {
        return Err(Refusal::new(code::LIMIT));
    }
    let id = state.organizations.insert(row);
    announce(state, &[id], "create");
    Ok(if state.settings.behaviour.create_returns_id {
        fields([("id", id.into())])
    } else {
        Fields::new()
    })
}

/// `organization/update`.
pub fn update(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let id = call.body_id()?;
    let mut row = state
        .organizations
        .rows
        .get(&id)
        .cloned()
        .ok_or_else(|| unknown(state))?;
    if id == ROOT {
        return Err(Refusal::parameter("id"));
    }
    apply(state, &call.body, &mut row, false)?;
    if row
        .parent
        .is_some_and(|parent| branch(state, id).contains(&parent))
    {
        return Err(Refusal::parameter("parent_id"));
    }
    may_stand(state, &row, Some(id))?;
    state.organizations.rows.insert(id, row);
    announce(state, &[id], "update");
    done()
}

/// `organization/delete`. People left without an organization move to the root.
pub fn delete(state: &mut State, call: &Call) -> Reply {
    enabled(state)?;
    let id = call.query_id()?;
    if !state.organizations.rows.contains_key(&id) {
        return Err(unknown(state));
    }
    let gone = branch(state, id);
    if id == ROOT || (gone.len() > 1 && !state.settings.behaviour.organization_delete_cascades) {
        return Err(Refusal::parameter("id"));
    }
    state.organizations.rows.retain(|id, _| !gone.contains(id));
    let affected: Vec<_> = state
        .extensions
        .iter()
        .filter(|row| !row.organizations.is_disjoint(&gone))
        .cloned()
        .collect();
    for mut extension in affected {
        extension.organizations.retain(|id| !gone.contains(id));
        if extension.organizations.is_empty() {
            extension.organizations.insert(ROOT);
        }
        state.extensions.replace(extension);
    }
    announce(state, &gone.into_iter().collect::<Vec<_>>(), "delete");
    done()
}

/// Raises 30006 for organizations whose people changed.
pub fn announce_members(state: &mut State, ids: impl Iterator<Item = u32>) {
    let ids: Vec<u32> = ids.collect();
    if !ids.is_empty() {
        announce(state, &ids, "update_extension");
    }
}

/// The tree as `get_menuoptions` shows it.
pub fn tree(state: &State, parent: Option<u32>) -> Vec<Value> {
    let children = state
        .organizations
        .rows
        .iter()
        .filter(|(_, row)| row.parent == parent);
    let node = |(id, row): (&u32, &Organization)| {
        let below = tree(state, Some(*id));
        json!({ "text": row.name, "value": id.to_string(), "item": below })
    };
    children.map(node).collect()
}

/// Organization management has to be on.
pub fn enabled(state: &State) -> Result<(), Refusal> {
    if state.settings.organizations_enabled {
        Ok(())
    } else {
        Err(Refusal::new(code::ORGANIZATION_OFF))
    }
}

fn unknown(state: &State) -> Refusal {
    Refusal::new(state.settings.behaviour.unknown_object_errcode)
}

fn view(id: u32, row: &Organization) -> Value {
    json!({ "id": id, "name": row.name, "parent_id": row.parent.unwrap_or(0) })
}

fn apply(state: &State, body: &Fields, row: &mut Organization, creating: bool) -> Result<(), Refusal> {
    let mut checker = Checker::new(body, &state.settings.behaviour);
    if creating {
        checker.require(&["name", "parent_id"]);
    }
    if let Some(name) = checker.short("name", 127) {
        if name.is_empty() {
            checker.blame("name");
        }
        row.name = name;
    }
    if let Some(parent) = checker.int("parent_id", 1, i64::from(u32::MAX)) {
        row.parent = u32::try_from(parent)
            .ok()
            .filter(|parent| state.organizations.rows.contains_key(parent));
        if row.parent.is_none() {
            checker.blame("parent_id");
        }
    }
    checker.finish()
}

/// Brothers have different names, and the tree is only so deep.
fn may_stand(state: &State, row: &Organization, except: Option<u32>) -> Result<(), Refusal> {
    let same = |(id, other): (&u32, &Organization)| {
        Some(*id) != except && other.parent == row.parent && other.name == row.name
    };
    if state.organizations.rows.iter().any(same) {
        return Err(Refusal::naming(code::DUPLICATE, ["name"]));
    }
    let parent_of = |id: &u32| state.organizations.rows.get(id).and_then(|row| row.parent);
    let depth = std::iter::successors(row.parent, parent_of).count() + 1;
    if depth > state.settings.behaviour.max_organization_depth {
        return Err(Refusal::new(code::LIMIT));
    }
    Ok(())
}

/// An organization and everything below it.
fn branch(state: &State, id: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([id]);
    loop {
        let below = |parent: Option<u32>| parent.is_some_and(|parent| found.contains(&parent));
        let rows = state.organizations.rows.iter();
        let more: Vec<u32> = rows
            .filter(|(id, row)| below(row.parent) && !found.contains(id))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn announce(state: &mut State, ids: &[u32], action: &str) {
    let serial = state.settings.serial_number.clone();
    state.emit(
        30_006,
        &json!({ "id_list": ids, "action": action, "sn": serial }),
        true,
    );
}
