//! Membership inside the groups delta. A first round goes over the groups once per chunk of members, so a
//! large group comes again on later pages with other groups in between.

use std::ops::Bound;

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::What;
use super::delta::Round;
use super::directory::Directory;

type Next = Option<(usize, Option<Uuid>)>;

/// One page of groups from `pass` and `after` on, and where the next page begins.
pub fn first(round: &Round, pass: usize, after: Option<Uuid>) -> (Vec<Value>, Next) {
    let mut rows = Vec::new();
    let (mut pass, mut after) = (pass, after);
    loop {
        let Some(id) = next_group(round, pass, after) else {
            if !round.select.relations.contains("members") || next_group(round, pass + 1, None).is_none() {
                return (rows, None);
            }
            (pass, after) = (pass + 1, None);
            continue;
        };
        if rows.len() >= round.size {
            return (rows, Some((pass, after)));
        }
        rows.extend(row(round, id, pass));
        after = Some(id);
    }
}

/// The next group after this one that still has members in this pass; in the first pass, any group.
fn next_group(round: &Round, pass: usize, after: Option<Uuid>) -> Option<Uuid> {
    let directory = round.context.directory();
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let reached = pass * chunk(round);
    directory
        .groups
        .live
        .range((start, Bound::Unbounded))
        .map(|(id, _)| *id)
        .filter(|id| round.tracks(*id))
        .find(|id| {
            pass == 0
                || directory
                    .members
                    .get(id)
                    .is_some_and(|members| members.len() > reached)
        })
}

fn chunk(round: &Round) -> usize {
    round.context.behaviour.delta.members_per_object.max(1)
}

fn row(round: &Round, id: Uuid, pass: usize) -> Option<Value> {
    let directory = round.context.directory();
    let mut object = round.full(id, directory.groups.live.get(&id)?);
    if round.select.relations.contains("members") {
        let members = directory.members.get(&id).into_iter().flatten();
        let size = chunk(round);
        let mut changes: Vec<_> = members
            .skip(pass * size)
            .take(size)
            .map(|member| (*member, true))
            .collect();
        if pass == 0 && round.context.behaviour.delta.removals_in_first_round {
            changes.extend(former_members(directory, id));
        }
        if let Some(members) = membership(round, &changes) {
            object.insert("members@delta".into(), members);
        }
    }
    Some(Value::Object(object))
}

fn former_members(directory: &Directory, group: Uuid) -> Vec<(Uuid, bool)> {
    let current = directory.members.get(&group);
    let log = directory.groups.log.iter().filter(|entry| entry.id == group);
    log.filter_map(|entry| match entry.what {
        What::MemberRemoved(member) if !current.is_some_and(|members| members.contains(&member)) => {
            Some((member, false))
        }
        _ => None,
    })
    .collect()
}

/// `members@delta`; absent when there is nothing to say or `members` is not selected.
pub fn membership(round: &Round, changes: &[(Uuid, bool)]) -> Option<Value> {
    if changes.is_empty() || !round.select.relations.contains("members") {
        return None;
    }
    let directory = round.context.directory();
    let entries = changes.iter().map(|(member, added)| {
        // A purged object has no type any more; only users and groups are ever purged, mostly users.
        let kind = directory.kind_of(*member).unwrap_or("user");
        let mut entry =
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": member.to_string() });
        if !added {
            entry["@removed"] = json!({ "reason": "deleted" });
        }
        entry
    });
    Some(entries.collect())
}
