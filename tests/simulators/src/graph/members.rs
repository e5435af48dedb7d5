//! Members of groups, direct and through nesting. What the caller may not read appears with its type and id
//! and nothing else.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;
use super::directory::Props;
use super::filter::Filter;
use super::list::Position;
use super::paging::{self, PageToken};
use super::properties::EntityType;
use super::routes::MembersPath;
use super::select::value_of;
use super::tenant::TransitiveMembers;

/// `GET /groups/{id}/members` and `/transitiveMembers` with or without a cast.
pub fn list(context: &Context, call: &Call, path: &MembersPath) -> Result<Answer, ApiError> {
    let (group, props) = group_of(context, &path.group)?;
    check(call, path, props)?;
    let filter = call.option("$filter").map(Filter::parse).transpose()?;
    let members = if is_hidden(context, props) {
        Arc::default()
    } else {
        members_of(context, group, path.transitive)
    };
    let wanted = |id: &&Uuid| is_wanted(context, path, filter.as_ref(), **id);
    if path.count {
        return Ok(Answer::text(
            200,
            "text/plain",
            members.iter().filter(wanted).count().to_string(),
        ));
    }
    let top = paging::top(call)?;
    let list_name = format!(
        "{group}/{}",
        if path.transitive {
            "transitiveMembers"
        } else {
            "members"
        }
    );
    let from = PageToken::<Position>::read(context, call, &list_name)?;
    let start = match from {
        Some(Position::After(id)) => Bound::Excluded(id),
        _ => Bound::Unbounded,
    };
    let mut found = members.range((start, Bound::Unbounded)).filter(wanted);
    let rows: Vec<Uuid> = found.by_ref().take(top).copied().collect();
    let more = found.next().is_some();
    let mut page = json!({ "@odata.context": format!("{}/$metadata#directoryObjects", context.base()) });
    if call.advanced() && from.is_none() {
        page["@odata.count"] = json!(members.iter().filter(wanted).count());
    }
    if let Some(last) = rows.last().filter(|_| more) {
        page["@odata.nextLink"] = json!(paging::next_link(
            context,
            call,
            &list_name,
            Position::After(*last)
        ));
    }
    let named = call.option("$select");
    page["value"] = rows.iter().filter_map(|id| render(context, *id, named)).collect();
    Ok(Answer::json(page))
}

fn group_of<'a>(context: &'a Context, key: &str) -> Result<(Uuid, &'a Props), ApiError> {
    let id = Uuid::parse_str(key).map_err(|_| ApiError::not_found(key))?;
    let props = context
        .directory()
        .groups
        .live
        .get(&id)
        .ok_or_else(|| ApiError::not_found(key))?;
    Ok((id, props))
}

fn check(call: &Call, path: &MembersPath, group: &Props) -> Result<(), ApiError> {
    if call.option("$skip").is_some() {
        return Err(ApiError::directory_bad_request(
            "'$skip' is not supported by the service.",
        ));
    }
    if path.count && !call.eventual() {
        return Err(ApiError::directory_bad_request(
            "$count is not currently supported.",
        ));
    }
    let shaped = ["$filter", "$search", "$orderby"]
        .iter()
        .any(|name| call.option(name).is_some());
    if (shaped || path.cast.is_some()) && !path.count && !call.advanced() {
        return Err(paging::needs_advanced());
    }
    let unified = group
        .get("groupTypes")
        .and_then(Value::as_array)
        .is_some_and(|types| types.contains(&json!("Unified")));
    match path.cast.as_deref() {
        None | Some("user" | "device" | "orgContact" | "servicePrincipal") => Ok(()),
        Some("group") if !unified => Ok(()),
        Some(cast) => Err(ApiError::unsupported(format!(
            "The cast to '{cast}' is not supported here."
        ))),
    }
}

fn is_hidden(context: &Context, group: &Props) -> bool {
    group.get("visibility") == Some(&json!("HiddenMembership"))
        && !context.caller.has_any(&["Member.Read.Hidden"])
}

