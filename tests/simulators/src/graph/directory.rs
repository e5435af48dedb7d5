//! One tenant's users and groups with everything that ever changed in them. Every write goes through
//! `apply`, which is what keeps the change logs complete: delta is read from nothing else.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::{Entry, What, Write};
use super::dynamic::DynamicState;
use super::properties::EntityType;

pub type Props = BTreeMap<Cow<'static, str>, Value>;

/// A soft-deleted object can be restored for this long, then it is purged by itself.
const RESTORABLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All objects of one type.
#[derive(Debug, Default)]
pub struct Shelf {
    pub live: BTreeMap<Uuid, Props>,
    pub deleted: BTreeMap<Uuid, (Timestamp, Props)>,
    /// The position in this list is the sequence number.
    pub log: Vec<Entry>,
}

/// Directory objects that are neither users nor groups but can be members.
#[derive(Clone, Debug)]
pub struct OtherObject {
    /// `device`, `orgContact` or `servicePrincipal`.
    pub kind: &'static str,
    pub display_name: String,
}

#[derive(Debug, Default)]
pub struct Directory {
    pub users: Shelf,
    pub groups: Shelf,
    pub members: BTreeMap<Uuid, BTreeSet<Uuid>>,
    pub others: BTreeMap<Uuid, OtherObject>,
    pub managers: BTreeMap<Uuid, Uuid>,
    pub dynamic: DynamicState,
    /// Lower-case user principal name to id, of live users.
    names: BTreeMap<String, Uuid>,
    /// Written, not yet to be seen by readers.
    waiting: VecDeque<(Timestamp, Write)>,
}

impl Directory {
    pub fn shelf(&self, entity: EntityType) -> &Shelf {
        match entity {
            EntityType::User => &self.users,
            EntityType::Group => &self.groups,
        }
    }

    fn shelf_mut(&mut self, entity: EntityType) -> &mut Shelf {
        match entity {
            EntityType::User => &mut self.users,
            EntityType::Group => &mut self.groups,
        }
    }

    /// A user who was there before anything was recorded.
    pub fn plant_user(&mut self, id: Uuid, props: Props) {
        self.index_name(EntityType::User, id, &props);
        self.users.live.insert(id, props);
    }

    /// A live user by object id or principal name.
    pub fn find_user(&self, key: &str) -> Option<Uuid> {
        match Uuid::parse_str(key) {
            Ok(id) => self.users.live.contains_key(&id).then_some(id),
            Err(_) => self.names.get(&key.to_lowercase()).copied(),
        }
    }

    /// Takes a write now, or keeps it until `lag` has passed. Says whether it found its object.
    pub fn submit(&mut self, write: Write, now: Timestamp, lag: SignedDuration) -> bool {
        if lag.is_zero() && self.waiting.is_empty() {
            return self.apply(write, now);
        }
        let due = now.saturating_add(lag).unwrap_or(Timestamp::MAX);
        self.waiting.push_back((due, write));
        true
    }

