//! What the groups that a settings document names are called. The directory says it when a section is saved or a search is
//! taken over; pages read it from the table, so none of them waits for Graph.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::domain::connection::Connection;
use shared::domain::ids::EntraGroupId;
use shared::store::StoreError;
use shared::telemetry::chain;

use crate::AdminState;

/// Lists of group ids in a settings document.
pub const LISTS: [&str; 4] = [
    "/users/scope/group_ids",
    "/users/scope/exclude_group_ids",
    "/groups/scope/group_ids",
    "/contacts/personal/scope/group_ids",
];

/// Every group that a settings document names.
pub fn groups_of(document: &Value) -> BTreeSet<EntraGroupId> {
    let items = |pointer: &str| {
        document
            .pointer(pointer)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let listed = LISTS.into_iter().flat_map(items);
    let mapped = items("/presence/groups").filter_map(|row| row.get("group_id"));
    listed
        .chain(mapped)
        .filter_map(|id| EntraGroupId::parse(id.as_str()?).ok())
        .collect()
}

/// Has the directory say what groups are called whose names are not known yet; what it cannot say stays without a name.
pub async fn learn(
    state: &AdminState,
    connection: &Connection,
    document: &Value,
) -> Result<BTreeMap<EntraGroupId, String>, StoreError> {
    let store = &state.engine.store;
    let mut known = store.group_names(connection.id).await?;
    let before = known.clone();
    let named = groups_of(document);
    let unknown: BTreeSet<EntraGroupId> = named
        .iter()
        .filter(|id| !known.contains_key(id))
        .copied()
        .collect();
    if unknown.is_empty() {
        return Ok(known);
    }
    let Some(secrets) = store.secrets(connection.id).await? else {
        return Ok(known);
    };
    let Ok(sides) = state.engine.sides.sides(connection, &secrets) else {
        return Ok(known);
    };
    match sides.directory.groups_by_id(&unknown).await {
        Ok(found) => known.extend(found.into_iter().map(|(id, group)| (id, group.name))),
        Err(error) => {
            tracing::debug!(connection.id = %connection.id, error = %chain(&error), "groups stay without their names");
            return Ok(known);
        }
    }
    if known != before {
        store.put_group_names(connection.id, &known).await?;
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_are_found_wherever_settings_name_them() {
        let id = |n: u8| format!("3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c0{n:02}");
        let document = json!({
            "users": {"scope": {"kind": "groups", "group_ids": [id(1), "typed wrongly"], "exclude_group_ids": [id(2)]}},
            "groups": {"scope": {"group_ids": [id(3), id(1)]}},
            "contacts": {"personal": {"scope": {"group_ids": [id(4)]}}},
            "presence": {"groups": [{"group_id": id(5), "mapping": {}}, {"mapping": {}}]},
        });
        let found: Vec<String> = groups_of(&document).iter().map(ToString::to_string).collect();
        assert_eq!(found, [1, 2, 3, 4, 5].map(id));
        assert!(groups_of(&json!({})).is_empty());
    }
}
