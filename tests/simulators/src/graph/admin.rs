//! What an administrator of the tenant does to people and groups. Every change goes the way a real one
//! goes, so delta and lists follow from it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Graph;
use super::changes::Write;
use super::directory::Props;
use super::properties::EntityType;
use super::tenant::Tenant;
use super::world::World;

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no tenant {0}")]
    NoTenant(String),
    #[error("there is no application {0}")]
    NoApp(String),
    #[error("there is no object {0}")]
    NoObject(Uuid),
    #[error("the directory has no property {0}")]
    NoProperty(String),
    #[error("a Microsoft 365 group cannot contain groups")]
    NestingRefused,
    #[error("the body is not what this call takes: {0}")]
    Malformed(&'static str),
}

pub type Done = Result<(), AdminError>;

impl Graph {
    pub fn create_user(&self, tenant: &str, props: &Value) -> Result<Uuid, AdminError> {
        self.create(tenant, EntityType::User, props)
    }

    pub fn create_group(&self, tenant: &str, props: &Value) -> Result<Uuid, AdminError> {
        self.create(tenant, EntityType::Group, props)
    }

    fn create(&self, tenant: &str, entity: EntityType, props: &Value) -> Result<Uuid, AdminError> {
        let given = props
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| Uuid::parse_str(id).ok());
        let mut world = self.lock();
        let id = given.unwrap_or_else(|| world.new_id());
        let props = known_props(entity, props)?;
        self.write(&mut world, tenant, Write::Create(entity, id, props), id)?;
        Ok(id)
    }

    /// Sets properties; `null` empties one.
    pub fn update_user(&self, tenant: &str, id: Uuid, props: &Value) -> Done {
        let props = known_props(EntityType::User, props)?;
        self.write(
            &mut self.lock(),
            tenant,
            Write::Set(EntityType::User, id, props),
            id,
        )
    }

    pub fn update_group(&self, tenant: &str, id: Uuid, props: &Value) -> Done {
        let props = known_props(EntityType::Group, props)?;
        self.write(
            &mut self.lock(),
            tenant,
            Write::Set(EntityType::Group, id, props),
            id,
        )
    }

    pub fn disable_user(&self, tenant: &str, id: Uuid) -> Done {
        self.update_user(tenant, id, &json!({ "accountEnabled": false }))
    }

    pub fn enable_user(&self, tenant: &str, id: Uuid) -> Done {
        self.update_user(tenant, id, &json!({ "accountEnabled": true }))
    }

    /// Into the recycle bin, from where it can be restored for 30 days.
    pub fn delete_user(&self, tenant: &str, id: Uuid) -> Done {
        self.write(
            &mut self.lock(),
            tenant,
            Write::SoftDelete(EntityType::User, id),
            id,
        )
    }

    pub fn purge_user(&self, tenant: &str, id: Uuid) -> Done {
        self.write(&mut self.lock(), tenant, Write::Purge(EntityType::User, id), id)
    }

    pub fn restore_user(&self, tenant: &str, id: Uuid) -> Done {
        self.write(&mut self.lock(), tenant, Write::Restore(EntityType::User, id), id)
    }

    pub fn set_manager(&self, tenant: &str, id: Uuid, manager: Option<Uuid>) -> Done {
        self.write(&mut self.lock(), tenant, Write::SetManager(id, manager), id)
    }

    /// Microsoft 365 groups go into the recycle bin, others are gone at once.
    pub fn delete_group(&self, tenant: &str, id: Uuid) -> Done {
        let mut world = self.lock();
        let unified = tenant_of(&mut world, tenant)?
            .directory
            .groups
            .live
            .get(&id)
            .is_some_and(is_unified);
        let write = if unified {
            Write::SoftDelete(EntityType::Group, id)
        } else {
            Write::Purge(EntityType::Group, id)
        };
        self.write(&mut world, tenant, write, id)
    }

    pub fn add_member(&self, tenant: &str, group: Uuid, member: Uuid) -> Done {
        let mut world = self.lock();
        let directory = &tenant_of(&mut world, tenant)?.directory;
        let nested = directory.groups.live.contains_key(&member);
        if nested && directory.groups.live.get(&group).is_some_and(is_unified) {
            return Err(AdminError::NestingRefused);
        }
        self.write(&mut world, tenant, Write::AddMember(group, member), group)
    }

    pub fn remove_member(&self, tenant: &str, group: Uuid, member: Uuid) -> Done {
        self.write(
            &mut self.lock(),
            tenant,
            Write::RemoveMember(group, member),
            member,
        )
    }

    fn write(&self, world: &mut World, tenant: &str, write: Write, id: Uuid) -> Done {
        let lag = i64::try_from(world.behaviour.replication_lag_ms).unwrap_or(i64::MAX);
        let (now, lag) = (self.clock().now(), SignedDuration::from_millis(lag));
        let directory = &mut tenant_of(world, tenant)?.directory;
        directory.settle(now);
        if directory.submit(write, now, lag) {
            Ok(())
        } else {
            Err(AdminError::NoObject(id))
        }
    }

    pub fn tenant_ids(&self) -> Vec<String> {
        self.lock().tenants.keys().cloned().collect()
    }

    pub fn user_ids(&self, tenant: &str) -> Result<Vec<Uuid>, AdminError> {
        Ok(tenant_of(&mut self.lock(), tenant)?
            .directory
            .users
            .live
            .keys()
            .copied()
            .collect())
    }

    pub fn group_ids(&self, tenant: &str) -> Result<Vec<Uuid>, AdminError> {
        Ok(tenant_of(&mut self.lock(), tenant)?
            .directory
            .groups
            .live
            .keys()
            .copied()
            .collect())
    }

    /// Every property that was ever set, as the next reader would see it.
    pub fn user(&self, tenant: &str, id: Uuid) -> Result<Option<Value>, AdminError> {
        let mut world = self.lock();
        let props = tenant_of(&mut world, tenant)?.directory.users.live.get(&id);
        Ok(props.map(|props| json!(props)))
    }
}

pub fn tenant_of<'a>(world: &'a mut World, tenant: &str) -> Result<&'a mut Tenant, AdminError> {
    world
        .tenants
        .get_mut(tenant)
        .ok_or_else(|| AdminError::NoTenant(tenant.to_owned()))
}

fn is_unified(props: &Props) -> bool {
    let types = props.get("groupTypes").and_then(Value::as_array);
    types.is_some_and(|types| types.contains(&json!("Unified")))
}

fn known_props(entity: EntityType, props: &Value) -> Result<Props, AdminError> {
    let given = props
        .as_object()
        .ok_or(AdminError::Malformed("an object of properties"))?;
    let mut known = Props::new();
    for (name, value) in given.iter().filter(|(name, _)| *name != "id") {
        let (name, _) = entity
            .property(name)
            .ok_or_else(|| AdminError::NoProperty(name.clone()))?;
        known.insert(name.into(), value.clone());
    }
    Ok(known)
}
