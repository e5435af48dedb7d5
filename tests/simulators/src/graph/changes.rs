//! Changes of a directory: as they are asked for, and as they are kept in its log.

use std::borrow::Cow;

use uuid::Uuid;

use super::directory::Props;
use super::properties::EntityType;

/// What happened to an object. Names are those of the properties that were given a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Created,
    Set(Vec<Cow<'static, str>>),
    SoftDeleted,
    Purged,
    Restored,
    MemberAdded(Uuid),
    MemberRemoved(Uuid),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Uuid,
    pub what: What,
}

/// A change to be made. Members are given as (group, member).
#[derive(Clone, Debug)]
pub enum Write {
    Create(EntityType, Uuid, Props),
    Set(EntityType, Uuid, Props),
    SoftDelete(EntityType, Uuid),
    Purge(EntityType, Uuid),
    Restore(EntityType, Uuid),
    AddMember(Uuid, Uuid),
    RemoveMember(Uuid, Uuid),
    SetManager(Uuid, Option<Uuid>),
}