fn members_of(context: &Context, group: Uuid, transitive: bool) -> Arc<BTreeSet<Uuid>> {
    let direct = &context.directory().members;
    if !transitive {
        return Arc::new(direct.get(&group).cloned().unwrap_or_default());
    }
    let directory = context.directory();
    let changes = directory.groups.log.len() + directory.users.log.len();
    let mut kept = context.tenant.transitive.borrow_mut();
    if let Some(kept) = kept
        .as_ref()
        .filter(|kept| kept.group == group && kept.changes == changes)
    {
        return Arc::clone(&kept.members);
    }
    let members = Arc::new(closure(context, group));
    *kept = Some(TransitiveMembers {
        group,
        changes,
        members: Arc::clone(&members),
    });
    members
}

/// Everything below a group. Cycles end where they meet a group already seen; the root is not its own member.
fn closure(context: &Context, root: Uuid) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(group) = open.pop() {
        for member in context.directory().members.get(&group).into_iter().flatten() {
            let is_group = context.directory().groups.live.contains_key(member);
            if *member != root && found.insert(*member) && is_group {
                open.push(*member);
            }
        }
    }
    found
}

fn is_wanted(context: &Context, path: &MembersPath, filter: Option<&Filter>, id: Uuid) -> bool {
    let directory = context.directory();
    let Some(kind) = directory.kind_of(id) else {
        return false;
    };
    // The v1.0 endpoint does not list service principals as members.
    if kind == "servicePrincipal" || path.cast.as_deref().is_some_and(|cast| cast != kind) {
        return false;
    }
    if kind == "group" && !directory.groups.live.contains_key(&id) {
        return false;
    }
    if kind == "user"
        && !directory.users.live.contains_key(&id)
        && !context.behaviour.list_soft_deleted_members
    {
        return false;
    }
    let entity = if kind == "group" {
        EntityType::Group
    } else {
        EntityType::User
    };
    filter.is_none_or(|filter| props_of(context, id).is_some_and(|props| filter.matches(entity, id, props)))
}

fn props_of<'a>(context: &'a Context, id: Uuid) -> Option<&'a Props> {
    let directory = context.directory();
    let kept = |deleted: Option<&'a (jiff::Timestamp, Props)>| deleted.map(|(_, props)| props);
    directory
        .users
        .live
        .get(&id)
        .or_else(|| kept(directory.users.deleted.get(&id)))
        .or_else(|| directory.groups.live.get(&id))
}

/// A directory object as it stands in a list of mixed types.
pub fn render(context: &Context, id: Uuid, named: Option<&str>) -> Option<Value> {
    let kind = context.directory().kind_of(id)?;
    let mut object = Map::new();
    object.insert("@odata.type".into(), json!(format!("#microsoft.graph.{kind}")));
    object.insert("id".into(), json!(id.to_string()));
    let entity = match kind {
        "user" => EntityType::User,
        "group" => EntityType::Group,
        _ => {
            let readable =
                context
                    .caller
                    .has_any(&["Directory.Read.All", "Device.Read.All", "OrgContact.Read.All"]);
            let name = context
                .directory()
                .others
                .get(&id)
                .filter(|_| readable)
                .map(|other| &other.display_name);
            object.insert("displayName".into(), json!(name));
            return Some(Value::Object(object));
        }
    };
    let readable = match entity {
        EntityType::User => context.caller.reads_users(),
        EntityType::Group => context.caller.reads_groups(),
    };
    let props = props_of(context, id)?;
    for name in names(entity, named) {
        let value = if readable {
            value_of(entity, name, id, props)
        } else {
            Value::Null
        };
        object.entry(name).or_insert(value);
    }
    Some(Value::Object(object))
}

/// Names that this type does not have are passed over: they may belong to another type in the list.
fn names(entity: EntityType, named: Option<&str>) -> Vec<&'static str> {
    match named {
        None => entity.default_select(),
        Some(text) => text
            .split(',')
            .filter_map(|name| entity.property(name.trim()))
            .map(|(name, _)| name)
            .collect(),
    }
}