    /// Makes everything visible that is due, and purges what nobody restored in time.
    pub fn settle(&mut self, now: Timestamp) {
        while self.waiting.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((due, write)) = self.waiting.pop_front() {
                self.apply(write, due);
            }
        }
        for entity in [EntityType::User, EntityType::Group] {
            for id in self.overdue(entity, now) {
                self.apply(Write::Purge(entity, id), now);
            }
        }
    }

    fn overdue(&self, entity: EntityType, now: Timestamp) -> Vec<Uuid> {
        let deleted = self.shelf(entity).deleted.iter();
        deleted
            .filter(|(_, (at, _))| now.duration_since(*at) >= RESTORABLE)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Carries out a write and records it. Says whether it found its object.
    pub fn apply(&mut self, write: Write, now: Timestamp) -> bool {
        match write {
            Write::Create(entity, id, props) => self.create(entity, id, props, now),
            Write::Set(entity, id, props) => self.set(entity, id, props),
            Write::SoftDelete(entity, id) => self.soft_delete(entity, id, now),
            Write::Purge(entity, id) => self.purge(entity, id),
            Write::Restore(entity, id) => self.restore(entity, id),
            Write::AddMember(group, member) => self.add_member(group, member),
            Write::RemoveMember(group, member) => self.remove_member(group, member),
            Write::SetManager(user, manager) => self.set_manager(user, manager),
        }
    }

    fn create(&mut self, entity: EntityType, id: Uuid, mut props: Props, now: Timestamp) -> bool {
        props
            .entry("createdDateTime".into())
            .or_insert_with(|| json!(seconds(now)));
        self.index_name(entity, id, &props);
        let objects = self.shelf_mut(entity);
        objects.live.insert(id, props);
        objects.log.push(Entry {
            id,
            what: What::Created,
        });
        true
    }

    fn set(&mut self, entity: EntityType, id: Uuid, props: Props) -> bool {
        let Some(before) = self.shelf(entity).live.get(&id).cloned() else {
            return false;
        };
        let changed: Vec<_> = props
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(*value))
            .map(|(name, _)| name.clone())
            .collect();
        if changed.is_empty() {
            return true;
        }
        self.forget_name(entity, &before);
        let mut after = before;
        after.extend(props);
        self.index_name(entity, id, &after);
        let objects = self.shelf_mut(entity);
        objects.live.insert(id, after);
        objects.log.push(Entry {
            id,
            what: What::Set(changed),
        });
        true
    }

    fn soft_delete(&mut self, entity: EntityType, id: Uuid, now: Timestamp) -> bool {
        let Some(mut props) = self.shelf_mut(entity).live.remove(&id) else {
            return false;
        };
        self.forget_name(entity, &props);
        props.insert("deletedDateTime".into(), json!(seconds(now)));
        let objects = self.shelf_mut(entity);
        objects.deleted.insert(id, (now, props));
        objects.log.push(Entry {
            id,
            what: What::SoftDeleted,
        });
        true
    }

    fn purge(&mut self, entity: EntityType, id: Uuid) -> bool {
        let objects = self.shelf_mut(entity);
        let live = objects.live.remove(&id);
        let gone = objects.deleted.remove(&id).map(|(_, props)| props).or(live);
        let Some(props) = gone else { return false };
        objects.log.push(Entry {
            id,
            what: What::Purged,
        });
        self.forget_name(entity, &props);
        self.members.remove(&id);
        self.managers.remove(&id);
        let parents: Vec<Uuid> = self
            .members
            .iter()
            .filter(|(_, members)| members.contains(&id))
            .map(|(group, _)| *group)
            .collect();
        for group in parents {
            self.remove_member(group, id);
        }
        true
    }

    fn restore(&mut self, entity: EntityType, id: Uuid) -> bool {
        let Some((_, mut props)) = self.shelf_mut(entity).deleted.remove(&id) else {
            return false;
        };
        props.remove("deletedDateTime");
        self.index_name(entity, id, &props);
        let objects = self.shelf_mut(entity);
        objects.live.insert(id, props);
        objects.log.push(Entry {
            id,
            what: What::Restored,
        });
        true
    }

    fn add_member(&mut self, group: Uuid, member: Uuid) -> bool {
        if !self.groups.live.contains_key(&group) || self.kind_of(member).is_none() {
            return false;
        }
        if self.members.entry(group).or_default().insert(member) {
            self.groups.log.push(Entry {
                id: group,
                what: What::MemberAdded(member),
            });
        }
        true
    }

    fn remove_member(&mut self, group: Uuid, member: Uuid) -> bool {
        let removed = self
            .members
            .get_mut(&group)
            .is_some_and(|members| members.remove(&member));
        if removed {
            self.groups.log.push(Entry {
                id: group,
                what: What::MemberRemoved(member),
            });
        }
        removed
    }

    fn set_manager(&mut self, user: Uuid, manager: Option<Uuid>) -> bool {
        if !self.users.live.contains_key(&user) {
            return false;
        }
        match manager {
            Some(manager) => self.managers.insert(user, manager),
            None => self.managers.remove(&user),
        };
        self.users.log.push(Entry {
            id: user,
            what: What::Set(vec!["manager".into()]),
        });
        true
    }

    fn index_name(&mut self, entity: EntityType, id: Uuid, props: &Props) {
        if let (EntityType::User, Some(name)) = (entity, principal_name(props)) {
            self.names.insert(name, id);
        }
    }

    fn forget_name(&mut self, entity: EntityType, props: &Props) {
        if let (EntityType::User, Some(name)) = (entity, principal_name(props)) {
            self.names.remove(&name);
        }
    }

    /// The type of a directory object that may be a member; soft-deleted users and groups count.
    pub fn kind_of(&self, id: Uuid) -> Option<&'static str> {
        let held = |kept: &Shelf| kept.live.contains_key(&id) || kept.deleted.contains_key(&id);
        if held(&self.users) {
            Some("user")
        } else if held(&self.groups) {
            Some("group")
        } else {
            self.others.get(&id).map(|other| other.kind)
        }
    }
}

fn principal_name(props: &Props) -> Option<String> {
    props
        .get("userPrincipalName")
        .and_then(Value::as_str)
        .map(str::to_lowercase)
}

/// A moment as the directory writes it: whole seconds, UTC.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
