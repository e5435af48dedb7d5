//! One page of a delta round. Exactly one link per page; what was never set is left out, what was emptied
//! is `null`.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::changes::{Entry, What};
use super::context::Context;
use super::delta_groups;
use super::delta_token::{DeltaState, Phase};
use super::directory::Props;
use super::properties::EntityType;
use super::select::Select;

/// What a page is rendered with.
pub struct Round<'a> {
    pub context: &'a Context<'a>,
    pub entity: EntityType,
    pub select: Select,
    pub ids: Vec<Uuid>,
    pub size: usize,
    /// `Prefer: return=minimal`.
    minimal: bool,
}

/// `GET /users/delta` and `GET /groups/delta`.
pub fn delta(context: &Context, call: &Call, entity: EntityType) -> Result<Answer, ApiError> {
    let mut state = DeltaState::read(context, call, entity)?;
    let policy = &context.behaviour.delta;
    let sizes = &policy.page_sizes;
    let size = sizes
        .get(state.page % sizes.len().max(1))
        .copied()
        .unwrap_or(200)
        .max(1);
    let minimal = call.prefers("return=minimal");
    let select = state.properties(entity)?;
    let round = Round {
        context,
        entity,
        select,
        ids: state.ids.clone(),
        size,
        minimal,
    };
    let mut value = Vec::new();
    if !(policy.empty_pages && state.page % 2 == 1) {
        value = round.advance(&mut state.phase);
    }
    if policy.repeat_objects
        && let Some(first) = value.first().cloned()
    {
        value.push(first);
    }
    state.page += 1;
    let names = round.select.context();
    let (link, url) = state.link(context, entity);
    let context_url = format!("{}/$metadata#{}{names}", context.base(), entity.collection());
    let page = json!({ "@odata.context": context_url, link: url, "value": value });
    let answer = Answer::json(page);
    Ok(if minimal {
        answer.header("Preference-Applied", "return=minimal")
    } else {
        answer
    })
}

impl Round<'_> {
    fn advance(&self, phase: &mut Phase) -> Vec<Value> {
        match phase.clone() {
            Phase::First { pass, after, head } => {
                let (mut value, next) = match self.entity {
                    EntityType::User => self.first_users(after),
                    EntityType::Group => delta_groups::first(self, pass, after),
                };
                if next.is_none() && self.context.behaviour.delta.removals_in_first_round {
                    value.extend(self.already_removed());
                }
                *phase = match next {
                    Some((pass, after)) => Phase::First { pass, after, head },
                    None => Phase::Resting { position: head },
                };
                value
            }
            Phase::Changes { position, until } => {
                let end = until.min(position.saturating_add(self.size));
                let log = &self.context.directory().shelf(self.entity).log;
                let value = self.changes(log.get(position..end).unwrap_or_default());
                *phase = if end >= until {
                    Phase::Resting { position: until }
                } else {
                    Phase::Changes { position: end, until }
                };
                value
            }
            Phase::Resting { .. } => Vec::new(),
        }
    }

    fn first_users(&self, after: Option<Uuid>) -> (Vec<Value>, Option<(usize, Option<Uuid>)>) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let live = &self.context.directory().users.live;
        let mut found = live
            .range((start, Bound::Unbounded))
            .filter(|(id, _)| self.tracks(**id));
        let rows: Vec<_> = found.by_ref().take(self.size).collect();
        let next = found.next().and(rows.last()).map(|(id, _)| (0, Some(**id)));
        (
            rows.into_iter()
                .map(|(id, props)| Value::Object(self.full(*id, props)))
                .collect(),
            next,
        )
    }

    pub fn tracks(&self, id: Uuid) -> bool {
        self.ids.is_empty() || self.ids.contains(&id)
    }

    fn already_removed(&self) -> Vec<Value> {
        let deleted = self.context.directory().shelf(self.entity).deleted.keys();
        deleted
            .filter(|id| self.tracks(**id))
            .map(|id| removed(*id, "changed"))
            .collect()
    }

    /// Every selected property that was ever set.
    pub fn full(&self, id: Uuid, props: &Props) -> Map<String, Value> {
        let mut object = self.only(id, props, |_| true);
        if self.select.relations.contains("manager")
            && let Some(manager) = self.context.directory().managers.get(&id)
        {
            let entry = json!({ "@odata.type": "#microsoft.graph.user", "id": manager.to_string() });
            object.insert("manager@delta".into(), json!([entry]));
        }
        object
    }

    fn only(&self, id: Uuid, props: &Props, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("id".into(), json!(id.to_string()));
        for name in self.select.names.iter().filter(|name| wanted(name)) {
            if let Some(value) = props.get(*name) {
                object.insert((*name).to_owned(), value.clone());
            }
        }
        object
    }

    fn changes(&self, entries: &[Entry]) -> Vec<Value> {
        let mut order = Vec::new();
        for entry in entries {
            if self.tracks(entry.id) && !order.contains(&entry.id) {
                order.push(entry.id);
            }
        }
        order
            .into_iter()
            .filter_map(|id| self.change(id, entries))
            .collect()
    }

    /// One object as these entries left it; nothing when they touched only what is not selected.
    fn change(&self, id: Uuid, entries: &[Entry]) -> Option<Value> {
        let mut touched: BTreeSet<&str> = BTreeSet::new();
        let mut whole = false;
        let mut gone = None;
        let mut members = Vec::new();
        for entry in entries.iter().filter(|entry| entry.id == id) {
            match &entry.what {
                What::Created | What::Restored => (whole, gone) = (true, None),
                What::Set(names) => touched.extend(names.iter().map(AsRef::as_ref)),
                What::SoftDeleted => gone = Some("changed"),
                What::Purged => gone = Some("deleted"),
                What::MemberAdded(member) => members.push((*member, true)),
                What::MemberRemoved(member) => members.push((*member, false)),
            }
        }
        if let Some(reason) = gone {
            return Some(removed(id, reason));
        }
        // Changed in these entries, gone by now: a later entry of the round says so again.
        let objects = self.context.directory().shelf(self.entity);
        let Some(props) = objects.live.get(&id) else {
            let reason = if objects.deleted.contains_key(&id) {
                "changed"
            } else {
                "deleted"
            };
            return Some(removed(id, reason));
        };
        let members = delta_groups::membership(self, &members);
        let selected = |name: &str| self.select.names.contains(&name) || self.select.relations.contains(name);
        if !whole && members.is_none() && !touched.iter().any(|name| selected(name)) {
            return None;
        }
        let mut object = if self.minimal && !whole {
            self.only(id, props, |name| touched.contains(name))
        } else {
            self.full(id, props)
        };
        if let Some(members) = members {
            object.insert("members@delta".into(), members);
        }
        Some(Value::Object(object))
    }
}

fn removed(id: Uuid, reason: &str) -> Value {
    json!({ "id": id.to_string(), "@removed": { "reason": reason } })
}
